package counter_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/sync/contract"
)

// concerns reports whether an office is told of an order: all are until it has an end, or the centre has given it one; its
// own until it has answered the centre's decision.
func (d *openDoubt) concerns(o *office) bool {
	own := d.Doubt.Station == o.station()
	n := len(d.ruled)
	switch {
	case d.ended:
		return own && n > 0 && !slices.ContainsFunc(d.heard, func(a contract.OrderRuled) bool { return a.Do == d.ruled[n-1].Do && a.Want == d.ruled[n-1].Want })
	case n > 0 && d.ruled[n-1].Closes():
		return own
	}
	return true
}

func (o *office) station() string { return fmt.Sprintf("H%02d", o.no) }

// mayRule: nobody is known to have the right but a node that is gone.
func (c *centre) mayRule(order string) bool {
	d := c.doubt(order)
	left := slices.DeleteFunc(slices.Clone(d.given), func(w string) bool { return slices.Contains(d.Returned, w) })
	closed := len(d.ruled) > 0 && d.ruled[len(d.ruled)-1].Closes()
	return d.Doubt.Account != "" && !d.ended && !closed && d.Seen == nil && len(left) == 0
}

// rule decides about an order in the place of its own counter; false when that may not be.
func (c *centre) rule(order, do string) bool {
	if !c.mayRule(order) {
		return false
	}
	d := c.doubt(order)
	r := contract.Ruling{Do: do, By: "li", Because: "burnt down"}
	switch do {
	case contract.RuleGiven:
		i := slices.IndexFunc(d.wanted, func(w contract.HandOver) bool {
			return !slices.Contains(d.given, w.Want) && !slices.Contains(d.Returned, w.Want)
		})
		if i < 0 {
			return false
		}
		r.Want, r.Station = d.wanted[i].Want, d.wanted[i].Station
		d.given = append(d.given, r.Want)
	case contract.RuleWritten:
		o := d.Doubt
		c.onCard(contract.OrderWitnessed{Account: o.Account, Region: o.Region, Card: o.Card, CardIssue: o.CardIssue, CardSeq: o.CardSeq, CardTag: o.CardTag, CardCum: o.CardCum, CardQty: o.CardQty, CardUnit: o.CardUnit})
	}
	d.ruled = append(d.ruled, r)
	c.put(d.Doubt.Account, c.accounts[d.Doubt.Account])
	return true
}

// gives lets the centre give A's order to B, whose clerk has asked for it.
func (s *apart) gives() {
	s.Helper()
	s.exchange(s.b)
	s.at(s.b, counter.CodeOpenElsewhere)
	if err := s.b.svc.Take(bg, s.b.clerk, s.order); err != nil {
		s.Fatal(err)
	}
	s.centre.hear(s.b, 1<<30)
	if !s.centre.rule(s.order, contract.RuleGiven) {
		s.Fatal("the centre does not give the order")
	}
	s.tell(s.b)
}

func (s *apart) tell(o *office) { s.centre.tell(o, func(string) bool { return true }) }

// writes lets B write what was handed over.
func (s *apart) writes() {
	s.Helper()
	d := s.at(s.b, counter.CodeInDoubt)
	if d.InDoubt == nil || d.InDoubt.Of != s.order || d.InDoubt.ApprovedBy != "li" {
		s.Fatalf("desk %+v", d)
	}
	if _, err := s.b.svc.Retry(bg, s.b.clerk, d.InDoubt.ID); err != nil {
		s.Fatal(err)
	}
	s.b.settled()
}

// answers are what A said to decisions.
func (s *apart) answers() (out []contract.OrderRuled) {
	for _, r := range s.a.store.Records() {
		if r.Type == contract.TypeOrderRuled {
			var a contract.OrderRuled
			s.a.decode(r.Body, &a)
			out = append(out, a)
		}
	}
	return out
}

// The counter of the order is gone for good: the centre gives the order in its place, and the customer is served.
func TestTheCentreGivesTheOrderOfALostCounter(t *testing.T) {
	s := torn(t, "GEN4442 v1", false)
	s.gives()
	s.writes()
	s.law()
	s.home()
	if s.c.meter.Credited() != 800 {
		t.Errorf("the meter credited %d", s.c.meter.Credited())
	}
	if _, err := s.b.sell(s.c.card, 100); err != nil {
		t.Fatalf("the customer is not served: %v", err)
	}
	s.home()

	s.exchange(s.a) // it was found after all
	s.want(s.a, s.order, counter.Done)
	if a := s.answers(); len(a) != 1 || !a[0].Obeyed {
		t.Errorf("answers %+v", a)
	}
	s.agree()
}

// A counter that was found hears before anything else that its order was given away: no money is given back until the
// order is returned.
func TestACounterThatWasFoundObeysFirst(t *testing.T) {
	s := torn(t, "GEN4442 v1", false)
	s.gives()
	s.tell(s.a)
	s.at(s.a, counter.CodeInDoubt)
	if o := s.want(s.a, s.order, counter.InDoubt); o.GivenAt != "H02" || o.Ruled == "" {
		t.Fatalf("order %+v", o)
	}
	if err := s.a.svc.Void(bg, s.a.clerk, s.order); code(err) != counter.CodeHandedOver {
		t.Fatalf("the money is given back: %v", err)
	}
	d := s.at(s.b, counter.CodeInDoubt)
	if err := s.b.svc.Void(bg, s.b.clerk, d.InDoubt.ID); err != nil {
		t.Fatal(err)
	}
	s.exchange(s.a)
	s.at(s.a, counter.CodeInDoubt)
	if err := s.a.svc.Void(bg, s.a.clerk, s.order); err != nil {
		t.Fatalf("what was returned: %v", err)
	}
	s.agree()
	if a := s.answers(); len(a) != 1 || !a[0].Obeyed || a[0].State != string(counter.InDoubt) {
		t.Errorf("answers %+v", a)
	}
}

// The node was not lost, and had given the money back before it heard: both records are told, once.
func TestACounterThatHadDoneOtherwiseSaysSo(t *testing.T) {
	s := torn(t, "GEN4442 v1", false)
	s.gives()
	s.at(s.a, counter.CodeInDoubt)
	if err := s.a.svc.Void(bg, s.a.clerk, s.order); err != nil {
		t.Fatal(err)
	}
	s.writes()
	s.exchange(s.a)
	s.bump(s.a) // and again as news
	a := s.answers()
	if len(a) != 1 || a[0].Obeyed || a[0].State != string(counter.Void) || a[0].Operator != "chen" || a[0].AmountFen == 0 || a[0].EndAt == nil {
		t.Fatalf("answers %+v", a)
	}
	s.want(s.a, s.order, counter.Void)
}

// What the office has settled is settled, at the other counter at once and at its own when that comes back.
func TestAnOrderThatTheOfficeSettledIsSettled(t *testing.T) {
	for do, want := range map[string]struct {
		state counter.OrderState
		why   string
	}{
		contract.RuleRefunded:   {counter.Void, counter.WhyCentreRefunded},
		contract.RuleNotWritten: {counter.Void, counter.WhyCentreNotWritten},
		contract.RuleWritten:    {counter.Done, counter.WhyCentreWritten},
	} {
		for _, layout := range []string{"GEN4442 v1", "INC4442 v1"} { // without a tag no other counter can judge the card
			t.Run(do+" "+layout, func(t *testing.T) {
				s := torn(t, layout, do == contract.RuleWritten)
				s.exchange(s.b)
				if layout == "INC4442 v1" {
					if d := s.b.insert(s.c.card); d.Problem == nil || d.Problem.Code != counter.CodeOpenElsewhere {
						t.Fatalf("the other counter sells before it is settled: %+v", d.Problem)
					}
				}
				if !s.centre.rule(s.order, do) {
					t.Fatal("the centre does not settle it")
				}
				s.tell(s.b)
				s.home() // what is on the card is taken
				if _, err := s.b.sell(s.c.card, 100); err != nil {
					t.Fatalf("the customer is not served: %v\n%s", err, s.story(s.c))
				}
				s.home()
				s.exchange(s.a)
				o := s.want(s.a, s.order, want.state)
				if a := s.answers(); o.Why != want.why || o.Reason != "burnt down (li)" || len(a) != 1 || !a[0].Obeyed {
					t.Errorf("order %+v, answers %+v", o, a)
				}
				s.exchange(s.a)
				if _, err := s.a.sell(s.c.card, 100); err != nil {
					t.Errorf("A does not go on: %v\n%s", err, s.story(s.c))
				}
				s.law()
			})
		}
	}
}

// The office has paid the money back, and the counter that was not lost had done so, too, or has written the order.
func TestMoneyThatWasPaidBackTwiceIsTold(t *testing.T) {
	for _, write := range []bool{false, true} {
		s := torn(t, "GEN4442 v1", false)
		s.centre.hear(s.a, 1<<30)
		if !s.centre.rule(s.order, contract.RuleRefunded) {
			t.Fatal("the centre does not settle it")
		}
		s.at(s.a, counter.CodeInDoubt)
		var err error
		if write {
			_, err = s.a.svc.Retry(bg, s.a.clerk, s.order)
		} else {
			err = s.a.svc.Void(bg, s.a.clerk, s.order)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.a.settled()
		s.exchange(s.a)
		if a := s.answers(); len(a) != 1 || a[0].Obeyed {
			t.Errorf("written %t: answers %+v", write, a)
		}
	}
}

// A ledger that was set up anew in the place of the lost one, under its name, is not held up by what the office has settled.
func TestASettledOrderDoesNotStandAgainstANewLedger(t *testing.T) {
	s := torn(t, "INC4442 v1", false)
	s.centre.hear(s.a, 1<<30)
	s.centre.rule(s.order, contract.RuleRefunded)
	d := s.centre.accounts[s.c.no]
	d.Doubts = s.centre.open(s.c.no, s.a)
	if err := s.b.svc.Absorb(bg, []counter.AccountDelta{d}); err != nil || len(d.Doubts) != 1 {
		t.Fatal(d.Doubts, err)
	}
	if _, err := s.b.sell(s.c.card, 100); err != nil {
		t.Error(err)
	}
}

// widow is a season in which one counter is lost for a time, for good as far as the centre knows.
type widow struct {
	*season
	gone *office
}

// mail brings an office that is there up to date.
func (w *widow) mail(o *office) {
	w.centre.hear(o, 1<<30)
	w.centre.tell(o, func(string) bool { return true })
}

// lose takes a counter away. Its last words may not have come.
func (w *widow) lose() {
	if w.gone != nil || len(w.pending) != 1 {
		return
	}
	w.gone = w.pending[0].o
	w.gone.take()
	w.centre.hear(w.gone, rapid.SampledFrom([]int{1 << 30, 1 << 30, 3, 0}).Draw(w.rt, "last words"))
	w.count("lost")
	if rapid.IntRange(0, 3).Draw(w.rt, "nobody comes") == 0 {
		return
	}
	w.come()
	w.decide()
	if rapid.Bool().Draw(w.rt, "found in time") {
		w.find()
		return
	}
	w.come()
}

// decide is what a person at the centre does about the order of the lost counter, who has the card before them.
func (w *widow) decide() {
	if w.gone == nil {
		return
	}
	for _, o := range w.offices {
		if o != w.gone && rapid.IntRange(0, 3).Draw(w.rt, "what it asks for has come") > 0 {
			w.centre.hear(o, 1<<30)
		}
	}
	for _, p := range w.pending {
		if p.o != w.gone || !w.centre.mayRule(p.order) {
			continue
		}
		do := contract.RuleGiven
		if rapid.IntRange(0, 4).Draw(w.rt, "settled by hand") == 0 {
			switch w.says(p) {
			case purse.Done:
				do = contract.RuleWritten
			case purse.NotDone:
				do = rapid.SampledFrom([]string{contract.RuleRefunded, contract.RuleNotWritten}).Draw(w.rt, "how")
			default:
				return
			}
		}
		if w.centre.rule(p.order, do) {
			w.count("the centre: " + do)
		}
		return
	}
}

// says is what the card proves about a promised order.
func (w *widow) says(p *promise) purse.Verdict {
	st, err := purse.Decode(w.prof, p.on.chip.ReadMem())
	if err != nil {
		return purse.OtherCard
	}
	for _, x := range p.o.store.Orders() {
		if x.ID == p.order {
			return purse.Resolve(x.Plan, st)
		}
	}
	return purse.OtherCard
}

// come is the customer, who goes where somebody is.
func (w *widow) come() {
	if w.gone == nil {
		w.season.come()
		return
	}
	for _, o := range w.offices {
		if o != w.gone && len(w.pending) > 0 {
			w.abroad(o, w.pending[0])
		}
	}
}

func (w *widow) abroad(o *office, p *promise) {
	if rapid.IntRange(0, 3).Draw(w.rt, "the word is there") > 0 {
		w.mail(o)
	}
	d := o.insert(p.on)
	switch {
	case d.InDoubt != nil && d.InDoubt.Op == counter.OpFinish:
		w.finish(o, d.InDoubt.ID)
	case d.InDoubt != nil:
		w.choose(o, d)
	case d.Elsewhere != nil:
		w.count("asked for " + code(o.svc.Take(bg, o.clerk, p.order)))
	case d.Phase == counter.Ready && d.Problem == nil && d.Account != nil && len(w.pending) == 1:
		w.sellOnTop(o, p)
	}
	w.follow()
}

// home is the customer at the meter; a card whose order somebody decides about just now is before that person.
func (w *widow) home() {
	if w.gone == nil || len(w.pending) == 0 {
		w.season.home()
	}
}

// find brings the lost counter back, which hears before it does anything.
func (w *widow) find() {
	if w.gone == nil {
		return
	}
	if rapid.Bool().Draw(w.rt, "its last words first") {
		w.centre.hear(w.gone, 1<<30)
	}
	if rapid.Bool().Draw(w.rt, "started again") {
		w.gone.restart()
	}
	w.mail(w.gone)
	home := w.gone
	w.gone = nil
	w.count("found")
	for _, p := range w.pending {
		if n := len(w.centre.doubt(p.order).ruled); n > 0 {
			w.count("found, and the order was " + w.centre.doubt(p.order).ruled[n-1].Do)
		}
	}
	waiting := append([]*promise(nil), w.pending...)
	w.follow()
	if len(waiting) == 0 || rapid.IntRange(0, 3).Draw(w.rt, "nobody comes") == 0 {
		return
	}
	w.choose(home, home.insert(waiting[0].on)) // first to it, then to whoever may have been given the order
	for _, o := range w.offices {
		if o != home {
			w.abroad(o, waiting[0])
		}
	}
}

func (w *widow) alone(act func()) func(*rapid.T) {
	return w.on(func() {
		if w.gone == nil {
			act()
		}
	})
}

// TestLawOfAnOrderBetweenTwoCountersWhenItsHomeIsLost is the same law where the counter of the order goes missing, a person
// at the centre gives the order in its place or settles it by hand, and the counter turns up again. It obeys first: then
// nothing is written that was given back, nothing is given back that is written, and all agree in the end.
func TestLawOfAnOrderBetweenTwoCountersWhenItsHomeIsLost(t *testing.T) {
	fewer(t, 12)
	acts, ends := 0, map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := &widow{season: &season{hall: newHall(rt, "GEN4442 v1", purse.UnitCentiM3, 2), rt: rt, ends: ends}}
		c := w.client(0)
		w.offices[0].issue(c)
		w.exchange(w.offices[1])
		rt.Repeat(map[string]func(*rapid.T){
			"torn": w.alone(w.torn), "come": w.on(w.come), "come again": w.on(w.come), "home": w.on(w.home), "post": w.alone(w.post),
			"lose": w.on(w.lose), "lose more": w.on(w.lose), "decide": w.on(w.decide), "decide more": w.on(w.decide), "find": w.on(w.find),
			"killed": w.alone(w.killedBetween), "disk": w.alone(w.diskBetween),
			"": w.after(&acts),
		})
		w.find()
		w.atLast()
		for _, d := range w.centre.doubts {
			for _, a := range d.heard {
				if !a.Obeyed {
					w.Errorf("a counter that hears first contradicts: %+v", a)
				}
			}
		}
	})
	t.Logf("%d operations", acts)
	for _, what := range sortedKeys(ends) {
		t.Logf("%7d %s", ends[what], what)
	}
}
