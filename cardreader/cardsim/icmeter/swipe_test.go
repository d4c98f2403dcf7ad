package icmeter

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func newMeter(t testing.TB) *Meter {
	t.Helper()
	m, err := New("00005678", 0x0571, CentiM3)
	if err != nil {
		t.Fatal(err)
	}
	m.SetClock(noon)
	return m
}

func TestSwipeCreditsOnce(t *testing.T) {
	m, c := newMeter(t), issue(true).put(orderA, 1, 1000, limits{price: 26500, alarm: 50})
	r := m.Swipe(c)
	if !r.Accepted || r.Credited != 1000 || !r.WroteBack || r.Reason != "" {
		t.Fatalf("first swipe %+v", r)
	}
	if s := r.State; s.Remaining != 1000 || !s.ValveOpen || s.Alarming || s.Card != "00001234" || s.Seq != 1 || s.LastEvent != EventCredited {
		t.Errorf("state %+v", s)
	}
	for range 3 {
		if r := m.Swipe(c); r.Accepted || r.Credited != 0 || r.Reason != ReasonTaken || !r.WroteBack {
			t.Errorf("swiped again %+v", r)
		}
	}
	c.put(orderB, 2, 1500, limits{})
	if r := m.Swipe(c); r.Credited != 500 || r.State.Remaining != 1500 {
		t.Errorf("second order %+v", r)
	}
	c.put(orderA, 3, 1200, limits{})
	if r := m.Swipe(c); r.Credited != -300 || r.State.Remaining != 1200 {
		t.Errorf("refund %+v", r)
	}
}

// TestWriteBackBytes holds the meter's slot to the published layout, byte by byte.
func TestWriteBackBytes(t *testing.T) {
	m, c := newMeter(t), issue(true).put(orderA, 0x0102, 1000, limits{overdraft: 100})
	m.Swipe(c)
	m.Use(10_200)
	m.Swipe(c)
	got := hex.EncodeToString(c.mem[backB : backB+29])
	want := "0102" + "000003e8" + "ffffffec" + "000003fc" + "01" + "24" + "0040" + "01" + "00" + "00" + "26112112" + "00005678"
	if got != want {
		t.Errorf("write-back\n %s, want\n %s", got, want)
	}
	if c.mem[backB+31] != 0xA5 || c.mem[backA+31] != 0xA5 {
		t.Error("both write-backs should be committed")
	}
}

func TestSwipeRefuses(t *testing.T) {
	order := func(c *card) *card { return c.put(orderA, 1, 1000, limits{}) }
	for _, c := range []struct {
		want Reason
		card *card
	}{
		{ReasonNoCard, &card{gone: true}},
		{ReasonNoCard, &card{mem: make([]byte, 255)}},
		{ReasonLayout, &card{mem: slices.Repeat([]byte{0xFF}, 256)}},
		{ReasonLayout, order(issue(true)).edit(0x21, 2)},
		{ReasonHeader, func() *card { c := order(issue(true)); c.mem[0x24] ^= 1; return c }()},
		{ReasonHeader, order(issue(true)).edit(0x26, 0xAA)},
		{ReasonHeader, order(issue(true)).edit(0x2A, 0xAA)},
		{ReasonKind, order(issue(true)).edit(0x22, 2)},
		{ReasonUnit, order(issue(true)).edit(0x23, 2)},
		{ReasonUnit, order(issue(true)).edit(0x23, 3)},
		{ReasonRegion, order(issue(true)).edit(0x25, 0x72)},
		{ReasonMeter, order(issue(true)).edit(0x2D, 0x79)},
	} {
		m := newMeter(t)
		before := bytes.Clone(c.card.mem)
		r := m.Swipe(c.card)
		if r.Reason != c.want || r.Accepted || r.Credited != 0 || r.WroteBack || m.State().Card != "" {
			t.Errorf("%+v, want %s", r, c.want)
		}
		if !bytes.Equal(c.card.mem, before) {
			t.Errorf("%s: the card was written to", c.want)
		}
	}
}

// Refused orders leave the credit, but the meter still writes its state back.
func TestSwipeWithoutANewOrder(t *testing.T) {
	for _, c := range []struct {
		want Reason
		card *card
	}{
		{ReasonNoOrder, issue(true)},
		{ReasonNoOrder, func() *card { c := issue(true).put(orderA, 1, 1000, limits{}); c.mem[0x31] ^= 1; return c }()},
		{ReasonNoOrder, func() *card { c := issue(true).put(orderA, 1, 1000, limits{}); c.mem[0x4F] = 0xFF; return c }()},
		{ReasonConflict, issue(true).put(orderA, 1, 1000, limits{}).put(orderB, 1, 2000, limits{})},
		{ReasonConflict, issue(true).put(orderA, 1, 1000, limits{}).put(orderB, 0x8001, 2000, limits{})},
		{ReasonOld, issue(true).put(orderA, 0x8000, 1000, limits{})},
		{ReasonOld, issue(true).put(orderA, 0xFFFF, 1000, limits{})},
		{ReasonHoard, issue(true).put(orderA, 1, 1000, limits{hoard: 999})},
		{ReasonHoard, issue(true).put(orderA, 1, 1<<31, limits{})},
	} {
		m := newMeter(t)
		if r := m.Swipe(c.card); r.Reason != c.want || r.Accepted || r.State.Accepted != 0 || r.State.Remaining != 0 || !r.WroteBack {
			t.Errorf("%+v, want %s", r, c.want)
		}
	}
}

// TestHoard: an order over the ceiling is taken entirely, later, or not at all.
func TestHoard(t *testing.T) {
	m, c := newMeter(t), issue(true).put(orderA, 1, 1000, limits{hoard: 1200})
	m.Swipe(c)
	c.put(orderB, 2, 1500, limits{hoard: 1200})
	if r := m.Swipe(c); r.Reason != ReasonHoard || r.State.Remaining != 1000 {
		t.Fatalf("over the ceiling %+v", r)
	}
	m.Use(3000)
	if r := m.Swipe(c); r.Credited != 500 || r.State.Remaining != 1200 {
		t.Errorf("after use %+v", r)
	}
}

func TestSequenceWraps(t *testing.T) {
	m := newMeter(t)
	m.s.Seq, m.s.Accepted = 65534, 1000
	c := issue(true).put(orderA, 65535, 1100, limits{}).put(orderB, 65534, 1000, limits{})
	m.Swipe(c)
	c.put(orderB, 0, 1300, limits{})
	m.Swipe(c)
	c.put(orderA, 1, 1600, limits{})
	if r := m.Swipe(c); r.State.Seq != 1 || r.State.Remaining != 600 {
		t.Errorf("after the wrap %+v", r)
	}
}

func TestOtherCardsOfTheSameCustomer(t *testing.T) {
	m := newMeter(t)
	m.Swipe(issue(true).put(orderA, 1, 1000, limits{}))
	if r := m.Swipe(issue(true).edit(0x29, 0x35).put(orderA, 2, 2000, limits{})); r.Reason != ReasonCard {
		t.Errorf("another card number %+v", r)
	}
	if r := m.Swipe(issue(true).edit(0x2E, 2).put(orderA, 2, 1500, limits{})); r.Credited != 500 {
		t.Errorf("reissued card %+v", r)
	}
	if r := m.Swipe(issue(true).put(orderA, 3, 2000, limits{})); r.Reason != ReasonOldIssue {
		t.Errorf("the card that was replaced %+v", r)
	}
}

// TestUnboundCardIsTakenByOneMeter: whenever the card is pulled, two meters never both credit one unbound card.
func TestUnboundCardIsTakenByOneMeter(t *testing.T) {
	for n := range 70 {
		c := issue(false).put(orderA, 1, 1000, limits{})
		a := newMeter(t)
		b, err := New("00009999", 0x0571, CentiM3)
		if err != nil {
			t.Fatal(err)
		}
		a.CutAfter(n)
		first := a.Swipe(c)
		second := b.Swipe(c)
		third := a.Swipe(c)
		if sum := first.Credited + second.Credited + third.Credited; sum != 1000 {
			t.Errorf("cut after %d bytes: %d, %d (%s) and %d credited", n, first.Credited, second.Credited, second.Reason, third.Credited)
		}
	}
}

// TestTornWriteBacks cuts the meter's write after every byte: one write-back stays valid, nothing is credited twice,
// and the next swipe makes it whole.
func TestTornWriteBacks(t *testing.T) {
	for n := range 33 {
		m, c := newMeter(t), issue(true).put(orderA, 1, 1000, limits{})
		m.Swipe(c)
		c.put(orderB, 2, 1500, limits{})
		m.CutAfter(n)
		r := m.Swipe(c)
		if r.Credited != 500 || r.WroteBack || r.Reason != ReasonWriteBack {
			t.Errorf("cut after %d bytes: %+v", n, r)
		}
		if b, ok := readBack(c.mem, backA); !ok || b.seq != 1 {
			t.Errorf("cut after %d bytes: the write-back before is gone", n)
		}
		if b, ok := readBack(c.mem, backB); ok {
			t.Errorf("cut after %d bytes: write-back %+v counts", n, b)
		}
		r = m.Swipe(c)
		if b, ok := readBack(c.mem, backB); r.Credited != 0 || !r.WroteBack || !ok || b.seq != 2 {
			t.Errorf("swiped again after %d bytes: %+v", n, r)
		}
	}
}

// FuzzSwipe: no card makes the meter panic or forget what it had, and no card is credited twice.
func FuzzSwipe(f *testing.F) {
	f.Add(issue(true).put(orderA, 1, 1000, limits{}).mem, true)
	f.Add(issue(false).put(orderA, 1, 1000, limits{}).put(orderB, 2, 2000, limits{}).mem, false)
	f.Add(slices.Repeat([]byte{0xA5}, 256), true)
	f.Add(make([]byte, 256), true)
	f.Fuzz(func(t *testing.T, mem []byte, seal bool) {
		c := &card{mem: slices.Clone(mem)}
		if seal && len(mem) >= chipSize {
			c.mem[0x20], c.mem[0x21] = 0x5A, 1
			c.sealed()
		}
		m := newMeter(t)
		r := m.Swipe(c)
		if int64(m.State().Accepted) != r.Credited || m.State().Remaining != r.Credited {
			t.Fatalf("accepted %d, remaining %d, credited %d", m.State().Accepted, m.State().Remaining, r.Credited)
		}
		if again := m.Swipe(c); again.Credited != 0 {
			t.Fatalf("credited again: %+v after %+v", again, r)
		}
	})
}

// FuzzSwipeOfEveryLayout: whatever lies on the card, no meter panics, credits less than nothing without an order, or takes
// the same card twice.
func FuzzSwipeOfEveryLayout(f *testing.F) {
	for i := range Layouts() {
		f.Add(slices.Repeat([]byte{0xFF}, 816), uint8(i))
		f.Add(slices.Repeat([]byte{0x01, 0xA5}, 408), uint8(i))
		f.Add(make([]byte, 256), uint8(i))
	}
	f.Fuzz(func(t *testing.T, mem []byte, which uint8) {
		layout := Layouts()[int(which)%len(Layouts())]
		n, _ := State{Layout: layout}.digits()
		m, err := NewOf(layout, strings.Repeat("1", n), 0x0571, CentiM3)
		if err != nil {
			t.Fatal(err)
		}
		c := &card{mem: slices.Clone(mem)}
		first := m.Swipe(c)
		if first.Reason != "" && first.Reason != ReasonWriteBack && first.Credited > 0 {
			t.Fatalf("%s: %+v", layout, first)
		}
		if again := m.Swipe(c); first.WroteBack && again.Credited != 0 {
			t.Fatalf("%s: %+v after %+v", layout, again, first)
		}
	})
}
