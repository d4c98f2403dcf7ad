package counter_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
	"tally/counter"
)

// elsewhere is a customer who goes to another counter with a card that is in doubt. What that one does is in the books;
// what it may not do would break them.
func (s *season) elsewhere(o *office, p *promise) {
	if rapid.IntRange(0, 3).Draw(s.rt, "the word is there") > 0 {
		s.exchange(o)
	}
	d := o.insert(p.on)
	switch {
	case d.InDoubt != nil && d.InDoubt.Op == counter.OpFinish:
		s.finish(o, d.InDoubt.ID)
	case d.InDoubt != nil:
		s.choose(o, d)
	case d.Elsewhere != nil:
		s.take(o, p)
	case d.Phase == counter.Ready && d.Problem == nil && d.Account != nil && len(s.pending) == 1:
		s.sellOnTop(o, p)
	case d.Problem != nil:
		s.count("elsewhere " + d.Problem.Code)
	}
	s.follow()
}

// take asks for the order, and goes on when the answer comes at once.
func (s *season) take(o *office, p *promise) {
	err := o.svc.Take(bg, o.clerk, p.order)
	s.count("asked for " + code(err))
	if err != nil || rapid.IntRange(0, 2).Draw(s.rt, "the answer is late") == 0 {
		return
	}
	if rapid.Bool().Draw(s.rt, "its own counter is at work") {
		s.choose(p.o, p.o.insert(p.on))
	}
	s.exchange(p.o)
	s.exchange(o)
	if d := o.insert(p.on); d.InDoubt != nil && d.InDoubt.Op == counter.OpFinish {
		s.finish(o, d.InDoubt.ID)
	}
}

// finish does what was handed over, or gives it back, or leaves it.
func (s *season) finish(o *office, id string) {
	switch rapid.IntRange(0, 3).Draw(s.rt, "what was handed over") {
	case 0:
		s.count("returned " + code(o.svc.Void(bg, o.clerk, id)))
	case 1:
	default:
		_, err := o.svc.Retry(bg, o.clerk, id)
		s.count("written elsewhere " + code(err))
	}
	o.settled()
	o.stored()
}

// sellOnTop sells where nothing stands against it. The sum is another than that of the order in doubt, so that a leader
// who counts the meter's credit can tell them apart.
func (s *season) sellOnTop(o *office, p *promise) {
	n := purse.Amount(rapid.IntRange(1, 900).Draw(s.rt, "units on top"))
	for _, x := range p.o.store.Orders() {
		if x.ID == p.order && (x.Plan.Qty == n || x.Plan.Qty == -n) {
			n++
		}
	}
	s.carry("sale on top", o, p.c, p.on, false, func() error { _, err := o.sell(p.on, n); return err }, nothing)
}

// nothingOpen: when every word has come and every card was seen, no order is open anywhere, and no counter waits for
// another.
func (s *season) nothingOpen() {
	for range 2 {
		for _, o := range s.offices {
			s.exchange(o)
		}
	}
	for _, o := range s.offices {
		for _, x := range o.store.Orders() {
			if x.State.Open() {
				s.Errorf("counter %d: %s of %s is still %s", o.no, x.Op, x.Account, x.State)
			}
		}
		for _, c := range s.clients {
			if a := o.account(c.no); len(a.Elsewhere) > 0 {
				s.Errorf("counter %d still waits for others: %+v", o.no, a.Elsewhere)
			}
		}
	}
}

// torn leaves a sale in doubt, as often as not.
func (s *season) torn() {
	if len(s.pending) > 0 || s.clients[0].card == nil {
		return // a leader who counts the meter's credit could not tell two orders of the same sum apart
	}
	o := s.office()
	if rapid.IntRange(0, 4).Draw(s.rt, "the card was at home and the word is there") > 0 {
		s.home()
		s.exchange(o)
	}
	o.next = cardsim.Fault{Kind: rapid.SampledFrom([]cardsim.FaultKind{cardsim.PulledBefore, cardsim.PulledAfter}).Draw(s.rt, "pulled")}
	o.nextAt = rapid.IntRange(12, 30).Draw(s.rt, "at")
	s.buy(o, s.clients[0])
	o.next, o.nextAt = cardsim.Fault{}, 0
}

// come brings a card in doubt to some counter, its own or another.
func (s *season) come() {
	if len(s.pending) == 0 {
		s.torn()
		return
	}
	s.comeBack(rapid.SampledFrom(s.pending).Draw(s.rt, "which"))
}

// TestLawOfAnOrderBetweenTwoCounters is the law of two counters where nearly every sale ends without proof: the card goes
// to either counter, words are late, lost, told twice and out of order, processes are killed, and both counters try to
// settle the order. Nothing is written that was given back, nothing is given back that is written, and both agree in the
// end.
func TestLawOfAnOrderBetweenTwoCounters(t *testing.T) {
	fewer(t, 12)
	acts, ends := 0, map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		s := &season{hall: newHall(rt, "GEN4442 v1", purse.UnitCentiM3, 2), rt: rt, ends: ends}
		c := s.client(0)
		s.offices[0].issue(c)
		s.exchange(s.offices[1])
		rt.Repeat(map[string]func(*rapid.T){
			"torn": s.on(s.torn), "come": s.on(s.come), "come again": s.on(s.come), "home": s.on(s.home), "post": s.on(s.post), "more post": s.on(s.post),
			"killed": s.on(s.killedBetween), "disk": s.on(s.diskBetween),
			"": s.after(&acts),
		})
		s.atLast()
	})
	t.Logf("%d operations", acts)
	for _, what := range sortedKeys(ends) {
		t.Logf("%7d %s", ends[what], what)
	}
}

func (s *season) killedBetween() {
	o := s.office()
	o.power.CutAt(rapid.IntRange(1, 45).Draw(s.rt, "step"), rapid.Bool().Draw(s.rt, "after"))
	s.come()
	o.restart()
	s.follow()
}

func (s *season) diskBetween() {
	o, from := s.office(), rapid.IntRange(1, 4).Draw(s.rt, "from")
	o.store.FailUpdates(func(i int) error {
		if i >= from && i < from+2 {
			return errors.New("no space left on device")
		}
		return nil
	})
	s.come()
	o.store.FailUpdates(nil)
}
