package purse_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// otherHeaders issue a card of each shipped profile beside GEN4442.
var otherHeaders = map[string]purse.Header{
	"ADD4442 v1": {CardNo: "0000001234", MeterNo: "0000005678", Unit: purse.UnitDeciM3, IssueCount: 1},
	"REP4442 v1": {Region: 0x0571, CardNo: "00001234", MeterNo: "00005678", Unit: purse.UnitCentiM3, IssueCount: 1},
	"RAW4442 v1": {CardNo: "00001234", Unit: purse.UnitDeciM3},
	"LOADCPU v1": {Region: 0x0571, CardNo: "00001234", MeterNo: "00005678", Unit: purse.UnitFen, Serial: [8]byte{0x20, 0x26, 7: 9}},
	"INC4442 v1": {Region: 0x0571, CardNo: "000000001234", MeterNo: "0000005678", Unit: purse.UnitFen},
}

// otherMeter is a meter of another maker, told by the profile what to look at: it credits what it has not taken yet and
// leaves the maker's sign on the card. It reads the first slot only.
type otherMeter struct {
	p        *profile.Profile
	seq      uint16
	credited purse.Amount
}

func (m *otherMeter) swipe(t *testing.T, image []byte) purse.Amount {
	t.Helper()
	o := m.p.Order
	raw := o.Of(image, 0)
	if m.p.Verify(o, image, 0) != profile.Valid {
		return 0
	}
	qty, err := o.Field(profile.Qty).Int(raw)
	if err != nil {
		return 0
	}
	switch m.p.Rules.Swiped {
	case profile.SwipedZero:
		m.must(t, o.Field(profile.Qty).PutInt(raw, 0))
		m.p.Seal(o, image, 0)
	case profile.SwipedMark:
		if !m.takeMark(t, raw) {
			return 0
		}
	case profile.SwipedWriteBack:
		seq, err := o.Field(profile.Seq).Int(raw)
		if err != nil || uint16(seq) == m.seq {
			return 0
		}
		m.seq = uint16(seq)
		wb := m.p.WriteBack.Of(image, 0)
		copy(wb, make([]byte, len(wb)))
		m.must(t, m.p.WriteBack.Field(profile.Seq).PutInt(wb, seq))
		m.must(t, m.p.WriteBack.Field(profile.Remaining).PutInt(wb, int64(m.credited)+qty))
		copy(wb[0x0C:], []byte{0x26, 0x11, 0x21, 0x14, 0x05})
		m.p.Seal(m.p.WriteBack, image, 0)
	}
	m.credited += purse.Amount(qty)
	return purse.Amount(qty)
}

// takeMark turns the mark of a fresh order and reports whether it was one.
func (m *otherMeter) takeMark(t *testing.T, raw []byte) bool {
	if f := m.p.Order.Field(profile.Mark); f != nil {
		w, err := f.Word(raw)
		if err != nil || w != "fresh" {
			return false
		}
		m.must(t, f.PutWord(raw, "swiped"))
		return true
	}
	c := m.p.Order.Commit
	if int(raw[c.At]) != c.Value {
		return false
	}
	raw[c.At] = byte(*c.Taken)
	return true
}

func (m *otherMeter) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bench is a card of some profile with its meter, before a write.
type bench struct {
	name  string
	p     *profile.Profile
	image []byte
	meter otherMeter
}

// benches are the cards to start from: new, with orders taken, and, where the profile allows to go on from there, with
// one not taken yet.
func benches(t *testing.T, name string) []bench {
	t.Helper()
	p, err := profile.Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	b := bench{name + "/fresh", p, blankImage(t, p, otherHeaders[name]), otherMeter{p: p}}
	all := []bench{b}
	for i, qty := range []purse.Amount{100, 230} {
		b.image = sell(t, p, b.image, plain(byte(i+1), qty))
		if p.Rules.Order == profile.OrderAdds {
			all = append(all, bench{fmt.Sprintf("%s/%d bought", name, i+1), p, bytes.Clone(b.image), b.meter})
		}
		b.image = bytes.Clone(b.image)
		if got := b.meter.swipe(t, b.image); got != qty {
			t.Fatalf("%s: the meter took %d of %d", name, got, qty)
		}
		all = append(all, bench{fmt.Sprintf("%s/%d taken", name, i+1), p, bytes.Clone(b.image), b.meter})
	}
	return all
}

// plain is an order that every profile can carry.
func plain(tag byte, qty purse.Amount) purse.Order {
	o := buy(tag, qty)
	o.Price, o.Alarm = 26500, 50
	return o
}

// TestSemantics sells and swipes in every profile's way, without a fault.
func TestSemantics(t *testing.T) {
	for name := range otherHeaders {
		for _, b := range benches(t, name) {
			before := b.meter.credited
			waiting := decode(t, b.p, b.image)
			image := sell(t, b.p, b.image, plain(9, 77))
			st := decode(t, b.p, image)
			if st.Swiped || len(st.Damaged) > 0 {
				t.Errorf("%s: swiped %v, damaged %v after the sale", b.name, st.Swiped, st.Damaged)
			}
			want := purse.Amount(77)
			if !waiting.Swiped {
				want += waiting.Order.Qty
			}
			m := b.meter
			m.swipe(t, image)
			if got := m.credited - before; got != want || m.swipe(t, image) != 0 {
				t.Errorf("%s: the meter credited %d, want %d once", b.name, got, want)
			}
			if st := decode(t, b.p, image); !st.Swiped {
				t.Errorf("%s: not swiped after the meter took it: %+v", b.name, st.Order)
			}
		}
	}
}

// TestCounts holds the sequences to each count rule.
func TestCounts(t *testing.T) {
	for name, want := range map[string][]uint16{
		// fresh, [1 bought,] 1 taken, [2 bought,] 2 taken: the sequence of the next order
		"ADD4442 v1": {1, 1, 2, 2, 3}, "REP4442 v1": {1, 2, 3}, "RAW4442 v1": {0, 0, 0}, "INC4442 v1": {1, 2, 2, 3, 3},
	} {
		var got []uint16
		for _, b := range benches(t, name) {
			got = append(got, plan(t, b.p, b.image, plain(9, 1)).Seq)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: sequences %v, want %v", name, got, want)
		}
	}
}

// TestSemanticsUnderFaults puts every fault on every call in every profile. A maker's layout may leave an order in
// doubt; it must never make the software say what is not so.
func TestSemanticsUnderFaults(t *testing.T) {
	for _, name := range []string{"ADD4442 v1", "REP4442 v1", "RAW4442 v1", "INC4442 v1"} {
		ends := map[string]int{}
		for _, b := range benches(t, name) {
			for _, qty := range []purse.Amount{77, 230} { // 230 is what was bought last: a twin
				b.tryAll(t, qty, ends)
			}
		}
		t.Logf("%s: %v", name, ends)
		for _, e := range []string{"nil done", "not sent not_done", "unknown done", "unknown not_done"} {
			if ends[e] == 0 {
				t.Errorf("%s: no fault ended as %q", name, e)
			}
		}
	}
}

// trial is one order against a bench, with what the meter would credit before and after it.
type trial struct {
	bench
	qty       purse.Amount
	pl        purse.Plan
	old, ours purse.Amount
	ends      map[string]int
}

func (b bench) tryAll(t *testing.T, qty purse.Amount, ends map[string]int) {
	t.Helper()
	x := trial{bench: b, qty: qty, pl: plan(t, b.p, b.image, plain(9, qty)), ends: ends}
	x.old, x.ours = b.credit(t, x.pl.Before), b.credit(t, x.pl.After)
	c := newChip(b.image)
	if err := purse.New(c, b.p).Write(ctx, x.pl); err != nil {
		t.Fatal(err)
	}
	for at, call := range c.log {
		for kind := faultNone + 1; kind < faultKinds; kind++ {
			torns := 1
			if (kind == faultTorn || kind == faultTornErased) && call == "write" {
				torns = b.p.Order.Len + 1
			}
			for n := range torns {
				x.try(t, fault{at: at, kind: kind, torn: n})
			}
		}
	}
}

func (x trial) try(t *testing.T, f fault) {
	t.Helper()
	name := fmt.Sprintf("%s/%d/call %d/fault %d/%d", x.name, x.qty, f.at, f.kind, f.torn)
	c := newChip(x.image)
	if f.kind == faultSwap {
		h := otherHeaders[x.p.Name]
		h.CardNo = strings.Repeat("9", len(h.CardNo))
		f.swap = newChip(blankImage(t, x.p, h))
	}
	c.fault = f
	err := purse.New(c, x.p).Write(ctx, x.pl)
	if f.kind == faultSwap && c.calls > f.at {
		c.mem, f.swap.mem = f.swap.mem, c.mem
	}
	c.reinsert()
	st := decode(t, x.p, c.mem)
	says, got, live := said(err), purse.Resolve(x.pl, st), x.credit(t, c.mem)
	x.ends[says+" "+string(got)]++
	switch {
	// Where the backup holds the order before, the meter waits for the counter to write the first slot again.
	case got == purse.Done && live != x.ours, got == purse.NotDone && live != x.old && (live != 0 || st.Order.Slot != "backup"):
		t.Errorf("%s: %s, and the meter would credit %d (before %d, ours %d)", name, got, live, x.old, x.ours)
	case says == "nil" && got != purse.Done, says == "":
		t.Errorf("%s: Write said %v, the card says %s", name, err, got)
	case says == "not sent" && !bytes.Equal(c.mem, x.image):
		t.Errorf("%s: Write said that nothing was sent, and the card changed", name)
	case got == purse.Unclear && !x.mayBeUnclear(t, f.kind):
		t.Errorf("%s: left unclear, though the layout can tell", name)
	}
	x.later(t, name, c.mem, got)
	if got == purse.Begun {
		rest, err := purse.Finish(x.p, x.pl, st)
		again := newChip(c.mem)
		if err == nil {
			err = purse.New(again, x.p).Write(ctx, rest)
		}
		if err != nil || x.credit(t, again.mem) != x.ours {
			t.Errorf("%s: finished %v, the meter would credit %d, want %d", name, err, x.credit(t, again.mem), x.ours)
		}
	}
	if got == purse.NotDone {
		again := newChip(c.mem)
		if err := purse.New(again, x.p).Write(ctx, plan(t, x.p, c.mem, plain(9, x.qty))); err != nil || x.credit(t, again.mem) != x.ours {
			t.Errorf("%s: written again %v, the meter would credit %d, want %d", name, err, x.credit(t, again.mem), x.ours)
		}
	}
}

// mayBeUnclear lists what a layout cannot tell: one wrong byte in an order that was whole; two equal purchases in a row
// without a sequence; and with an 8-bit sum and a mark outside it, a torn order that adds up, or lacks only the mark.
func (x trial) mayBeUnclear(t *testing.T, kind faultKind) bool {
	switch {
	case kind == faultLieFlipped:
		return true
	case x.p.Rules.Count == profile.CountNone:
		st := decode(t, x.p, x.image)
		return st.Order != nil && st.Order.Qty == x.qty
	}
	return x.p.Order.Check.Kind == profile.Sum8 && (kind == faultTorn || kind == faultTornErased)
}

// credit is what the customer's meter would credit for these bytes.
func (b bench) credit(t *testing.T, image []byte) purse.Amount {
	t.Helper()
	m := b.meter
	return m.swipe(t, bytes.Clone(image))
}

// later lets the meter take the card before it is judged: an order that was there is not called absent then, nor one
// that was not there present.
func (x trial) later(t *testing.T, name string, image []byte, now purse.Verdict) {
	t.Helper()
	image = bytes.Clone(image)
	m := x.meter
	m.swipe(t, image)
	got := purse.Resolve(x.pl, decode(t, x.p, image))
	if got != now && got != purse.Unclear && now != purse.Unclear {
		t.Errorf("%s: %s, and %s after the meter took the card", name, now, got)
	}
}
