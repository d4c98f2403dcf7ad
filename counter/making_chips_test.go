package counter_test

import (
	"bytes"
	"context"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/guard"
	"tally/cardreader/keyed"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/counter"
)

// familyOMNIKEY are SLE 4442 in readers that present a code without showing its tries, and cannot change one.
type familyOMNIKEY struct{}

func (familyOMNIKEY) blank(int) (simChip, func() cardsim.Device) {
	c := cardsim.NewSLE4442(cardsim.Options{})
	return c, func() cardsim.Device { return cardsim.OMNIKEY(c) }
}

func (familyOMNIKEY) open(ctx context.Context, card cardreader.Card, g *guard.Guard) (purse.Memory, error) {
	chip, err := sle4442.Open(ctx, card, sle4442.OMNIKEY, g, sle4442.Secret{Issued: true})
	if err != nil {
		return nil, err
	}
	return keyed.New(chip, func(purse.CardID) sle4442.Secret {
		return sle4442.Secret{PSC: hallPSC, Issued: true, Blind: true}
	}), nil
}

// TestNoCardIsMadeInAReaderThatCannotChangeCodes: the clerk hears to use another reader before any byte is written or
// stored; and a card that needs no new code can be changed there, also after a cut.
func TestNoCardIsMadeInAReaderThatCannotChangeCodes(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	card := o.issue(c)
	o.take()
	h.family = familyOMNIKEY{}
	fresh := h.blank()
	before := fresh.chip.ReadMem()
	stored := len(o.store.Orders())
	d := o.insert(fresh)
	_, err := o.svc.MakeTool(bg, o.leader, counter.ToolCard{
		Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, CardNo: "90000001", Kind: purse.KindCheck, Uses: 3, Reason: "外勤",
	})
	if code(err) != cardreader.CodeNoCodeChange {
		t.Errorf("a card for meters: %v", err)
	}
	if _, err = o.reissue(c, fresh, counter.CauseFaulty, counter.SwipedYes); code(err) != cardreader.CodeNoCodeChange {
		t.Errorf("a replacement: %v", err)
	}
	if !bytes.Equal(fresh.chip.ReadMem(), before) || fresh.chip.Tries() != 3 || len(o.store.Orders()) != stored {
		t.Errorf("something happened: %d tries, %d orders", fresh.chip.Tries(), len(o.store.Orders()))
	}
	o.take()

	chip := card.chip.(*cardsim.SLE4442)
	card.dev = func() cardsim.Device { return cardsim.OMNIKEY(chip) }
	o.next, o.nextAt = pulled, 14 // in the middle of the change
	if _, err := o.changeMeter(card, "20000001", 0); err == nil {
		t.Fatal("the card was not pulled")
	}
	o.next, o.nextAt = cardsim.Fault{}, 0
	o.settled()
	d = o.insert(card)
	if d.InDoubt == nil {
		t.Fatalf("desk %+v", d)
	}
	if _, err := o.svc.Retry(bg, o.clerk, d.InDoubt.ID); err != nil {
		t.Fatal(err)
	}
	if d := o.settled(); d.Problem != nil || d.Card.Meter != "20000001" || card.chip.Tries() != 3 {
		t.Errorf("desk %+v", d)
	}
}

// TestACardWithNoErasuresLeft: what would need another erasure is refused before it is stored, in words of its own; taking
// the card out of use needs none.
func TestACardWithNoErasuresLeft(t *testing.T) {
	h := newHall(t, "GEN102 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	card := o.issue(c)
	chip := card.chip.(chipOfMaker).Chip102
	chip.Wear(126) // of 128
	refused, sales := "", 0
	for ; sales < 20 && refused == ""; sales++ {
		_, err := o.sell(card, 10)
		refused = code(err)
		o.settled()
		o.take()
		c.meter.Swipe(card.chip)
	}
	// The second order goes into zone 2 as it came; the fourth and the sixth erase it, the eighth cannot.
	if refused != cardreader.CodeErasuresUsed || sales != 8 {
		t.Fatalf("after %d sales: %q", sales, refused)
	}
	stored := len(o.store.Orders())
	if _, err := o.changeMeter(card, "20000001", 0); code(err) != cardreader.CodeErasuresUsed {
		t.Errorf("meter change: %v", err)
	}
	if len(o.store.Orders()) != stored || chip.Tries() < 4 {
		t.Errorf("%d orders were stored, %d tries", len(o.store.Orders())-stored, chip.Tries())
	}
	o.take()
	c.meter.Swipe(card.chip)
	if _, err := o.retire(card); err != nil {
		t.Errorf("retire: %v", err)
	}
}

// TestACardWithItsNumberForGood: a retired AT88SC102 becomes its customer's again, and nobody else's.
func TestACardWithItsNumberForGood(t *testing.T) {
	h := newHall(t, "GEN102 v1", purse.UnitCentiM3, 1)
	o, c, other := h.offices[0], h.client(0), h.client(1)
	card := o.issue(c)
	o.take()
	if _, err := o.retire(card); err != nil {
		t.Fatal(err)
	}
	give := func(no string) error {
		d := o.insert(card)
		_, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: no})
		o.settled()
		return err
	}
	if err := give(other.no); code(err) != purse.CodeNumberLocked {
		t.Errorf("somebody else's: %v", err)
	}
	if err := give(c.no); err != nil {
		t.Errorf("the same customer's: %v", err)
	}
}

// TestTheMetersWordGoesWithItsOrder: a purchase and its refund on an AT88SC102 erase what the meter wrote back; then nobody
// carries over what it had taken, until it has said so again.
func TestTheMetersWordGoesWithItsOrder(t *testing.T) {
	h := newHall(t, "GEN102 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	card := o.issue(c)
	if _, err := o.sell(card, 700); err != nil {
		t.Fatal(err)
	}
	o.settled()
	o.take()
	c.meter.Swipe(card.chip)
	r, err := o.sell(card, 20)
	if err != nil {
		t.Fatal(err)
	}
	o.settled()
	if _, err := o.refund(card, r.Order); err != nil {
		t.Fatal(err)
	}
	o.settled()
	if _, err := o.changeMeter(card, "20000001", 0); code(err) != counter.CodeNotSwiped {
		t.Fatalf("with the meter's word gone: %v", err)
	}
	o.take()
	c.meter.Swipe(card.chip)
	if _, err := o.changeMeter(card, "20000001", 0); err != nil {
		t.Fatal(err)
	}
	o.settled()
	o.take()
	if got := h.meter(20000001).Swipe(card.chip); got != 0 {
		t.Errorf("the new meter credits %d that the old one had", got)
	}
}
