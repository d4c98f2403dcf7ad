package counter_test

import (
	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

var pulled = cardsim.Fault{Kind: cardsim.PulledAfter}

// reissue makes the card p a client's replacement, with the leader's word.
func (o *office) reissue(c *client, p *plastic, cause, swiped string) (counter.Receipt, error) {
	o.h.Helper()
	d := o.insert(p)
	return o.svc.Reissue(bg, o.clerk, o.leader, counter.Reissue{
		Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no, Cause: cause, Reason: "补卡", Fee: o.svc.Fee(cause), Swiped: swiped,
	})
}

// changeMeter makes a card anew for another meter, which had so many units left.
func (o *office) changeMeter(p *plastic, meter string, left purse.Amount) (counter.Receipt, error) {
	o.h.Helper()
	d := o.insert(p)
	r := counter.MeterChange{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Meter: meter, Reason: "换表"}
	if o.h.unit == purse.UnitFen {
		r.Money = quantity.Money(left)
	} else {
		r.Remaining = quantity.Volume(left) * o.h.unit.Litres()
	}
	return o.svc.ChangeMeter(bg, o.clerk, r)
}

func (o *office) price(p *plastic) error {
	o.h.Helper()
	d := o.insert(p)
	_, err := o.svc.PriceCard(bg, o.clerk, counter.CardWork{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion})
	return err
}

func (o *office) retire(p *plastic) (counter.Receipt, error) {
	o.h.Helper()
	d := o.insert(p)
	return o.svc.Retire(bg, o.clerk, counter.CardWork{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Reason: "销户"})
}

func (o *office) tool(p *plastic, kind purse.Kind, uses int) (counter.Receipt, error) {
	o.h.Helper()
	d := o.insert(p)
	return o.svc.MakeTool(bg, o.leader, counter.ToolCard{
		Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, CardNo: "90000001", Kind: kind, Uses: uses, Reason: "外勤", Class: "residential",
	})
}

func (o *office) refund(p *plastic, order string) (counter.Receipt, error) {
	o.h.Helper()
	d := o.insert(p)
	return o.svc.Refund(bg, o.clerk, o.leader, counter.Refund{
		Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Order: order, Reason: "退气",
	})
}

type table = tariff.Table

func money(n purse.Amount) quantity.Money { return quantity.Money(n) }

func volume(n purse.Amount, u purse.Unit) quantity.Volume { return quantity.Volume(n) * u.Litres() }
