package counter_test

import (
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/sync/contract"
)

// apart is two counters, A and B, and a customer whose card write at A ended without proof.
type apart struct {
	*hall
	a, b  *office
	c     *client
	order string // A's
}

// torn sells at A until a sale is in doubt whose order is on the card, or is not.
func torn(t *testing.T, profileName string, written bool) *apart {
	t.Helper()
	kind := cardsim.PulledBefore
	if written {
		kind = cardsim.PulledAfter
	}
	for at := 8; at < 64; at++ {
		h := newHall(t, profileName, unitOf(profileName), 2)
		s := &apart{hall: h, a: h.offices[0], b: h.offices[1], c: h.client(0)}
		s.c.card = s.a.issue(s.c)
		s.home()
		if _, err := s.a.sell(s.c.card, 500); err != nil {
			t.Fatal(err)
		}
		s.home()
		h.exchange(s.b)
		before := s.would(s.c)
		s.a.next, s.a.nextAt = cardsim.Fault{Kind: kind}, at
		_, err := s.a.sell(s.c.card, 300)
		s.a.next, s.a.nextAt = cardsim.Fault{}, 0
		s.a.settled()
		o := s.a.lastOrder()
		if err != nil && o.State == counter.InDoubt && o.Op == purse.OpBuy && o.Plan.Qty == 300 && (s.would(s.c) != before) == written {
			s.order = o.ID
			return s
		}
		h.law()
	}
	t.Fatalf("no sale ends like that on %s", profileName)
	return nil
}

func unitOf(profileName string) purse.Unit {
	if profileName == "INC4442 v1" {
		return purse.UnitFen
	}
	return purse.UnitCentiM3
}

func (s *apart) home() {
	s.c.card.take()
	s.c.meter.Swipe(s.c.card.chip)
}

// bump tells a counter what the centre knows already, as news.
func (s *apart) bump(o *office) {
	s.Helper()
	s.centre.put(s.c.no, s.centre.accounts[s.c.no])
	s.centre.tell(o, func(string) bool { return true })
}

// at brings the card to a counter and wants a problem, or none.
func (s *apart) at(o *office, problem string) counter.Desk {
	s.Helper()
	d := o.insert(s.c.card)
	got := ""
	if d.Problem != nil {
		got = d.Problem.Code
	}
	if got != problem {
		s.Fatalf("counter %d says %q, want %q\n%s", o.no, got, problem, s.story(s.c))
	}
	return d
}

// agree brings everybody up to date and wants the order of A to be done once, and the books to agree.
func (s *apart) agree() {
	s.Helper()
	s.exchange(s.a)
	s.exchange(s.b)
	sales, voids := 0, 0
	for _, r := range s.a.store.Records() {
		if r.ID == s.order && r.Type == contract.TypeSale {
			sales++
		}
		if r.ID == s.order && r.Type == contract.TypeSaleVoid {
			voids++
		}
	}
	if sales+voids != 1 {
		s.Errorf("%d sales and %d voids of one order\n%s", sales, voids, s.story(s.c))
	}
	if a, b := s.a.account(s.c.no), s.b.account(s.c.no); a.Bought != b.Bought || a.CardSeq != b.CardSeq || len(b.Elsewhere) != 0 {
		s.Errorf("the counters do not agree\n%s", s.story(s.c))
	}
	s.law()
}

func (s *apart) want(o *office, order string, state counter.OrderState) counter.Order {
	s.Helper()
	for _, x := range o.store.Orders() {
		if x.ID == order || x.Of == order && x.Op == counter.OpFinish && o == s.b {
			if x.State != state {
				s.Fatalf("order %s at counter %d is %s, want %s\n%s", x.ID, o.no, x.State, state, s.story(s.c))
			}
			return x
		}
	}
	s.Fatalf("counter %d has no order %s", o.no, order)
	return counter.Order{}
}

// The card carries the order: the other counter sees it, uses the card at once, and A's order is done with its receipt.
func TestAnotherCounterWitnessesThatTheOrderIsThere(t *testing.T) {
	s := torn(t, "GEN4442 v1", true)
	s.at(s.b, counter.CodeCardAhead) // nobody has told it
	s.exchange(s.b)
	s.at(s.b, counter.CodeNotSwiped) // it is a card like any other
	s.home()
	if _, err := s.b.sell(s.c.card, 200); err != nil {
		t.Fatalf("the card is not used: %v\n%s", err, s.story(s.c))
	}
	s.exchange(s.a)
	o := s.want(s.a, s.order, counter.Done)
	if o.Receipt == 0 || o.Why != counter.WhyWitnessed {
		t.Errorf("order %+v", o)
	}
	s.agree()
	if got := s.a.account(s.c.no).Bought; got != volume(1000, purse.UnitCentiM3) {
		t.Errorf("%s m³ in the tiers", got)
	}
	s.at(s.a, counter.CodeNotSwiped)
}

// The card proves that nothing was written: nothing is sold on top, the other counter asks for the order, and writes it
// when it is handed over.
func TestAnotherCounterWritesWhatWasHandedOver(t *testing.T) {
	s := torn(t, "GEN4442 v1", false)
	s.exchange(s.b)
	d := s.at(s.b, counter.CodeOpenElsewhere)
	if d.Problem.Args["station"] != "H01" || d.Elsewhere == nil || !d.Elsewhere.Takeable || d.Elsewhere.Asked {
		t.Fatalf("desk %+v, %+v", d.Problem, d.Elsewhere)
	}
	if err := s.b.svc.Take(bg, s.b.clerk, s.order); err != nil {
		t.Fatal(err)
	}
	s.exchange(s.a) // A hears of it and agrees
	if o := s.want(s.a, s.order, counter.InDoubt); o.GivenAt != "H02" {
		t.Fatalf("order %+v", o)
	}
	s.centre.hear(s.a, 1<<30)
	s.bump(s.a) // a newer word that says nothing of a return
	s.at(s.a, counter.CodeInDoubt)
	if err := s.a.svc.Void(bg, s.a.clerk, s.order); code(err) != counter.CodeHandedOver {
		t.Fatalf("A gives the money back: %v", err)
	}
	s.at(s.b, counter.CodeOpenElsewhere) // the word has not come
	s.exchange(s.b)
	d = s.b.wait(s.b.ins)
	d = s.at(s.b, counter.CodeInDoubt)
	if d.InDoubt == nil || d.InDoubt.Of != s.order {
		t.Fatalf("desk %+v", d)
	}
	r, err := s.b.svc.Retry(bg, s.b.clerk, d.InDoubt.ID)
	if err != nil || r.Amount != 0 || r.Op != counter.OpFinish {
		t.Fatalf("receipt %+v, %v", r, err)
	}
	s.b.settled()
	if o := s.want(s.a, s.order, counter.InDoubt); o.Receipt != 0 {
		t.Errorf("order %+v", o)
	}
	s.law()
	s.exchange(s.a)
	s.want(s.a, s.order, counter.Done)
	s.agree()
	s.home()
	if s.c.meter.Credited() != 800 {
		t.Errorf("the meter credited %d", s.c.meter.Credited())
	}
}

// What was handed over comes back, and only then the money.
func TestMoneyGoesBackOnlyAfterTheOrderWasReturned(t *testing.T) {
	s := torn(t, "GEN4442 v1", false)
	s.exchange(s.b)
	s.at(s.b, counter.CodeOpenElsewhere)
	if err := s.b.svc.Take(bg, s.b.clerk, s.order); err != nil {
		t.Fatal(err)
	}
	s.exchange(s.a)
	s.exchange(s.b)
	old := len(s.centre.past) - 1 // the word that gives it to B
	d := s.at(s.b, counter.CodeInDoubt)
	if err := s.b.svc.Void(bg, s.b.clerk, d.InDoubt.ID); err != nil {
		t.Fatal(err)
	}
	s.bump(s.b) // a newer word of a centre that has not heard of the return
	if d := s.at(s.b, counter.CodeOpenElsewhere); d.InDoubt != nil {
		t.Fatalf("B may write what it has returned: %+v", d.InDoubt)
	}
	s.exchange(s.a)
	s.at(s.a, counter.CodeInDoubt)
	if err := s.a.svc.Void(bg, s.a.clerk, s.order); err != nil {
		t.Fatalf("the money is not given back: %v", err)
	}
	s.centre.again(s.b, old) // late and twice
	s.centre.again(s.b, old)
	if d := s.b.insert(s.c.card); d.InDoubt != nil {
		t.Fatalf("B may write what was given back: %+v\n%s", d.InDoubt, s.story(s.c))
	}
	s.want(s.b, s.order, counter.Void)
	s.agree()
}

// An order that A has given up is never handed over, whatever B still believes.
func TestAVoidOrderIsNotHandedOver(t *testing.T) {
	s := torn(t, "GEN4442 v1", false)
	s.exchange(s.b)
	s.at(s.a, counter.CodeInDoubt)
	if err := s.a.svc.Void(bg, s.a.clerk, s.order); err != nil {
		t.Fatal(err)
	}
	s.at(s.b, counter.CodeOpenElsewhere) // still
	if err := s.b.svc.Take(bg, s.b.clerk, s.order); err != nil {
		t.Fatal(err)
	}
	s.exchange(s.a)
	s.exchange(s.b)
	d := s.at(s.b, "")
	if d.InDoubt != nil {
		t.Fatalf("desk %+v", d)
	}
	if _, err := s.b.sell(s.c.card, 100); err != nil {
		t.Fatal(err)
	}
	s.agree()
}

// Both find out: A by the card, B by the card, in any order.
func TestBothCountersSeeTheOrder(t *testing.T) {
	s := torn(t, "GEN4442 v1", true)
	s.exchange(s.b)
	s.at(s.b, counter.CodeNotSwiped)
	s.at(s.a, counter.CodeNotSwiped) // A closes it itself; B's word comes after that
	s.want(s.a, s.order, counter.Done)
	s.agree()
	s.home()
	if _, err := s.b.sell(s.c.card, 100); err != nil {
		t.Fatal(err)
	}
	s.agree()
}

// B has witnessed the order and sold twice on top of it before A hears: A's card is foreign, and the word settles it.
func TestWitnessSettlesWhatLooksForeign(t *testing.T) {
	s := torn(t, "GEN4442 v1", true)
	s.exchange(s.b)
	s.at(s.b, counter.CodeNotSwiped)
	for range 2 {
		s.home()
		if _, err := s.b.sell(s.c.card, 100); err != nil {
			t.Fatal(err)
		}
	}
	s.at(s.a, counter.CodeQuarantine)
	s.want(s.a, s.order, counter.Quarantined)
	s.exchange(s.a)
	s.want(s.a, s.order, counter.Done)
	s.agree()
	s.at(s.a, counter.CodeNotSwiped)
}

// A leader who decided without the card that it is not written hears that it is.
func TestWitnessOfWhatWasGivenBackIsTold(t *testing.T) {
	s := torn(t, "GEN4442 v1", true)
	s.exchange(s.b)
	s.at(s.b, counter.CodeNotSwiped)
	if err := s.a.svc.ReportLost(bg, s.a.clerk, s.c.no, true, "丢了"); err != nil {
		t.Fatal(err)
	}
	if err := s.a.svc.Decide(bg, s.a.leader, s.order, counter.NotWritten, "卡已丢失"); err != nil {
		t.Fatal(err)
	}
	s.centre.hear(s.b, 1<<30)
	s.centre.tell(s.a, func(string) bool { return true })
	for _, r := range s.a.store.Records() {
		if r.Type == counter.TypeCardMismatch {
			var m counter.CardMismatch
			s.a.decode(r.Body, &m)
			if m.Code == counter.CodeWrittenVoid && m.Image != "" {
				return
			}
		}
	}
	t.Error("nobody is told")
}

// Layouts that cannot tell our order from another leave it to the counter that took the money.
func TestACardWithoutATagGoesBack(t *testing.T) {
	s := torn(t, "INC4442 v1", false)
	s.exchange(s.b)
	d := s.at(s.b, counter.CodeOpenElsewhere)
	if d.Elsewhere == nil || d.Elsewhere.Takeable {
		t.Errorf("desk %+v", d.Elsewhere)
	}
	if err := s.b.svc.Take(bg, s.b.clerk, s.order); code(err) != counter.CodeOpenElsewhere {
		t.Errorf("taken: %v", err)
	}
	s.at(s.a, counter.CodeInDoubt)
	if err := s.a.svc.Void(bg, s.a.clerk, s.order); err != nil {
		t.Fatal(err)
	}
	s.exchange(s.b)
	s.at(s.b, "")
	s.law()
}
