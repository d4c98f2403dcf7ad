package purse_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/guard"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// hall is a reader with the real driver, in which simulated chips come and go.
type hall struct {
	t      *testing.T
	src    *cardsim.Source
	watch  *cardtest.Watcher
	guards guard.Guards
}

const acsReader = "ACS ACR39U ICC Reader 00 00"

func newHall(t *testing.T) *hall {
	h := &hall{t: t, src: cardsim.NewSource(acsReader)}
	h.src.Watchdog = -1 // a silent card is given up at once
	h.watch = cardtest.Watch(t, h.src)
	return h
}

// with inserts a device, opens the purse on it and takes it out at the end, if the fault has not done so. It is false when
// the fault kept the purse from being opened.
func (h *hall) with(k kit, d cardsim.Device, f func(*purse.MemoryPurse)) bool {
	h.t.Helper()
	_ = h.src.Plug(acsReader) // the fault may have unplugged it
	_ = h.src.Remove(acsReader)
	if err := h.src.Insert(acsReader, d); err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = h.src.Remove(acsReader) }()
	ins, card := h.open()
	mem, err := k.open(card, h.guards.For(acsReader, ins), k.p)
	if err != nil {
		_ = card.Close()
		return false
	}
	pr := purse.New(mem, k.p)
	defer pr.Close()
	f(pr)
	return true
}

// open opens the newest insertion; those before are of a reader that was plugged in with the card in it.
func (h *hall) open() (cardreader.Insertion, cardreader.Card) {
	for {
		ins := h.watch.Await(cardreader.CardInserted, acsReader).Insertion
		card, err := h.src.Open(ctx, acsReader, ins)
		if err == nil {
			return ins, card
		}
		if !errors.Is(err, cardreader.ErrNoCard) {
			h.t.Fatal(err)
		}
	}
}

// TestEveryAPDUFault puts every fault on every APDU of a sale, on every kind of chip and through its real driver.
func TestEveryAPDUFault(t *testing.T) {
	for _, k := range kits(t) {
		t.Run(k.name, func(t *testing.T) { everyAPDU(t, k) })
	}
}

func everyAPDU(t *testing.T, k kit) {
	h := newHall(t)
	fresh := blankImage(t, k.p, k.header)
	one := sell(t, k.p, fresh, buy(1, 100))
	o := buy(9, 50)
	o.Operator++
	ends, points := map[string]int{}, 0
	for name, image := range map[string][]byte{"fresh": fresh, "one": one, "two": sell(t, k.p, one, buy(2, 200))} {
		n := h.countAPDUs(k, image, o)
		t.Logf("%s: %d APDUs from the choice of the chip on", name, n)
		for at := 1; at <= n; at++ {
			for _, kind := range cardsim.FaultKinds() {
				points++
				h.faultAt(k, fmt.Sprintf("%s/APDU %d/%s", name, at, kind), image, o, cardsim.Fault{At: at, Kind: kind}, ends)
			}
		}
	}
	t.Logf("%d points: %v", points, ends)
	for _, end := range []string{"nil done", "not sent not_done", "unknown done", "unknown not_done"} {
		if ends[end] == 0 {
			t.Errorf("no fault ended as %q", end)
		}
	}
}

// countAPDUs is the number of APDUs of one read and one write, with the choice of the chip.
func (h *hall) countAPDUs(k kit, image []byte, o purse.Order) int {
	script := cardsim.Script(k.make(image).dev)
	if !h.with(k, script, func(pr *purse.MemoryPurse) {
		if _, err := sale(pr, o); err != nil {
			h.t.Fatal(err)
		}
	}) {
		h.t.Fatal("the card could not be opened")
	}
	return script.Count()
}

// sale reads, plans and writes. An empty plan says that it did not come to a write.
func sale(pr *purse.MemoryPurse, o purse.Order) (purse.Plan, error) {
	st, err := pr.Read(ctx)
	if err != nil {
		return purse.Plan{}, err
	}
	pl, err := pr.Plan(st, o)
	if err != nil {
		return purse.Plan{}, err
	}
	return pl, pr.Write(ctx, pl)
}

func (h *hall) faultAt(k kit, name string, image []byte, o purse.Order, f cardsim.Fault, ends map[string]int) {
	t := h.t
	t.Helper()
	chip, stranger := k.make(image), k.header
	stranger.CardNo = strings.Repeat("9", len(stranger.CardNo))
	other := k.make(blankImage(t, k.p, stranger))
	before, otherBefore := chip.ReadMem(), other.ReadMem()
	f.With = other.dev
	script := cardsim.Script(chip.dev, f)
	var pl purse.Plan
	var err error
	h.with(k, script, func(pr *purse.MemoryPurse) { pl, err = sale(pr, o) })
	if script.Fired() != 1 {
		t.Errorf("%s: the fault did not strike", name)
	}
	if pl.Card.No == stranger.CardNo { // swapped before it was read: the sale is that card's, and the clerk sees its name
		return
	}
	if pl.Profile == "" { // it did not come to an intent, so nothing may have happened
		if !bytes.Equal(chip.ReadMem(), before) {
			t.Errorf("%s: written without a plan", name)
		}
		return
	}
	if !bytes.Equal(other.ReadMem(), otherBefore) {
		t.Errorf("%s: another customer's card was changed", name)
	}
	if chip.tries() < 2 || other.tries() < 2 {
		t.Errorf("%s: %d and %d tries left", name, chip.tries(), other.tries())
	}
	h.settle(k, name, chip, pl, o, before, err, ends)
}

// settle brings the card back and compares what is said with what is there.
func (h *hall) settle(k kit, name string, chip simChip, pl purse.Plan, o purse.Order, before []byte, err error, ends map[string]int) {
	t := h.t
	t.Helper()
	now, slot := chip.ReadMem(), slices.IndexFunc(k.p.Order.Slots, func(s profile.Slot) bool { return s.Name == pl.Slot })
	there, ours, body := k.p.Order.Of(now, slot), k.p.Order.Of(pl.After, slot), k.p.Order.Len-1
	st := decode(t, k.p, now)
	got, want := purse.Resolve(pl, st), purse.NotDone
	if bytes.Equal(there, ours) {
		want = purse.Done
	}
	unclear := bytes.Equal(there[:body], ours[:body]) && slices.Contains(st.Damaged, "slot_"+pl.Slot+"_commit")
	if got != want && (got != purse.Unclear || !unclear) {
		t.Errorf("%s: resolved as %s, want %s; damaged %v", name, got, want, st.Damaged)
	}
	says := said(err)
	ends[says+" "+string(got)]++
	if says == "" || says == "nil" && want != purse.Done || says == "not sent" && !bytes.Equal(now, before) {
		t.Errorf("%s: Write said %q (%v), the card says %s", name, says, err, want)
	}
	if k.p.Rules.Copies == profile.CopiesAlternate && pl.Base != nil && (st.Order == nil || *st.Order != *pl.Base && (st.Older == nil || *st.Older != *pl.Base)) {
		t.Errorf("%s: the order before is not on the card any more", name)
	}
	if got == purse.NotDone {
		opened := h.with(k, chip.dev, func(pr *purse.MemoryPurse) {
			if again, err := sale(pr, o); err != nil || again.Seq != pl.Seq {
				t.Errorf("%s: write again: %v", name, err)
			}
		})
		if !opened {
			t.Errorf("%s: the card cannot be opened again", name)
		}
	}
	if got != purse.Unclear && k.credits != nil {
		if first, second := k.credits(t, chip, pl); first != 50 || second != 0 {
			t.Errorf("%s: the meter credited %d, then %d; want 50 once", name, first, second)
		}
	}
}
