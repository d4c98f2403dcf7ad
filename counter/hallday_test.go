package counter_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
	"tally/counter"
)

// season is a long time at two counters and in the homes of their customers, in random order.
type season struct {
	*hall
	rt      *rapid.T
	pending []*promise
	meters  int
	ends    map[string]int
}

// promise is an operation that has no end yet, and what the world does when it is done.
type promise struct {
	o     *office
	c     *client
	order string
	on    *plastic
	done  func()
	away  bool // the customer waits at this counter: they do not go to another with what they have
}

func (s *season) count(what string) { s.ends[what]++ }

func (s *season) office() *office { return rapid.SampledFrom(s.offices).Draw(s.rt, "counter") }
func (s *season) who() *client    { return rapid.SampledFrom(s.clients).Draw(s.rt, "client") }

// promised is what waits for a client, nil for nothing.
func (s *season) promised(c *client) *promise {
	for _, p := range s.pending {
		if p.c == c {
			return p
		}
	}
	return nil
}

// follow lets the world do what was promised, as soon as the ledger says so.
func (s *season) follow() {
	keep := s.pending[:0]
	for _, p := range s.pending {
		switch state := p.o.stateOf(p.order); {
		case state == counter.Done:
			s.count("later " + string(state))
			p.done()
		case state.Open():
			keep = append(keep, p)
		default:
			s.count("later " + string(state))
		}
	}
	s.pending = keep
}

func (o *office) stateOf(id string) counter.OrderState {
	for _, x := range o.store.Orders() {
		if x.ID == id {
			return x.State
		}
	}
	return counter.Void
}

// carry carries out an operation, whatever happens, and keeps what it promised.
func (s *season) carry(what string, o *office, c *client, on *plastic, away bool, act func() error, done func()) {
	before := len(o.store.Orders())
	err := act()
	o.settled()
	o.stored()
	orders := o.store.Orders()[before:]
	switch {
	case err == nil:
		s.count(what)
	case len(orders) == 0:
		s.count("refused " + code(err))
	default:
		s.count(what + " " + code(err))
	}
	if len(orders) == 0 {
		return
	}
	p := &promise{o: o, c: c, order: orders[0].ID, on: on, done: done, away: away}
	s.pending = append(s.pending, p)
	s.follow()
}

func nothing() {}

// visit is a customer at a counter with their card.
func (s *season) visit() {
	o, c := s.office(), s.who()
	if p := s.promised(c); p != nil {
		s.comeBack(p)
		return
	}
	if c.card == nil {
		s.issue(o, c)
		return
	}
	rapid.SampledFrom([]func(*office, *client){s.buy, s.buy, s.buy, s.refund, s.reissue, s.changeMeter, s.price, s.retire}).Draw(s.rt, "wish")(o, c)
}

func (s *season) buy(o *office, c *client) {
	n := purse.Amount(rapid.IntRange(1, 900).Draw(s.rt, "units"))
	s.carry("sale", o, c, c.card, false, func() error { _, err := o.sell(c.card, n); return err }, nothing)
}

func (s *season) issue(o *office, c *client) {
	s.exchange(o)
	p := s.blank()
	s.carry("issue", o, c, p, true, func() error {
		d := o.insert(p)
		_, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no})
		return err
	}, func() { c.card = p })
}

func (s *season) refund(o *office, c *client) {
	for _, x := range o.store.Orders() {
		if x.Account == c.no && x.Op == purse.OpBuy {
			defer func(id string) {
				s.carry("refund", o, c, c.card, false, func() error { _, err := o.refund(c.card, id); return err }, nothing)
			}(x.ID)
			if rapid.Bool().Draw(s.rt, "last") {
				continue
			}
			return
		}
	}
}

func (s *season) reissue(o *office, c *client) {
	s.exchange(o)
	swiped := counter.SwipedYes
	if s.wouldNow(c) != 0 {
		swiped = counter.SwipedNo
	}
	p := s.blank()
	s.carry("reissue", o, c, p, true, func() error { _, err := o.reissue(c, p, counter.CauseFaulty, swiped); return err }, func() {
		c.spent, c.card = append(c.spent, c.card), p
	})
}

func (s *season) wouldNow(c *client) purse.Amount {
	return s.meterCopy(c.meter).Swipe(copyOf(c.card.chip))
}

func (s *season) changeMeter(o *office, c *client) {
	s.meters++
	number := fmt.Sprintf("%08d", 20000000+s.meters)
	left := max(c.meter.Left(), 0)
	s.carry("meter change", o, c, c.card, false, func() error { _, err := o.changeMeter(c.card, number, left); return err }, func() {
		c.old, c.meter = append(c.old, c.meter), s.meter(mustInt(number))
	})
}

func mustInt(number string) int {
	n := 0
	for _, r := range number {
		n = 10*n + int(r-'0')
	}
	return n
}

func (s *season) price(o *office, c *client) {
	s.carry("prices", o, c, c.card, false, func() error { return o.price(c.card) }, nothing)
}

func (s *season) retire(o *office, c *client) {
	if rapid.IntRange(0, 3).Draw(s.rt, "really") != 0 {
		return
	}
	card := c.card
	s.carry("retire", o, c, card, true, func() error { _, err := o.retire(card); return err }, func() {
		c.spent, c.card = append(c.spent, card), nil
	})
}

// comeBack brings a card in doubt back, to its counter or, when it may, to the other one first.
func (s *season) comeBack(p *promise) {
	if !p.away && rapid.Bool().Draw(s.rt, "to the other counter first") {
		for _, o := range s.offices {
			if o != p.o {
				s.elsewhere(o, p)
			}
		}
		if rapid.Bool().Draw(s.rt, "and not back") {
			return
		}
	}
	d := p.o.insert(p.on)
	s.choose(p.o, d)
}

// choose settles what a desk shows as in doubt, or what waits for a leader.
func (s *season) choose(o *office, d counter.Desk) {
	for _, x := range o.store.Orders() {
		if x.State == counter.Quarantined {
			s.decide(o, x)
			return
		}
	}
	switch {
	case d.InDoubt != nil && rapid.Bool().Draw(s.rt, "retry"):
		_, _ = o.svc.Retry(bg, o.clerk, d.InDoubt.ID)
	case d.InDoubt != nil:
		_ = o.svc.Void(bg, o.clerk, d.InDoubt.ID)
	default:
		for _, p := range s.pending {
			if p.o == o && o.stateOf(p.order) == counter.InDoubt && s.isNew(o, p.order) {
				_ = o.svc.Void(bg, o.clerk, p.order)
				break
			}
		}
	}
	o.settled()
	s.follow()
}

func (s *season) isNew(o *office, id string) bool {
	for _, x := range o.store.Orders() {
		if x.ID == id {
			return x.Plan.Make == purse.MakeNew
		}
	}
	return false
}

// decide is a leader who looks at meter and card.
func (s *season) decide(o *office, x counter.Order) {
	decision := counter.NotWritten
	for _, c := range s.clients {
		if c.no != x.Account {
			continue
		}
		b := s.tally(c)
		credited := c.meter.Credited() + s.would(c) - b.moved
		for _, m := range c.old {
			credited += m.Credited()
		}
		if credited == b.paid+x.Plan.Qty {
			decision = counter.Written
		}
	}
	s.count("decided " + string(decision))
	_ = o.svc.Decide(bg, o.leader, x.ID, decision, "已核对")
	s.follow()
}

// home is a customer who puts the card into the meter and lets gas flow.
func (s *season) home() {
	c := s.who()
	if p := s.promised(c); p != nil && (p.away || p.on != c.card || s.isMaking(p)) {
		return
	}
	if c.card != nil {
		if c.card.at != nil {
			c.card.at.take()
		}
		c.meter.Swipe(c.card.chip)
	}
	c.meter.Use(purse.Amount(rapid.IntRange(0, 500).Draw(s.rt, "used")))
	if c.card != nil && rapid.Bool().Draw(s.rt, "again") {
		c.meter.Swipe(c.card.chip)
	}
}

func (s *season) isMaking(p *promise) bool {
	for _, x := range p.o.store.Orders() {
		if x.ID == p.order {
			return x.Plan.Make != "" && x.Plan.Make != purse.MakeTariff
		}
	}
	return false
}

// old is a card that was replaced and turns up where that is known: nothing is sold to it.
func (s *season) old() {
	o, c := s.office(), s.who()
	if len(c.spent) == 0 || s.promised(c) != nil {
		return
	}
	s.exchange(o)
	d := o.insert(c.spent[rapid.IntRange(0, len(c.spent)-1).Draw(s.rt, "which")])
	if d.Phase == counter.Ready && d.Problem == nil {
		s.Errorf("an old card of client %s is taken at counter %d: %+v\n%s", c.no, o.no, d, s.story(c))
	}
	o.take()
}

func (s *season) post() {
	s.centre.hear(s.office(), rapid.IntRange(0, 5).Draw(s.rt, "records"))
	s.centre.tell(s.office(), func(string) bool { return rapid.IntRange(0, 2).Draw(s.rt, "lost") > 0 })
	if rapid.IntRange(0, 3).Draw(s.rt, "an old word again") == 0 {
		s.centre.again(s.office(), rapid.IntRange(0, 1<<20).Draw(s.rt, "which word"))
	}
}

// accident lets something go wrong in the middle of the next visit.
func (s *season) accident() {
	o := s.office()
	f := cardsim.Fault{Kind: rapid.SampledFrom(cardsim.FaultKinds()).Draw(s.rt, "fault")}
	if f.Kind == cardsim.Swapped {
		f.Kind = cardsim.PulledAfter
	}
	o.next, o.nextAt = f, rapid.IntRange(1, 32).Draw(s.rt, "at")
	s.visit()
	o.next, o.nextAt = cardsim.Fault{}, 0
}

func (s *season) disk() {
	o, from := s.office(), rapid.IntRange(1, 4).Draw(s.rt, "from")
	o.store.FailUpdates(func(i int) error {
		if i >= from && i < from+2 {
			return errors.New("no space left on device")
		}
		return nil
	})
	s.visit()
	o.store.FailUpdates(nil)
}

func (s *season) killed() {
	o := s.office()
	o.power.CutAt(rapid.IntRange(1, 45).Draw(s.rt, "step"), rapid.Bool().Draw(s.rt, "after"))
	s.visit()
	o.restart()
	s.follow()
}

// TestLawOfTwoCountersAndACentre: Σ paid = Σ credited by meters + Σ on cards not yet taken + Σ refunded + Σ in doubt, after
// every act, whatever the order of acts and accidents; and no card is ever locked.
func TestLawOfTwoCountersAndACentre(t *testing.T) {
	fewer(t, 25)
	acts, ends := 0, map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		s := &season{hall: newHall(rt, "GEN4442 v1", purse.UnitCentiM3, 2), rt: rt, ends: ends}
		s.client(0)
		s.client(1)
		rt.Repeat(map[string]func(*rapid.T){
			"visit": s.on(s.visit), "visit more": s.on(s.visit), "visit again": s.on(s.visit), "home": s.on(s.home), "home again": s.on(s.home),
			"post": s.on(s.post), "accident": s.on(s.accident), "disk": s.on(s.disk), "killed": s.on(s.killed), "old card": s.on(s.old),
			"": s.after(&acts),
		})
		s.atLast()
	})
	t.Logf("%d operations", acts)
	for _, what := range sortedKeys(ends) {
		if strings.HasPrefix(what, "refused") && ends[what] < 3 {
			continue
		}
		t.Logf("%7d %s", ends[what], what)
	}
}

func (s *season) on(act func()) func(*rapid.T) {
	return func(rt *rapid.T) {
		s.rt = rt
		act()
	}
}

// atLast brings every card back until nothing is open, and into its meter.
func (s *season) atLast() {
	said := ""
	for i := range 6 {
		for _, p := range append([]*promise(nil), s.pending...) {
			d := p.o.insert(p.on)
			switch {
			case p.o.stateOf(p.order) == counter.Quarantined || d.InDoubt == nil:
				s.choose(p.o, d)
			default:
				_, err := p.o.svc.Retry(bg, p.o.clerk, d.InDoubt.ID)
				said += fmt.Sprintf("round %d: %v\n", i, err)
				if code(err) == counter.CodeSwiped || code(err) == counter.CodeCardChanged {
					said += fmt.Sprintf("void: %v\n", p.o.svc.Void(bg, p.o.clerk, d.InDoubt.ID))
				}
			}
			p.o.settled()
			s.follow()
		}
	}
	s.law()
	for _, p := range s.pending {
		s.Errorf("still open: %s of client %s\n%s%s", p.order, p.c.no, said, s.story(p.c))
	}
	for _, c := range s.clients {
		if c.card != nil {
			c.card.take()
			c.meter.Swipe(c.card.chip)
		}
	}
	s.law()
	s.nothingOpen()
}

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }

func (p *plastic) take() {
	if p.at != nil {
		p.at.take()
	}
}

// after is what rapid does after each act: it is counted, the world follows, and the books must agree.
func (s *season) after(acts *int) func(*rapid.T) {
	return func(rt *rapid.T) {
		s.rt = rt
		*acts++
		s.follow()
		s.law()
	}
}

// fewer makes rapid try n histories where nobody asked for a number: a season of two halls is long, and the campaign of
// `make faults` asks for thousands.
func fewer(t *testing.T, n int) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f == nil || f.Value.String() != f.DefValue {
		return
	}
	if err := f.Value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
}
