package counter_test

import (
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
)

// The old card is dead, here and, once the centre says so, elsewhere; the meter credits what was paid once, whichever card
// it sees first.
func TestReplacementCarriesWhatWasNotTaken(t *testing.T) {
	for _, oldFirst := range []bool{false, true} {
		h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 2)
		o, other, c := h.offices[0], h.offices[1], h.client(0)
		old := o.issue(c)
		if _, err := o.sell(old, 300); err != nil {
			t.Fatal(err)
		}
		fresh := h.blank()
		r, err := o.reissue(c, fresh, counter.CauseBroken, counter.SwipedNo)
		if err != nil || r.OnCard != 300 || r.Amount != 0 || r.Issue != 2 {
			t.Fatalf("%+v %v", r, err)
		}
		c.card = fresh
		if order := o.lastOrder(); order.ApprovedBy != "zhou" || order.Swiped != counter.KnownNo || order.Cause != counter.CauseBroken {
			t.Errorf("order %+v", order)
		}
		o.take()
		if oldFirst { // the customer had found it after all
			c.meter.Swipe(old.chip)
		}
		c.meter.Swipe(fresh.chip)
		if got := c.meter.Credited(); got != 300 {
			t.Errorf("old first %v: credited %d", oldFirst, got)
		}
		h.exchange(other)
		if d := other.insert(old); d.Problem == nil || d.Problem.Code != counter.CodeCardReplaced {
			t.Errorf("the old card at another counter: %+v", d.Problem)
		}
		other.take()
		if _, err := other.sell(fresh, 100); err != nil {
			t.Errorf("the new card at another counter: %v", err)
		}
		h.law()
	}
}

// A leader who says so himself approves nothing; who is no leader neither.
func TestReplacementIsNotApprovedByWhoAsks(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	if _, err := o.sell(o.issue(c), 300); err != nil {
		t.Fatal(err)
	}
	d := o.insert(h.blank())
	r := counter.Reissue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no, Cause: counter.CauseFaulty, Reason: "x", Swiped: counter.SwipedNo}
	if _, err := o.svc.Reissue(bg, o.leader, o.leader, r); code(err) != counter.CodeOwnRequest {
		t.Errorf("approved by the same: %v", err)
	}
	if _, err := o.svc.Reissue(bg, o.leader, o.clerk, r); code(err) != counter.CodeForbidden {
		t.Errorf("approved by a clerk: %v", err)
	}
	r.Fee = 99
	if _, err := o.svc.Reissue(bg, o.clerk, o.leader, r); code(err) != counter.CodeQuoteChanged {
		t.Errorf("another fee than the list's: %v", err)
	}
}

// A refund in doubt is not written once the meter has taken the order: the gas would be taken away, and the money given back.
func TestRefundInDoubtIsNotWrittenAfterTheMeterTookTheOrder(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	sold, err := o.sell(p, 300)
	if err != nil {
		t.Fatal(err)
	}
	d := o.insert(p)
	p.tap.arm(9, pulled)
	_, err = o.svc.Refund(bg, o.clerk, o.leader, counter.Refund{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Order: sold.Order, Reason: "退气"})
	if code(err) != counter.CodeWriteUnknown {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	if d = o.insert(p); d.InDoubt == nil {
		t.Fatalf("desk %+v", d)
	}
	if _, err := o.svc.Retry(bg, o.clerk, d.InDoubt.ID); code(err) != counter.CodeSwiped {
		t.Errorf("retried: %v", err)
	}
	h.law()
	if err := o.svc.Void(bg, o.clerk, d.InDoubt.ID); err != nil {
		t.Error(err)
	}
	h.law()
}

// A meter that took the order of another card under the same sequence is noticed before more is sold.
func TestMeterThatTookAnotherCardsOrderIsNoticed(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 300); err != nil {
		t.Fatal(err)
	}
	o.take()
	before := p.chip.ReadMem()
	image := copyOf(p.chip)
	if err := image.WriteMem(0x20, before[0x20:]); err != nil {
		t.Fatal(err)
	}
	if d := o.insert(p); d.Problem == nil {
		t.Fatal("sellable")
	}
	o.take()
	twin, err := purse.Decode(h.prof, before)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := purse.Make(h.prof, withoutOrders(t, h, twin), purse.Order{Op: purse.OpBuy, Qty: 120, Tag: purse.Tag{9}, At: h.clock(), Price: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := image.WriteMem(0x20, pl.After[0x20:]); err != nil {
		t.Fatal(err)
	}
	c.meter.Swipe(image) // 120 under sequence 1
	c.meter.Swipe(p.chip)
	if d := o.insert(p); d.Problem == nil || d.Problem.Code != counter.CodeCardAhead {
		t.Errorf("problem %+v", d.Problem)
	}
}

func withoutOrders(t *testing.T, h *hall, st purse.State) purse.State {
	t.Helper()
	image := append(purse.Image(nil), st.Image...)
	for i := 0x30; i < 0xB0; i++ {
		image[i] = 0xFF
	}
	out, err := purse.Decode(h.prof, image)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
