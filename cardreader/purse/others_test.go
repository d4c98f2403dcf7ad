package purse_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

func other(t *testing.T, name string) (*profile.Profile, []byte) {
	t.Helper()
	p, err := profile.Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p, blankImage(t, p, otherHeaders[name])
}

// What the meter has not taken must not be replaced; it can be taken back.
func TestReplacingRefusesUnswiped(t *testing.T) {
	for _, name := range []string{"REP4442 v1", "RAW4442 v1"} {
		p, image := other(t, name)
		image = sell(t, p, image, plain(1, 100))
		if _, err := purse.Make(p, decode(t, p, image), plain(2, 50)); codeOf(err) != purse.CodeNotSwiped {
			t.Errorf("%s: bought over an order not taken: %v", name, err)
		}
		back := plain(2, -30)
		back.Op = purse.OpRefund
		if got := decode(t, p, sell(t, p, image, back)).Order.Qty; got != 70 {
			t.Errorf("%s: %d left after the refund, want 70", name, got)
		}
		back.Qty = -101
		if _, err := purse.Make(p, decode(t, p, image), back); codeOf(err) != purse.CodeBadQuantity {
			t.Errorf("%s: refund of more than is there: %v", name, err)
		}
		m := otherMeter{p: p}
		m.swipe(t, image)
		back.Qty = -1
		if _, err := purse.Make(p, decode(t, p, image), back); codeOf(err) != purse.CodeBadQuantity {
			t.Errorf("%s: refund of what the meter has: %v", name, err)
		}
	}
}

func TestAddingLimits(t *testing.T) {
	p, image := other(t, "ADD4442 v1")
	image = sell(t, p, image, plain(1, 99_000))
	for qty, want := range map[purse.Amount]string{999: "", 1000: purse.CodeBadQuantity, 1 << 62: purse.CodeBadQuantity} {
		if _, err := purse.Make(p, decode(t, p, image), plain(2, qty)); codeOf(err) != want {
			t.Errorf("%d more: %v, want %q", qty, err, want)
		}
	}
	odd := plain(2, 1)
	odd.Price = 26_550 // the field counts in fen
	if _, err := purse.Make(p, decode(t, p, image), odd); codeOf(err) != purse.CodeOutOfRange {
		t.Errorf("a price that the card cannot say: %v", err)
	}
}

// TestStaleMark: on a card whose mark lies outside the check, our order with the old mark is either cut before the mark
// or taken. Only the backup copy, written after it, proves the second.
func TestStaleMark(t *testing.T) {
	p, image := other(t, "ADD4442 v1")
	image = sell(t, p, image, plain(1, 100))
	m := otherMeter{p: p}
	m.swipe(t, image)
	pl := plan(t, p, image, plain(2, 50))
	cut := bytes.Clone(image)
	copy(cut[0x40:0x4F], pl.After[0x40:0x4F])
	if got := purse.Resolve(pl, decode(t, p, cut)); got != purse.Unclear {
		t.Errorf("all but the mark: %s", got)
	}
	taken := bytes.Clone(pl.After)
	m.swipe(t, taken)
	if !bytes.Equal(taken[0x40:0x50], cut[0x40:0x50]) {
		t.Fatal("the two cases should look the same in the first slot")
	}
	if got := purse.Resolve(pl, decode(t, p, taken)); got != purse.Done {
		t.Errorf("taken, with the backup: %s", got)
	}
}

// TestRepair: the meter marks the first copy only. Before that is written over, the backup is brought up to it, or a cut
// would bring an order back that was taken.
func TestRepair(t *testing.T) {
	p, image := other(t, "ADD4442 v1")
	image = sell(t, p, image, plain(1, 100))
	m := otherMeter{p: p}
	m.swipe(t, image)
	pl := plan(t, p, image, plain(2, 50))
	if pl.Steps[0].Name != "repair" || pl.Steps[0].Addr != 0x50 {
		t.Fatalf("steps %+v", pl.Steps)
	}
	c := newChip(image)
	c.fault = fault{at: 5, kind: faultTorn, torn: 8} // read, unlock, read, repair, read, body
	if err := purse.New(c, p).Write(ctx, pl); said(err) != "unknown" {
		t.Fatal(err)
	}
	st := decode(t, p, c.mem)
	if st.Order == nil || st.Order.Slot != "backup" || !st.Swiped {
		t.Errorf("order %+v, swiped %v: want the old one from the backup, taken", st.Order, st.Swiped)
	}
	if got := decode(t, p, sell(t, p, c.mem, plain(2, 50))).Order; got.Qty != 50 || got.Seq != 2 {
		t.Errorf("written again: %+v, want 50 with count 2", got)
	}
}

// addsInOneSlot is a layout whose only slot holds what the meter has not taken.
func addsInOneSlot(t *testing.T) *profile.Profile {
	t.Helper()
	data, err := os.ReadFile("../profile/rep4442v1.toml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Load("adds.toml", []byte(strings.Replace(string(data), `"replaces"`, `"adds"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A cut in the only slot loses nothing when the meter had taken what was there, and can only be finished when it had not.
func TestCutInTheOnlySlot(t *testing.T) {
	adds := addsInOneSlot(t)
	image := sell(t, adds, blankImage(t, adds, otherHeaders["REP4442 v1"]), plain(1, 100))
	taken := bytes.Clone(image)
	m := otherMeter{p: adds}
	m.swipe(t, taken)
	for want, before := range map[purse.Verdict][]byte{purse.Begun: image, purse.NotDone: taken} {
		pl := plan(t, adds, before, plain(2, 50))
		cut := bytes.Clone(before)
		copy(cut[0x40:], pl.After[0x40:0x4C])
		if got := purse.Resolve(pl, decode(t, adds, cut)); got != want {
			t.Errorf("cut: %s, want %s", got, want)
		}
		rotten := bytes.Clone(pl.After)
		rotten[0x44] ^= 0x08
		if got := purse.Resolve(pl, decode(t, adds, rotten)); got != purse.Unclear {
			t.Errorf("whole once, then one bit lost: %s, want unclear", got)
		}
	}
}

// The rest of an order over one that was not taken: from every byte at which the first write was cut and every one at
// which the second was, the same order comes about, with all that the meter has not taken. Nothing else is finished so.
func TestFinishAnOrderInTheOnlySlot(t *testing.T) {
	p := addsInOneSlot(t)
	image := sell(t, p, blankImage(t, p, otherHeaders["REP4442 v1"]), plain(1, 100))
	pl := plan(t, p, image, plain(2, 50))
	begun := 0
	for first := range p.Order.Len {
		cut := bytes.Clone(image)
		copy(cut[0x40:0x40+first], pl.After[0x40:])
		st := decode(t, p, cut)
		rest, err := purse.Finish(p, pl, st)
		if purse.Resolve(pl, st) != purse.Begun {
			if codeOf(err) != purse.CodeCardChanged {
				t.Errorf("cut at %d is %s, and may be finished: %v", first, purse.Resolve(pl, st), err)
			}
			continue
		}
		if begun++; err != nil {
			t.Fatal(err)
		}
		for second := range p.Order.Len {
			again := bytes.Clone(cut)
			copy(again[0x40:0x40+second], rest.After[0x40:])
			if st := decode(t, p, again); st.Order == nil {
				c := newChip(again)
				last, err := purse.Finish(p, rest, st)
				if err == nil {
					err = purse.New(c, p).Write(ctx, last)
				}
				if err != nil {
					t.Fatalf("cut at %d and %d: %v", first, second, err)
				}
				again = c.mem
			}
			m := otherMeter{p: p}
			if got := m.swipe(t, again); got != 150 {
				t.Fatalf("cut at %d and %d: the meter credits %d, want both orders", first, second, got)
			}
		}
	}
	if begun < p.Order.Len/2 {
		t.Errorf("only %d cuts left half an order", begun)
	}
}

// A meter that took the order before from its backup and emptied it leaves the proof that ours is not there.
func TestCutOrderWhoseBaseTheMeterEmptied(t *testing.T) {
	p, image := other(t, "INC4442 v1")
	image = sell(t, p, image, plain(1, 100))
	back := plain(2, -100)
	back.Op = purse.OpRefund
	for _, o := range []purse.Order{plain(2, 50), back} {
		pl := plan(t, p, image, o)
		cut := bytes.Clone(image)
		copy(cut[0x40:], pl.After[0x40:0x49])
		backup := p.Order.Of(cut, 1)
		if err := p.Order.Field(profile.Qty).PutInt(backup, 0); err != nil {
			t.Fatal(err)
		}
		p.Seal(p.Order, cut, 1)
		copy(p.Order.Of(cut, 0), backup)
		if got := purse.Resolve(pl, decode(t, p, cut)); got != purse.NotDone {
			t.Errorf("%s over an order that was emptied: %s", o.Op, got)
		}
		whole := bytes.Clone(pl.After)
		m := otherMeter{p: p}
		m.swipe(t, whole)
		if got := purse.Resolve(pl, decode(t, p, whole)); got != purse.Done {
			t.Errorf("%s that was taken: %s", o.Op, got)
		}
	}
}

// What the next order is worked out from must be readable; what it is not, need not be.
func TestUnreadableFields(t *testing.T) {
	p, image := other(t, "RAW4442 v1")
	image = sell(t, p, image, plain(1, 100))
	image[0x41] = 0xAB // no decimal digits, and no checksum that would tell
	back := plain(2, -30)
	back.Op = purse.OpRefund
	if _, err := purse.Make(p, decode(t, p, image), back); codeOf(err) != purse.CodeCardDamaged {
		t.Errorf("refund of an unreadable quantity: %v", err)
	}
	image[0x40] = 0x58
	if pl := plan(t, p, image, plain(2, 50)); pl.Order.Qty != 50 {
		t.Errorf("after the meter took it: %+v", pl.Order)
	}
}

// TestCountsWrapInTheirOwnDigits: a count of one byte goes 255 → 0, one of four decimal digits 9999 → 0.
func TestCountsWrapInTheirOwnDigits(t *testing.T) {
	for name, last := range map[string]uint16{"ADD4442 v1": 255, "INC4442 v1": 9999} {
		p, image := other(t, name)
		image = sell(t, p, image, plain(1, 100))
		m := otherMeter{p: p}
		m.swipe(t, image)
		for i := range p.Order.Slots {
			if err := p.Order.Field(profile.Seq).PutInt(p.Order.Of(image, i), int64(last)); err != nil {
				t.Fatal(err)
			}
			p.Seal(p.Order, image, i)
		}
		image = sell(t, p, image, plain(2, 10))
		if got := decode(t, p, image).Order; got.Seq != 0 || got.Qty != 10 {
			t.Errorf("%s: after %d comes %+v", name, last, got)
		}
	}
}
