package purse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

func TestFirstOrder(t *testing.T) {
	p := gen4442(t)
	c := newChip(blankImage(t, p, blankHeader))
	pr := purse.New(c, p)
	st, err := pr.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if st.Card != (purse.CardID{Region: 0x0571, No: "00001234"}) || st.Meter != "00005678" || !st.Swiped || st.Order != nil || len(st.Damaged) > 0 {
		t.Fatalf("state %+v", st)
	}
	pl, err := pr.Plan(st, buy(1, 1234))
	if err != nil {
		t.Fatal(err)
	}
	if err := pr.Write(ctx, pl); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.mem, pl.After) {
		t.Error("the card is not what the plan said")
	}
	st, err = pr.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := &purse.OnCard{Slot: "a", Seq: 1, Qty: 1234, Cumulative: 1234, Price: 26500, Tier: 1, Op: purse.OpBuy, Tag: purse.Tag{1, 0xBE, 0xEF}, At: "2026-11-21T14"}
	if d := cmp.Diff(want, st.Order); d != "" {
		t.Error(d)
	}
	if st.Swiped {
		t.Error("swiped before any meter saw it")
	}
	if v := purse.Resolve(pl, st); v != purse.Done {
		t.Errorf("verdict %s", v)
	}
}

// A plan goes into the journal and must be the same when it comes back.
func TestPlanSurvivesJSON(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 10))
	pl := plan(t, p, image, buy(2, 20))
	data, err := json.Marshal(pl)
	if err != nil {
		t.Fatal(err)
	}
	var back purse.Plan
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(pl, back); d != "" {
		t.Error(d)
	}
	if err := purse.New(newChip(image), p).Write(ctx, back); err != nil {
		t.Error(err)
	}
}

// scenario is a card before a write.
type scenario struct {
	name  string
	image []byte
}

func scenarios(t testing.TB, p *profile.Profile) []scenario {
	fresh := blankImage(t, p, blankHeader)
	one := sell(t, p, fresh, buy(1, 100))
	two := sell(t, p, one, buy(2, 200))
	torn := bytes.Clone(two)
	torn[0x3F] = 0xFF // slot a, the older one: an earlier write was cut
	torn[0x33] = 0x55
	damaged := bytes.Clone(two)
	damaged[0x35] ^= 1
	first := bytes.Clone(fresh)
	copy(first[0x30:], one[0x30:0x40]) // the very first write was cut
	wrapped := withSeq(t, p, two, 0xFFFF)
	return []scenario{{"fresh", fresh}, {"one", one}, {"two", two}, {"torn older", torn}, {"damaged older", damaged},
		{"torn first", first}, {"seq 65535", wrapped}}
}

// TestEveryFault tries every fault at every call of the memory in every scenario and lets the card come back.
func TestEveryFault(t *testing.T) {
	p := gen4442(t)
	ends := map[string]int{}
	for _, sc := range scenarios(t, p) {
		for at, call := range calls(t, p, sc.image) {
			for kind := faultNone + 1; kind < faultKinds; kind++ {
				torns := []int{0}
				if (kind == faultTorn || kind == faultTornErased) && call == "write" {
					torns = nil
					for n := range 33 {
						torns = append(torns, n)
					}
				}
				for _, n := range torns {
					name := fmt.Sprintf("%s/call %d/fault %d/%d", sc.name, at, kind, n)
					tryFault(t, p, name, sc.image, fault{at: at, kind: kind, torn: n}, ends)
				}
			}
		}
	}
	t.Log(ends)
	for _, end := range []string{"nil done", "not sent not_done", "unknown done", "unknown not_done"} {
		if ends[end] == 0 {
			t.Errorf("no fault ended as %q: the matrix does not reach it", end)
		}
	}
}

// calls are the calls of the memory that one write makes.
func calls(t testing.TB, p *profile.Profile, image []byte) []string {
	c := newChip(image)
	if err := purse.New(c, p).Write(ctx, plan(t, p, image, buy(9, 50))); err != nil {
		t.Fatal(err)
	}
	return c.log
}

func tryFault(t *testing.T, p *profile.Profile, name string, image []byte, f fault, ends map[string]int) {
	t.Helper()
	c := newChip(image)
	f.swap = newChip(blankImage(t, p, purse.Header{Region: 0x0571, CardNo: "00009999", Unit: purse.UnitCentiM3, IssueCount: 1}))
	f.swap.mem[0x3F], f.swap.mem[0x5F] = 0xA5, 0xA5 // commit bytes that look right
	otherBefore := bytes.Clone(f.swap.mem)
	other := f.swap
	c.fault = f
	pl := plan(t, p, image, buy(9, 50))
	err := purse.New(c, p).Write(ctx, pl)
	if f.kind == faultSwap { // give the right card back
		c.mem, other.mem = other.mem, c.mem
		if !bytes.Equal(other.mem, otherBefore) {
			t.Errorf("%s: the other customer's card was changed", name)
		}
	}
	c.reinsert()
	st := decode(t, p, c.mem)
	got := purse.Resolve(pl, st)

	// The oracle looks at bytes only: the slot is there entirely, or it is not there.
	want, at := purse.NotDone, slotAt(pl.Slot)
	if bytes.Equal(c.mem[at:at+32], pl.After[at:at+32]) {
		want = purse.Done
	} else if bytes.Equal(c.mem[at:at+31], pl.After[at:at+31]) && c.mem[at+31] != 0xFF {
		want = purse.Unclear // our order with a commit byte that no cut leaves: it may have counted for a while
	}
	if got != want {
		t.Errorf("%s: verdict %s, want %s; damaged %v", name, got, want, st.Damaged)
	}
	says := said(err)
	ends[says+" "+string(got)]++
	if says == "nil" && want != purse.Done {
		t.Errorf("%s: Write said done", name)
	}
	if says == "not sent" && !bytes.Equal(c.mem, image) {
		t.Errorf("%s: Write said that nothing was sent, but the card changed", name)
	}
	if says == "" {
		t.Errorf("%s: error proves neither: %v", name, err)
	}
	if pl.Base != nil && (st.Order == nil || *st.Order != *pl.Base && (st.Older == nil || *st.Older != *pl.Base)) {
		t.Errorf("%s: the order before is not on the card any more", name)
	}
	if got != purse.Unclear {
		finish(t, p, name, c, pl, got)
	}
}

func said(err error) string {
	switch {
	case err == nil:
		return "nil"
	case errors.Is(err, cardreader.ErrNotSent):
		return "not sent"
	case errors.Is(err, cardreader.ErrOutcomeUnknown):
		return "unknown"
	}
	return ""
}

func slotAt(name string) int { return map[string]int{"a": 0x30, "b": 0x50}[name] }

// finish does what the counter does next: an order that is not there is written again, then the meter takes the card
// and must have credited the total once.
func finish(t *testing.T, p *profile.Profile, name string, c *chip, pl purse.Plan, v purse.Verdict) {
	t.Helper()
	if v == purse.NotDone {
		again := plan(t, p, c.mem, buy(9, 50))
		if again.Seq != pl.Seq || again.Cumulative != pl.Cumulative {
			t.Errorf("%s: written again it is another order: %+v", name, again)
		}
		if err := purse.New(c, p).Write(ctx, again); err != nil {
			t.Errorf("%s: write again: %v", name, err)
		}
	}
	st := decode(t, p, c.mem)
	// A meter just before the wrap: sequences further than half the circle ahead of a new meter's 0 would be old to it.
	m := meterWith(t, pl.Seq-1, uint32(pl.Cumulative-50))
	for range 2 {
		m.Swipe(c)
	}
	if got := m.State(); got.Accepted != uint32(pl.Cumulative) || got.Remaining != 50 {
		t.Errorf("%s: meter has %+v, want 50 more; card %+v", name, got, st.Order)
	}
	if st := decode(t, p, c.mem); !st.Swiped {
		t.Errorf("%s: not swiped after the meter took it", name)
	}
}
