package counter_test

import (
	"testing"
	"time"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
)

// otherCounter is what another counter's sale looks like in the centre's word.
func otherCounter(version uint64, seq uint16, cum int64) counter.AccountDelta {
	return counter.AccountDelta{
		Account: "100001", Version: version, Region: region, Card: wang.No, CardIssue: 1, CardSeq: seq, CardCum: cum, CardTag: "0a0b0c",
		PeriodStart: "2026-01-01", BoughtL: cum * 10,
	}
}

func (w *world) absorb(d ...counter.AccountDelta) {
	w.t.Helper()
	if err := w.svc.Absorb(bg, d); err != nil {
		w.t.Fatal(err)
	}
}

func TestCardWrittenAtAnotherCounterIsAcceptedOnceTheCentreSaysSo(t *testing.T) {
	w := newWorld(t)
	w.cards[wang].Force(1, 500, purse.Tag{10, 11, 12})
	if d := w.insert(wang); d.Problem == nil || d.Problem.Code != counter.CodeCardAhead {
		t.Fatalf("problem %+v", d.Problem)
	}
	w.absorb(otherCounter(7, 1, 500))
	d := w.desk(reader, func(d counter.Desk) bool {
		return settled(d) && d.Problem != nil && d.Problem.Code == counter.CodeNotSwiped
	})
	if d.Account.Bought != 5*m3 {
		t.Errorf("bought %s", d.Account.Bought)
	}
	w.remove(reader)
	w.cards[wang].Swipe()
	if _, err := w.sell(w.insert(wang), request1, 10*m3); err != nil {
		t.Fatal(err)
	}
	// The centre's older word, and the same once more, take nothing back.
	w.absorb(otherCounter(7, 1, 500), otherCounter(6, 1, 500))
	w.absorb(otherCounter(8, 1, 500)) // newer, of before our sale
	a := w.account("100001")
	if a.CardSeq != 2 || a.Bought != 15*m3 || a.Version != 8 {
		t.Errorf("account %+v", a)
	}
	// Another counter sells again: our sale is in the difference of the totals, whatever the centre has counted.
	last := otherCounter(9, 3, 1700)
	last.BoughtL = 7000
	w.absorb(last)
	if a := w.account("100001"); a.CardSeq != 3 || a.Bought != 17*m3 {
		t.Errorf("account %+v", a)
	}
}

func TestAbsorbWithAnotherTagIsNoPassport(t *testing.T) {
	w := newWorld(t)
	w.cards[wang].Force(1, 500, purse.Tag{1, 2, 3})
	w.absorb(otherCounter(1, 1, 500))
	if d := w.insert(wang); d.Problem == nil || d.Problem.Code != counter.CodeCardAhead {
		t.Errorf("problem %+v", d.Problem)
	}
}

func TestDeadCardOfAnotherCounterIsRefused(t *testing.T) {
	w := newWorld(t)
	replaced := otherCounter(1, 1, 500)
	replaced.CardIssue = 2
	w.absorb(replaced)
	if d := w.insert(wang); d.Problem == nil || d.Problem.Code != counter.CodeCardReplaced {
		t.Errorf("same number, lower issue: %+v", d.Problem)
	}
	renumbered := otherCounter(2, 1, 500)
	renumbered.CardIssue, renumbered.Card = 3, "00009999"
	w.absorb(renumbered)
	d := w.insert(wang)
	if d.Problem == nil || d.Problem.Code != counter.CodeCardReplaced || d.Account == nil || d.Account.No != "100001" {
		t.Errorf("another number: %+v %+v", d.Problem, d.Account)
	}
	gone := counter.AccountDelta{Account: "100002", Version: 1, Cardless: true, CardIssue: 1}
	w.absorb(gone)
	if d := w.insert(li); d.Problem == nil || d.Problem.Code != counter.CodeCardReplaced {
		t.Errorf("retired: %+v", d.Problem)
	}
	lost := otherCounter(3, 1, 500)
	lost.CardIssue, lost.Card, lost.Lost = 3, "00009999", &counter.MarkDelta{Reason: "丢失", By: "chen", At: w.clock()}
	w.absorb(lost)
	other := countertest.NewCard(purse.CardID{Region: region, No: "00009999"}, "10000001")
	other.Issue = 3
	if d := w.insertAt(reader, other); d.Problem == nil || d.Problem.Code != counter.CodeCardLost {
		t.Errorf("lost: %+v", d.Problem)
	}
}

func TestAbsorbRefusesWhatItCannotTake(t *testing.T) {
	w := newWorld(t)
	for name, d := range map[string]counter.AccountDelta{
		"no version":     {Account: "100001"},
		"bad tag":        {Account: "100001", Version: 1, CardTag: "xyz"},
		"bad unit":       {Account: "100001", Version: 1, CardUnit: "barrel"},
		"hostile total":  {Account: "100001", Version: 1, CardCum: 1 << 62},
		"another's card": {Account: "100001", Version: 1, Region: region, Card: li.No, CardIssue: 9},
	} {
		good := counter.AccountDelta{Account: "100002", Version: w.account("100002").Version + 1, ArrearsFen: 5}
		if err := w.svc.Absorb(bg, []counter.AccountDelta{d, good}); err == nil {
			t.Errorf("%s was taken", name)
		}
		if a := w.account("100002"); a.Version != good.Version {
			t.Errorf("%s kept the next one out", name)
		}
	}
	if a := w.account("100001"); a.Version != 0 || a.Card != wang {
		t.Errorf("account %+v", a)
	}
	w.absorb(counter.AccountDelta{Account: "999", Version: 1}) // nobody here
	w.absorb(counter.AccountDelta{Account: "998", Version: 1, PriceClass: "residential", Name: "新户"})
	if a := w.account("998"); a.Name != "新户" {
		t.Errorf("account %+v", a)
	}
}

func TestLocksOfTheCentre(t *testing.T) {
	w := newWorld(t)
	at := w.clock()
	list := []counter.AccountLock{{Account: "100001", Reason: "安检", By: "centre", At: at}, {Account: "nobody", At: at}}
	set := func(asOf time.Duration, l ...counter.AccountLock) {
		t.Helper()
		if err := w.svc.SetLocks(bg, at.Add(asOf), l); err != nil {
			t.Fatal(err)
		}
	}
	set(0, list...)
	if d := w.insert(wang); d.Problem == nil || d.Problem.Code != counter.CodeLocked {
		t.Fatalf("problem %+v", d.Problem)
	}
	set(time.Hour)
	if n := len(w.account("100001").Locks); n != 0 {
		t.Errorf("%d locks after the centre dropped them", n)
	}
	set(0, list...) // older: nothing
	if n := len(w.account("100001").Locks); n != 0 {
		t.Error("an older list set a lock")
	}
	// A lock set here stays although the centre does not know it; lifted, it never comes back.
	w.turn(time.Minute)
	if err := w.svc.Lock(bg, w.leader, "100001", "here"); err != nil {
		t.Fatal(err)
	}
	set(2*time.Hour, list...)
	if n := len(w.account("100001").Locks); n != 2 {
		t.Errorf("%d locks, want the centre's and ours", n)
	}
	if err := w.svc.Unlock(bg, w.leader, "100001", at, "settled"); err != nil {
		t.Fatal(err)
	}
	set(3*time.Hour, list...)
	if l := w.account("100001").Locks; len(l) != 1 || l[0].Reason != "here" {
		t.Errorf("locks %+v", l)
	}
}

func TestStaleWordOfTheCentreStopsSales(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.start(func(o *counter.Options) {
		o.MaxPriceAge, o.MaxLockAge, o.RefuseArrears = 24*time.Hour, time.Hour, true
	})
	_, err := w.sell(w.insert(wang), request1, m3)
	w.wantCode(err, counter.CodeStalePrices)
	w.svc.Confirm(counter.Freshness{Prices: w.clock()})
	_, err = w.sell(w.insert(wang), request1, m3)
	w.wantCode(err, counter.CodeStaleLocks)
	if err := w.svc.SetLocks(bg, w.clock(), nil); err != nil {
		t.Fatal(err)
	}
	w.absorb(counter.AccountDelta{Account: "100001", Version: 1, ArrearsFen: 1234})
	_, err = w.sell(w.insert(wang), request1, m3)
	w.wantCode(err, counter.CodeArrears)
	w.absorb(counter.AccountDelta{Account: "100001", Version: 2})
	if _, err = w.sell(w.insert(wang), request1, m3); err != nil {
		t.Error(err)
	}
	w.turn(2 * time.Hour)
	w.clerk = w.login("chen")
	_, err = w.sell(w.insert(li), request2, m3)
	w.wantCode(err, counter.CodeStaleLocks)
}
