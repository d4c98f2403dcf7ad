package counter_test

import (
	"slices"
	"strings"

	"tally/counter"
	"tally/counter/countertest"
	"tally/sync/contract"
)

// openDoubt is an order in doubt as the centre knows it.
type openDoubt struct {
	contract.OpenDoubt
	ended  bool
	wanted []contract.HandOver
	given  []string
	ruled  []contract.Ruling
	heard  []contract.OrderRuled // what its own counter said to rulings
}

func (c *centre) doubt(order string) *openDoubt {
	i := slices.IndexFunc(c.doubts, func(d *openDoubt) bool { return d.Doubt.Order == order })
	if i < 0 {
		i = len(c.doubts)
		c.doubts = append(c.doubts, &openDoubt{OpenDoubt: contract.OpenDoubt{Doubt: contract.OrderInDoubt{Order: order}}})
	}
	return c.doubts[i]
}

// hearOpen takes what is said of orders in doubt, and of their ends.
func (c *centre) hearOpen(o *office, r countertest.Record) {
	o.h.Helper()
	var any struct{ Order, Account string }
	var h contract.HandOver
	o.decode(r.Body, &any)
	if !strings.HasPrefix(r.Type, "order_") {
		c.ended(any.Order) // the void of something
		return
	}
	d := c.doubt(any.Order)
	switch r.Type {
	case contract.TypeOrderInDoubt:
		o.decode(r.Body, &d.Doubt)
	case contract.TypeOrderWitnessed:
		var w contract.OrderWitnessed
		o.decode(r.Body, &w)
		d.Seen = &w
		c.onCard(w)
	case contract.TypeOrderWanted:
		o.decode(r.Body, &h)
		d.wanted = append(d.wanted, h)
	case contract.TypeOrderGiven:
		o.decode(r.Body, &h)
		d.given = append(d.given, h.Want)
	case contract.TypeOrderReturned:
		o.decode(r.Body, &h)
		d.Returned = append(d.Returned, h.Want)
	case contract.TypeOrderRuled:
		var a contract.OrderRuled
		o.decode(r.Body, &a)
		d.heard = append(d.heard, a)
	}
	c.put(any.Account, c.accounts[any.Account])
}

// ended: an order that was in doubt has an end, told by its own counter.
func (c *centre) ended(order string) {
	for _, d := range c.doubts {
		if d.Doubt.Order == order {
			d.ended = true
			c.put(d.Doubt.Account, c.accounts[d.Doubt.Account])
		}
	}
}

// onCard: what was read on a card is on it, whoever sold it.
func (c *centre) onCard(w contract.OrderWitnessed) {
	d := c.accounts[w.Account]
	if further(d, w.CardIssue, w.CardSeq) {
		d.Region, d.Card, d.CardIssue, d.CardSeq, d.CardCum, d.CardQty = w.Region, w.Card, w.CardIssue, w.CardSeq, w.CardCum, w.CardQty
		d.CardTag, d.CardUnit, d.Cardless = w.CardTag, w.CardUnit, false
		c.accounts[w.Account] = d
	}
}

// open lists the orders of an account without an end, as an office is told of them.
func (c *centre) open(account string, o *office) (out []contract.OpenDoubt) {
	for _, d := range c.doubts {
		if d.Doubt.Account != account || !d.concerns(o) {
			continue
		}
		od := d.OpenDoubt
		if n := len(d.ruled); n > 0 {
			od.Ruled = &d.ruled[n-1]
		}
		od.Returned = slices.Clone(od.Returned)
		for _, w := range d.wanted {
			if !slices.Contains(d.given, w.Want) && !slices.Contains(d.Returned, w.Want) {
				od.Wanted = append(od.Wanted, w)
			}
		}
		for _, g := range d.given {
			if !slices.Contains(d.Returned, g) {
				od.Given = g
			}
		}
		out = append(out, od)
	}
	return out
}

// again tells an office something that was told before, to it or to somebody else.
func (c *centre) again(o *office, i int) {
	o.h.Helper()
	if len(c.past) == 0 {
		return
	}
	if err := o.svc.Absorb(bg, []counter.AccountDelta{c.past[i%len(c.past)]}); err != nil && !o.power.Dead() && code(err) != counter.CodeStore {
		o.h.Errorf("absorb again: %v", err)
	}
}
