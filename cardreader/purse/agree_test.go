package purse_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// TestBothReadTheSameCard holds the two implementations of the layout against each other: whatever was sold, swiped, cut
// and spoilt before, the meter takes exactly the order that the purse calls the newest, and the purse reads what the
// meter wrote.
func TestBothReadTheSameCard(t *testing.T) {
	p := gen4442(t)
	reasons := map[icmeter.Reason]int{}
	// Cards that the meter does not look at any further.
	refused := []icmeter.Reason{icmeter.ReasonKind, icmeter.ReasonUnit, icmeter.ReasonRegion, icmeter.ReasonMeter}
	check := func(t *rapid.T) {
		c, seq := spoiltCard(t, p)
		m := meterWith(t, seq, 1000)
		st, err := purse.Decode(p, c.mem)
		r := m.Swipe(c)
		reasons[r.Reason]++
		if (err != nil) != (r.Reason == icmeter.ReasonLayout || r.Reason == icmeter.ReasonHeader) {
			t.Fatalf("purse: %v, meter: %s", err, r.Reason)
		}
		if err != nil || slices.Contains(refused, r.Reason) {
			return
		}
		conflict := slices.Contains(st.Damaged, "slots_conflict")
		switch {
		case conflict && st.Order.Seq == st.Older.Seq && st.Order.Cumulative == st.Older.Cumulative: // the meter knows no tags
		case conflict != (r.Reason == icmeter.ReasonConflict):
			t.Fatalf("purse: damaged %v, meter: %s", st.Damaged, r.Reason)
		case conflict:
		case (st.Order == nil) != (r.Reason == icmeter.ReasonNoOrder):
			t.Fatalf("purse: order %+v, meter: %s", st.Order, r.Reason)
		case r.Accepted && (st.Order.Seq != r.State.Seq || st.Order.Cumulative != purse.Amount(r.State.Accepted)):
			t.Fatalf("purse: %+v, meter took %d of %d", st.Order, r.State.Seq, r.State.Accepted)
		case !r.Accepted && r.Reason == icmeter.ReasonTaken && st.Order.Seq != seq:
			t.Fatalf("purse: %+v, meter says that it took it as %d", st.Order, seq)
		}
		agreeOnWriteBack(t, p, c, r)
	}
	for range 50 { // most cards are refused at once; a hundred would not reach the rare ends
		rapid.Check(t, check)
	}
	for _, want := range []icmeter.Reason{"", icmeter.ReasonHeader, icmeter.ReasonNoOrder, icmeter.ReasonConflict, icmeter.ReasonTaken, icmeter.ReasonOld} {
		if reasons[want] == 0 {
			t.Errorf("no card ended as %q: %v", want, reasons)
		}
	}
}

// spoiltCard is a card with two orders, somewhere around the wrap, and up to three bytes changed.
func spoiltCard(t *rapid.T, p *profile.Profile) (*chip, uint16) {
	image, err := purse.Blank(p, blankHeader)
	if err != nil {
		t.Fatal(err)
	}
	c := newChip(image)
	for i := range rapid.IntRange(0, 2).Draw(t, "orders") {
		st, err := purse.Decode(p, c.mem)
		if err != nil {
			t.Fatal(err)
		}
		pl, err := purse.Make(p, st, buy(byte(i), purse.Amount(rapid.IntRange(1, 60_000).Draw(t, "qty"))))
		if err != nil {
			t.Fatal(err)
		}
		c.mem = pl.After
	}
	seq := rapid.SampledFrom([]uint16{0, 1, 2, 3, 0x7FFF, 0xFFFF}).Draw(t, "meter's sequence")
	for range rapid.IntRange(0, 3).Draw(t, "spoilt bytes") {
		at := rapid.IntRange(0x20, 0x6F).Draw(t, "at")
		c.mem[at] = rapid.SampledFrom([]byte{0x00, 0x01, 0x80, 0xA5, 0xFF}).Draw(t, "byte")
	}
	sealed := rapid.Bool().Draw(t, "sealed")
	if half := rapid.SampledFrom([]int{-1, -1, -1, -1, 0, 0x80}).Draw(t, "sequences apart"); half >= 0 {
		c.mem[0x50], c.mem[0x51], sealed = c.mem[0x30]^byte(half), c.mem[0x31], true
	}
	if sealed {
		if rapid.Bool().Draw(t, "header too") {
			p.Seal(p.Header, c.mem, 0)
		}
		p.Seal(p.Order, c.mem, 0)
		p.Seal(p.Order, c.mem, 1)
	}
	return c, seq
}

func agreeOnWriteBack(t *rapid.T, p *profile.Profile, c *chip, r icmeter.Result) {
	if !r.WroteBack {
		return
	}
	st, err := purse.Decode(p, c.mem)
	if err != nil {
		t.Fatal(err)
	}
	w := st.WriteBack
	if w == nil || w.Seq != r.State.Seq || w.Accepted != purse.Amount(r.State.Accepted) || w.Remaining != purse.Amount(r.State.Remaining) ||
		w.Used != purse.Amount(r.State.Used) || (w.Valve == 1) != r.State.ValveOpen || w.MeterNo != r.State.Number {
		t.Fatalf("meter wrote %+v, purse reads %+v", r.State, w)
	}
	if taken := st.Order != nil && st.Order.Seq == r.State.Seq; st.Order != nil && st.Swiped != taken {
		t.Fatalf("swiped %v, meter has %d, card %+v", st.Swiped, r.State.Seq, st.Order)
	}
}
