package counter_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/counter"
)

// scene is an operation about to happen, in a hall of its own.
type scene struct {
	*hall
	o     *office
	c     *client
	on    *plastic // the card of the operation
	other *client  // somebody else with a card
	old   *plastic // an old card of the same client, nil where there is none
	act   func() error
	asked func(bool) // told whether the act is done at last: the world follows

	name   string
	before int // orders in the ledger before the act

	reopened int                // how many of these the act goes on with
	wants    counter.OrderState // what an act without error leaves; empty is done
}

// stage sets the scene of a deed.
func stage(t tester, d deed, profile string, unit purse.Unit) *scene {
	return stageIn(newHall(t, profile, unit, 2), d)
}

func stageIn(h *hall, d deed) *scene {
	s := &scene{hall: h, name: d.name, o: h.offices[0], c: h.client(0), asked: func(bool) {}}
	s.other = h.client(1)
	h.offices[1].issue(s.other)
	h.offices[1].take()
	d.set(s)
	s.o.insert(s.on)
	s.before = len(s.o.store.Orders()) - s.reopened
	return s
}

// Comebacks: who appears at the counter after the accident.
var comebacks = []string{"right card", "other card first", "meter first", "other counter first"}

// back lets the card come back and settles everything, by finishing it or by giving it up.
func (s *scene) back(how string, finish bool) {
	s.Helper()
	switch how {
	case "other card first":
		s.o.insert(s.other.card)
		if d := s.o.settled(); d.InDoubt != nil || d.Card != nil && d.Card.Card == s.lastCard() {
			s.Errorf("another's card is taken for the one in doubt: %+v", d.InDoubt)
		}
	case "meter first":
		s.o.take()
		// The old meter is off the wall, and a card without a total that is being replaced stays at the counter.
		kept := s.lastOp() == purse.OpReissue && s.prof.Rules.Order != profile.OrderCumulative
		if s.c.card != nil && len(s.c.spent) == 0 && s.lastOp() != purse.OpMeterChange && !kept {
			s.c.meter.Swipe(s.c.card.chip)
		}
	case "other counter first":
		d := s.offices[1].insert(s.on)
		if d.Problem == nil {
			s.Errorf("another counter would sell to it: %+v", d)
		}
		s.law()
		s.offices[1].take()
	}
	for range 8 {
		d := s.o.insert(s.on)
		s.follow()
		s.law()
		if !s.settle(d, finish) {
			break
		}
	}
	s.follow()
}

// follow lets the world do what the operation was for, once it is done.
func (s *scene) follow() {
	if o := s.o.lastOrder(); o.State == counter.Done && len(s.o.store.Orders()) > s.before {
		s.asked(true)
		s.asked = func(bool) {}
	}
}

func (s *scene) lastCard() purse.CardID { return s.o.lastOrder().Card }
func (s *scene) lastOp() purse.Op       { return s.o.lastOrder().Op }

// settle makes one choice about what is open and reports whether there may be more.
func (s *scene) settle(d counter.Desk, finish bool) bool {
	s.Helper()
	o := s.o.lastOrder()
	switch {
	case !o.State.Open():
		return false
	case o.State == counter.Quarantined:
		decision := counter.NotWritten
		if s.written(o) {
			decision = counter.Written
		}
		leader := s.o.leader
		if o.Operator == "zhou" {
			leader = s.o.clerk
		}
		if err := s.o.svc.Decide(bg, leader, o.ID, decision, "已核对"); err != nil {
			s.Fatal(err)
		}
		return false
	case d.InDoubt == nil && o.Plan.Make == purse.MakeNew: // a blank card, or one that became nothing
		if err := s.o.svc.Void(bg, s.o.clerk, o.ID); err != nil {
			s.Fatal(err)
		}
		return false
	case d.InDoubt == nil:
		return true
	}
	var err error
	if finish {
		if _, err = s.o.svc.Retry(bg, s.o.clerk, o.ID); code(err) == counter.CodeSwiped || code(err) == counter.CodeCardChanged {
			err = s.o.svc.Void(bg, s.o.clerk, o.ID) // it cannot be finished any more
		}
	} else if err = s.o.svc.Void(bg, s.o.clerk, o.ID); code(err) == counter.CodeBegun {
		_, err = s.o.svc.Retry(bg, s.o.clerk, o.ID)
	}
	s.o.settled()
	return err != nil || s.o.lastOrder().State.Open()
}

// written is what a leader finds out by looking: the card carries what the order put there.
func (s *scene) written(o counter.Order) bool {
	b := s.tally(s.c)
	credited := s.c.meter.Credited() + s.would(s.c)
	return credited == b.paid+o.Plan.Qty
}

// TestEveryAPDUOfEveryOperation: whatever goes wrong at whatever command of whatever operation, on every layout, the books
// are right at once, after the card came back in whatever way, and in the end; nothing stays open and no card is locked.
func TestEveryAPDUOfEveryOperation(t *testing.T) {
	seen := newVerdicts()
	for _, p := range layouts {
		for _, d := range deeds {
			if d.skips(p.name) {
				continue
			}
			t.Run(p.name+"/"+d.name, func(t *testing.T) { everyAPDU(t, p, d, seen) })
		}
	}
	t.Log(seen)
}

type layout struct {
	name string
	unit purse.Unit
}

var layouts = []layout{
	{"GEN4442 v1", purse.UnitCentiM3}, {"GEN4442 v1", purse.UnitFen}, {"REP4442 v1", purse.UnitCentiM3},
	{"ADD4442 v1", purse.UnitDeciM3}, {"INC4442 v1", purse.UnitFen}, {"RAW4442 v1", purse.UnitDeciM3},
	{"GENCPU v1", purse.UnitCentiM3}, {"GENCPU v1 sm4", purse.UnitCentiM3}, {"LOADCPU v1", purse.UnitFen}, {"GEN102 v1", purse.UnitCentiM3},
}

// stride is every how many points one is tried in a campaign: TALLY_ALL_POINTS may be a number.
func stride() int {
	n, err := strconv.Atoi(os.Getenv("TALLY_ALL_POINTS"))
	if err == nil && n > 1 {
		return n
	}
	return 1
}

// sampled is a stride for an ordinary run, and every so many in a campaign.
func sampled(ordinary, short int) int {
	switch {
	case os.Getenv("TALLY_ALL_POINTS") != "":
		return stride()
	case testing.Short():
		return short
	}
	return ordinary
}

func everyAPDU(t *testing.T, p layout, d deed, seen *verdicts) {
	s := stage(t, d, p.name, p.unit)
	s.on.tap.arm(0, cardsim.Fault{})
	if err := s.act(); err != nil {
		t.Fatalf("without any fault: %v", err)
	}
	s.o.settled()
	count, _ := s.on.tap.seen()
	s.asked(true)
	s.law()
	for at := 1; at <= count; at++ {
		for _, kind := range cardsim.FaultKinds() {
			for i := range 2 * len(comebacks) {
				if !seen.turn(sampled(4001, 4001)) {
					continue
				}
				point(t, p, d, at, kind, comebacks[i/2], i%2 == 1, seen)
				if t.Failed() {
					return
				}
			}
		}
	}
}

func point(t *testing.T, p layout, d deed, at int, kind cardsim.FaultKind, how string, finish bool, seen *verdicts) {
	name := fmt.Sprintf("APDU %d, %s, then %s, finish %v", at, kind, how, finish)
	s := stage(t, d, p.name, p.unit)
	f := cardsim.Fault{Kind: kind}
	if kind == cardsim.Swapped {
		with := s.other.card
		if s.old != nil && at%2 == 0 {
			with = s.old
		}
		f.With = with.dev()
	}
	s.on.tap.arm(at, f)
	err := s.act()
	s.finishPoint(err, how, finish, seen)
	if t.Failed() {
		t.Logf("%s: the clerk heard %v\n%s", name, err, s.story(s.c))
	}
	for _, o := range s.offices {
		o.stop()
	}
}

// TestEveryStepOfEveryOperationKilled: the process dies before or after every commit and every command.
func TestEveryStepOfEveryOperationKilled(t *testing.T) {
	seen := newVerdicts()
	for _, p := range layouts {
		for _, d := range deeds {
			if d.skips(p.name) {
				continue
			}
			t.Run(p.name+"/"+d.name, func(t *testing.T) { everyStep(t, p, d, seen) })
		}
	}
	t.Log(seen)
}

func everyStep(t *testing.T, p layout, d deed, seen *verdicts) {
	s := stage(t, d, p.name, p.unit)
	s.o.power.CutAt(0, false)
	if err := s.act(); err != nil {
		t.Fatalf("without any cut: %v", err)
	}
	s.o.settled()
	count := len(s.o.power.Steps())
	for at := 1; at <= count; at++ {
		for _, after := range []bool{false, true} {
			for i := range 2 * len(comebacks) {
				if !seen.turn(sampled(1601, 1601)) {
					continue
				}
				how, finish := comebacks[i/2], i%2 == 1
				s := stage(t, d, p.name, p.unit)
				s.o.power.CutAt(at, after)
				err := s.act()
				s.o.restart()
				s.finishPoint(err, how, finish, seen)
				for _, o := range s.offices {
					o.stop()
				}
				if t.Failed() {
					t.Fatalf("cut at step %d of %d, after %v, then %s, finish %v: the clerk heard %v\n%s", at, count, after, how, finish, err, s.story(s.c))
				}
			}
		}
	}
}
