package purse_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

// hall is a reader with the real driver, in which simulated chips come and go.
type hall struct {
	t      *testing.T
	src    *cardsim.Source
	watch  *cardtest.Watcher
	guards sle4442.Guards
}

const acsReader = "ACS ACR39U ICC Reader 00 00"

var utilityPSC = sle4442.PSC{0x12, 0x34, 0x56}

func newHall(t *testing.T) *hall {
	h := &hall{t: t, src: cardsim.NewSource(acsReader)}
	h.src.Watchdog = -1 // a silent card is given up at once
	h.watch = cardtest.Watch(t, h.src)
	return h
}

// with inserts a device, opens the purse on it and takes it out at the end, if the fault has not done so.
func (h *hall) with(p *profile.Profile, d cardsim.Device, f func(*purse.MemoryPurse)) {
	h.t.Helper()
	_ = h.src.Plug(acsReader) // the fault may have unplugged it
	_ = h.src.Remove(acsReader)
	if err := h.src.Insert(acsReader, d); err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = h.src.Remove(acsReader) }()
	ins, card := h.open()
	chip, err := sle4442.Open(ctx, card, sle4442.ACS, h.guards.For(acsReader, ins), sle4442.Secret{PSC: utilityPSC, Issued: true})
	if err != nil {
		_ = card.Close()
		h.t.Fatal(err)
	}
	pr := purse.New(chip, p)
	defer pr.Close()
	f(pr)
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

func utilityChip(image []byte) *cardsim.SLE4442 {
	return cardsim.NewSLE4442(cardsim.Options{PSC: utilityPSC[:], Main: image[0x20:]})
}

// TestEveryAPDUFault puts every fault on every APDU of a sale, from the choice of the chip on, through the real driver.
func TestEveryAPDUFault(t *testing.T) {
	p := gen4442(t)
	h := newHall(t)
	fresh := blankImage(t, p, blankHeader)
	one := sell(t, p, fresh, buy(1, 100))
	o := buy(9, 50)
	o.Operator++
	ends, points := map[string]int{}, 0
	for name, image := range map[string][]byte{"fresh": fresh, "one": one, "two": sell(t, p, one, buy(2, 200))} {
		n := h.countAPDUs(p, image, o)
		t.Logf("%s: %d APDUs from the choice of the chip to the stamp", name, n)
		for at := 2; at <= n; at++ { // APDU 1 chooses the chip; without it there is no purse
			for _, kind := range cardsim.FaultKinds() {
				points++
				h.faultAt(p, fmt.Sprintf("%s/APDU %d/%s", name, at, kind), image, o, cardsim.Fault{At: at, Kind: kind}, ends)
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
func (h *hall) countAPDUs(p *profile.Profile, image []byte, o purse.Order) int {
	script := cardsim.Script(cardsim.ACS(utilityChip(image)))
	h.with(p, script, func(pr *purse.MemoryPurse) {
		if _, err := sale(pr, o); err != nil {
			h.t.Fatal(err)
		}
	})
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

func (h *hall) faultAt(p *profile.Profile, name string, image []byte, o purse.Order, f cardsim.Fault, ends map[string]int) {
	t := h.t
	t.Helper()
	chip := utilityChip(image)
	other := utilityChip(blankImage(t, p, purse.Header{Region: 0x0571, CardNo: "00009999", Unit: purse.UnitCentiM3, IssueCount: 1}))
	otherBefore := other.ReadMem()
	f.With = cardsim.ACS(other)
	script := cardsim.Script(cardsim.ACS(chip), f)
	before := chip.ReadMem()
	var pl purse.Plan
	var err error
	h.with(p, script, func(pr *purse.MemoryPurse) { pl, err = sale(pr, o) })
	if script.Fired() != 1 {
		t.Errorf("%s: the fault did not strike", name)
	}
	if pl.Card.No == "00009999" { // swapped before it was read: the sale is that card's, and the clerk sees its name
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
	if chip.Tries() < 2 || other.Tries() < 2 {
		t.Errorf("%s: %d and %d tries left", name, chip.Tries(), other.Tries())
	}
	h.settle(p, name, chip, pl, o, before, err, ends)
}

// settle brings the card back and compares what is said with what is there.
func (h *hall) settle(p *profile.Profile, name string, chip *cardsim.SLE4442, pl purse.Plan, o purse.Order, before []byte, err error, ends map[string]int) {
	t := h.t
	t.Helper()
	now, at := chip.ReadMem(), slotAt(pl.Slot)
	st := decode(t, p, now)
	got, want := purse.Resolve(pl, st), purse.NotDone
	if bytes.Equal(now[at:at+32], pl.After[at:at+32]) {
		want = purse.Done
	}
	unclear := bytes.Equal(now[at:at+31], pl.After[at:at+31]) && slices.Contains(st.Damaged, "slot_"+pl.Slot+"_commit")
	if got != want && (got != purse.Unclear || !unclear) {
		t.Errorf("%s: resolved as %s, want %s; damaged %v", name, got, want, st.Damaged)
	}
	says := said(err)
	ends[says+" "+string(got)]++
	if says == "" || says == "nil" && want != purse.Done || says == "not sent" && !bytes.Equal(now, before) {
		t.Errorf("%s: Write said %q (%v), the card says %s", name, says, err, want)
	}
	if pl.Base != nil && (st.Order == nil || *st.Order != *pl.Base && (st.Older == nil || *st.Older != *pl.Base)) {
		t.Errorf("%s: the order before is not on the card any more", name)
	}
	if got == purse.NotDone {
		h.with(p, cardsim.ACS(chip), func(pr *purse.MemoryPurse) {
			if again, err := sale(pr, o); err != nil || again.Seq != pl.Seq {
				t.Errorf("%s: write again: %v", name, err)
			}
		})
	}
	if got == purse.Unclear {
		return
	}
	m := meterWith(t, pl.Seq-1, uint32(pl.Cumulative-50))
	if r := m.Swipe(chip); r.Credited != 50 || m.Swipe(chip).Credited != 0 {
		t.Errorf("%s: the meter credited %+v, want 50 once", name, r)
	}
}
