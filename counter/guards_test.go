package counter_test

import (
	"errors"
	"testing"
	"time"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
)

// A restart finds intents; it does not take an order out of quarantine, nor tell the centre of a doubt twice.
func TestRestartLeavesQuarantineToTheLeader(t *testing.T) {
	w := newWorld(t)
	o := w.quarantined()
	told := len(w.store.Records())
	w.restart()
	if got := w.order(o.ID); got.State != counter.Quarantined || got.Why != o.Why {
		t.Errorf("after a restart the order is %s (%s)", got.State, got.Why)
	}
	if n := len(w.store.Records()); n != told {
		t.Errorf("the restart told the centre %d more records", n-told)
	}
}

// While the intents of the last run cannot be marked, nothing is sold: their cards would look as if no money was open.
func TestNothingIsSoldBeforeTheLastRunIsSettled(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.store.FailUpdates(func(n int) error {
		if n == 1 {
			return errors.New("no space left on device")
		}
		return nil
	})
	w.start(func(o *counter.Options) { o.StoreRetry = time.Hour })
	_, err := w.sell(w.insert(wang), request1, 10*m3)
	w.wantCode(err, counter.CodeStore)
	w.untouched(wang)
}

func (w *world) untouched(id purse.CardID) {
	w.t.Helper()
	if st := w.cards[id].State(); st.Order != nil || len(w.store.Orders()) != 0 {
		w.t.Errorf("order %+v on the card, %d in the ledger", st.Order, len(w.store.Orders()))
	}
}

// What fits neither before nor after is a leader's to decide from the first moment: the money stays open.
func TestUnclearAtOnceIsQuarantinedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.start(func(o *counter.Options) {
		o.Resolve = func(purse.Plan, purse.State) purse.Verdict { return purse.Unclear }
	})
	d := w.insert(wang)
	w.readers.Fail(countertest.Fault{Step: "body", Nth: 1, Effect: true})
	_, err := w.sell(d, request1, 10*m3)
	w.wantCode(err, counter.CodeQuarantine)
	if o := w.store.Orders()[0]; o.State != counter.Quarantined || w.account("100001").Bought != 10*m3 {
		t.Errorf("order %s, %s m³ counted", o.State, w.account("100001").Bought)
	}
}

// Who may not act any more ends no order, also one whose card was shown to them before.
func TestDisabledOperatorEndsNoOrder(t *testing.T) {
	w := newWorld(t)
	w.doubt()
	d := w.insert(wang)
	if d.InDoubt == nil {
		t.Fatalf("desk %+v", d)
	}
	w.put(func(tx counter.Tx) error {
		chen, err := tx.Operator("chen")
		chen.Disabled = true
		return errors.Join(err, tx.PutOperator(chen))
	})
	w.wantCode(w.svc.Void(bg, w.clerk, d.InDoubt.ID), counter.CodeForbidden)
	_, err := w.svc.Retry(bg, w.clerk, d.InDoubt.ID)
	w.wantCode(err, counter.CodeForbidden)
	if o := w.order(d.InDoubt.ID); o.State != counter.InDoubt {
		t.Errorf("the order is %s", o.State)
	}
}

// The tiers of a new period are not those that an order of the old one was counted in.
func TestVoidAfterThePeriodBeganAgain(t *testing.T) {
	w := newWorld(t)
	w.doubt()
	w.change(func(a *counter.Account) { a.PeriodStart, a.Bought = "2027-01-01", 5*m3 })
	d := w.insert(wang)
	if err := w.svc.Void(bg, w.clerk, d.InDoubt.ID); err != nil {
		t.Fatal(err)
	}
	if a := w.account("100001"); a.Bought != 5*m3 || a.PeriodStart != "2027-01-01" {
		t.Errorf("%s m³ since %s", a.Bought, a.PeriodStart)
	}
}

// The tiers that a refund gives back are those of its own period too.
func TestRefundAfterThePeriodBeganAgain(t *testing.T) {
	w := newWorld(t)
	d, sold := w.unswiped()
	w.change(func(a *counter.Account) { a.PeriodStart, a.Bought = "2027-01-01", 50*m3 })
	if _, err := w.refund(d, sold.Order, refund1); err != nil {
		t.Fatal(err)
	}
	if a := w.account("100001"); a.Bought != 50*m3 {
		t.Errorf("%s m³ counted", a.Bought)
	}
}

// A make-up was not paid: there is nothing to give back for it.
func TestMakeUpIsNotRefunded(t *testing.T) {
	w := lostOrder(t)
	r, err := w.makeUp(w.insert(wang))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.refund(w.desk(reader, settled), r.Order, refund1)
	w.wantCode(err, counter.CodeNotLast)
	w.law()
}

// A new card that was given up is dead, also when it turns out to be whole: the last step may have taken effect.
func TestNewCardThatWasGivenUpIsDead(t *testing.T) {
	whole := 0
	for at := 1; at < 40; at++ {
		h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
		o, c := h.offices[0], h.client(0)
		p := h.blank()
		d := o.insert(p)
		p.tap.arm(at, pulled)
		_, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no})
		o.take()
		if err == nil {
			break // more commands than the card got
		}
		order := o.lastOrder()
		if order.State != counter.InDoubt {
			continue
		}
		if err := o.svc.Void(bg, o.clerk, order.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := purse.Decode(h.prof, p.chip.ReadMem()); err != nil {
			continue
		}
		whole++
		if d = o.insert(p); d.Problem == nil || d.Problem.Code != counter.CodeCardReplaced {
			t.Errorf("cut at %d: problem %+v", at, d.Problem)
		}
	}
	if whole == 0 {
		t.Error("no card was whole")
	}
}

// Promise 11: a leader who is none any more approves no replacement, whatever their session says.
func TestPromise11ReplacementIsApprovedByALeaderOfNow(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	if _, err := o.sell(o.issue(c), 300); err != nil {
		t.Fatal(err)
	}
	o.put(func(tx counter.Tx) error {
		zhou, err := tx.Operator("zhou")
		zhou.Role = counter.Clerk
		return errors.Join(err, tx.PutOperator(zhou))
	})
	if _, err := o.reissue(c, h.blank(), counter.CauseFaulty, counter.SwipedNo); code(err) != counter.CodeForbidden {
		t.Errorf("approved: %v", err)
	}
}
