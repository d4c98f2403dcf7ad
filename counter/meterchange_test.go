package counter_test

import (
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
)

// What is carried over is worked out from the card as it was: once the meter wrote on it, the change is asked for anew.
func TestMeterChangeInDoubtIsNotResumedOnACardThatWasUsed(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 300); err != nil {
		t.Fatal(err)
	}
	d := o.insert(p)
	p.tap.arm(10, pulled)
	r := counter.MeterChange{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Meter: "20000001", Reason: "换表"}
	if _, err := o.svc.ChangeMeter(bg, o.clerk, r); code(err) != counter.CodeWriteUnknown {
		t.Fatal(err)
	}
	o.take()
	if got := c.meter.Swipe(p.chip); got != 300 {
		t.Fatalf("the old meter credited %d", got)
	}
	if d = o.insert(p); d.InDoubt == nil {
		t.Fatalf("desk %+v", d)
	}
	if _, err := o.svc.Retry(bg, o.clerk, d.InDoubt.ID); code(err) != counter.CodeCardChanged {
		t.Errorf("resumed: %v", err)
	}
	if err := o.svc.Void(bg, o.clerk, o.lastOrder().ID); err != nil {
		t.Error(err)
	}
	h.law()
}

// The new meter gets what the old one had left and what lay on the card, once; the old meter takes the card no more, and
// nothing that it wrote is on it.
func TestMeterChangeCarriesCreditOver(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 500); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	c.meter.Use(200)
	c.meter.Swipe(p.chip)
	if _, err := o.sell(p, 70); err != nil {
		t.Fatal(err)
	}
	r, err := o.changeMeter(p, "20000001", 300)
	if err != nil || r.OnCard != 370 || r.OldMeter != "10000001" || r.Meter != "20000001" || r.Amount != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	o.take()
	if got := c.meter.Swipe(p.chip); got != 0 {
		t.Errorf("the old meter credited %d", got)
	}
	st, err := purse.Decode(h.prof, p.chip.ReadMem())
	if err != nil || st.WriteBack != nil {
		t.Errorf("the old meter's word is on the card: %+v %v", st.WriteBack, err)
	}
	c.old, c.meter = append(c.old, c.meter), h.meter(20000001)
	if got := c.meter.Swipe(p.chip); got != 370 {
		t.Errorf("the new meter credited %d", got)
	}
	h.law()
	if _, err := o.sell(p, 50); err != nil {
		t.Error(err)
	}
	h.law()
}
