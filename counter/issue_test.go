package counter_test

import (
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter/quantity"
)

// issued gives a client their first card, on the first counter.
func (o *office) issue(c *client) *plastic {
	o.h.Helper()
	p := o.h.blank()
	d := o.insert(p)
	if _, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no}); err != nil {
		o.h.Fatal(err)
	}
	c.card = p
	o.settled()
	return p
}

// sell sells to a client's card.
func (o *office) sell(p *plastic, n purse.Amount) (counter.Receipt, error) {
	o.h.Helper()
	d := o.insert(p)
	a := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: quantity.Volume(n) * o.h.unit.Litres()}
	if o.h.unit == purse.UnitFen {
		a.Volume, a.Money = 0, quantity.Money(n)
	}
	q, err := o.svc.Quote(bg, o.clerk, a)
	if err != nil {
		return counter.Receipt{}, err
	}
	return o.svc.Sell(bg, o.clerk, counter.Sell{Request: o.request(), Ask: a, Volume: q.Volume, Amount: q.Amount})
}

func TestBlankCardBecomesTheCustomersCard(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := h.blank()
	d := o.insert(p)
	if d.Phase != counter.Ready || d.Problem == nil || d.Problem.Code != counter.CodeBlank || d.Card.Condition != purse.Empty {
		t.Fatalf("desk %+v", d)
	}
	r, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no})
	if err != nil {
		t.Fatal(err)
	}
	d = o.settled()
	if d.Problem != nil || d.Account == nil || d.Account.No != c.no || r.Card != d.Card.Card || r.Issue != 1 {
		t.Fatalf("receipt %+v, desk %+v", r, d)
	}
	if chip := p.chip.(*cardsim.SLE4442); !chip.HasPSC(hallPSC) || chip.Tries() != 3 {
		t.Errorf("own code %v, %d tries", chip.HasPSC(hallPSC), chip.Tries())
	}
	if d.Card.Meter != c.meter.Number() {
		t.Errorf("card of meter %q", d.Card.Meter)
	}
	if _, err := o.sell(p, 7000); err != nil {
		t.Fatal(err)
	}
	o.take()
	if got := c.meter.Swipe(p.chip); got != 7000 {
		t.Errorf("the meter credited %d", got)
	}
	_, err = o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: hallReader, Insertion: o.insert(h.blank()).Insertion, Account: c.no})
	if code(err) != counter.CodeHasCard {
		t.Errorf("a second first card: %v", err)
	}
}
