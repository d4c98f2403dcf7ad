package counter_test

import (
	"encoding/json"
	"fmt"

	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/purse"
	"tally/counter"
)

// account is what all ledgers together say of a client, in units of the card.
type tally struct {
	paid  purse.Amount // for orders that are done, refunds taken off
	moved purse.Amount // credit of a meter that was taken down, carried over to another
	doubt purse.Amount // of purchases in doubt
	stake purse.Amount // what may not be on the card while something else about it is in doubt
	open  int
	ends  map[counter.OrderState]int
}

func (h *hall) tally(c *client) tally {
	b := tally{ends: map[counter.OrderState]int{}}
	for _, o := range h.offices {
		for _, order := range o.store.Orders() {
			if order.Account == c.no {
				b.add(order)
			}
		}
	}
	return b
}

func (b *tally) add(o counter.Order) {
	b.ends[o.State]++
	qty := o.Plan.Qty
	switch {
	case o.State == counter.Void || o.Op == counter.OpFinish: // another counter's order, which is in that one's books
		return
	case o.State == counter.Done:
		switch o.Op {
		case purse.OpBuy, purse.OpRefund:
			b.paid += qty
		case purse.OpMeterChange:
			b.moved += movedBy(o)
		}
		return
	}
	b.open++
	switch o.Op {
	case purse.OpBuy:
		b.doubt += qty
	case purse.OpRefund:
		b.stake -= qty
	case purse.OpMeterChange:
		b.doubt += movedBy(o) // the card may carry it already, and the meter have taken it
		b.stake += waitingIn(o.Plan)
	default:
		b.stake += waitingIn(o.Plan) + max(qty, 0)
	}
}

// movedBy is what a meter change took from the old meter: the credit on the card that is no order of the old card.
func movedBy(o counter.Order) purse.Amount { return o.Plan.Qty - waitingIn(o.Plan) }

// waitingIn is what lay on the card, not taken, when a plan was made.
func waitingIn(p purse.Plan) purse.Amount {
	if p.Make == "" || p.Waiting == 0 {
		return 0
	}
	return p.Waiting
}

// would is what the client's meter would credit if the card were put into it now.
func (h *hall) would(c *client) purse.Amount {
	h.Helper()
	if c.card == nil {
		return 0
	}
	return h.meterCopy(c.meter).Swipe(copyOf(c.card.chip))
}

func (h *hall) meterCopy(m meterSim) meterSim {
	h.Helper()
	switch m := m.(type) {
	case *makersMeter:
		c := *m
		return &c
	case *generalMeter:
		raw, err := json.Marshal(m.m)
		if err != nil {
			h.Fatal(err)
		}
		c := &generalMeter{m: new(icmeter.Meter), credited: m.credited}
		if err := json.Unmarshal(raw, c.m); err != nil {
			h.Fatal(err)
		}
		return c
	}
	h.Fatal("no such meter")
	return nil
}

// law checks for every client: what was paid is credited by meters, or lies on the card not yet taken, or is listed as in
// doubt. Credit that moved from one meter to another was credited twice and paid once. No card is locked.
func (h *hall) law() {
	h.Helper()
	for _, c := range h.clients {
		b := h.tally(c)
		credited := c.meter.Credited()
		for _, m := range c.old {
			credited += m.Credited()
		}
		would := h.would(c)
		got := credited + would - b.moved
		if got < b.paid-b.stake-c.lost || got > b.paid+b.doubt {
			h.Errorf("client %s: credited %d, on the card %d, moved %d; paid %d, in doubt %d, at stake %d\n%s",
				c.no, credited, would, b.moved, b.paid, b.doubt, b.stake, h.story(c))
		}
	}
	for i, p := range h.cards {
		if p.chip.Tries() == 0 {
			h.Errorf("card %d is locked", i)
		}
	}
}

// story is what the ledgers have of a client.
func (h *hall) story(c *client) string {
	s := ""
	if g, ok := c.meter.(*generalMeter); ok && c.card != nil {
		st, err := purse.Decode(h.prof, c.card.chip.ReadMem())
		st.Image = nil
		s = fmt.Sprintf("meter %+v\nlast %+v\nnow %+v\ncard %+v order %+v back %+v %v\n", g.m.State(), g.last, g.m.Swipe(copyOf(c.card.chip)), st, st.Order, st.WriteBack, err)
	}
	for _, o := range h.offices {
		for _, x := range o.store.Orders() {
			if x.Account == c.no || x.Account == "" {
				s += fmt.Sprintf("counter %d: %s %s qty %d seq %d issue %d make %q why %q\n", o.no, x.Op, x.State, x.Plan.Qty, x.Plan.Seq, x.Plan.IssueCount, x.Plan.Make, x.Why)
			}
		}
		s += fmt.Sprintf("counter %d knows %+v\n", o.no, o.account(c.no))
	}
	return s
}
