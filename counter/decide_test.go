package counter_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
	"tally/sync/contract"
)

// quarantined leaves an order in quarantine, its card on the reader.
func (w *world) quarantined() counter.Order {
	w.t.Helper()
	w.doubt()
	w.cards[wang].Force(7, 7, purse.Tag{7})
	w.insert(wang)
	o := w.store.Orders()[0]
	if o.State != counter.Quarantined {
		w.t.Fatalf("order %+v", o)
	}
	return o
}

func TestQuarantineIsLeftByALeadersDecisionOnly(t *testing.T) {
	for d, want := range map[counter.Decision]counter.OrderState{counter.Written: counter.Done, counter.NotWritten: counter.Void} {
		w := newWorld(t)
		o := w.quarantined()
		w.wantCode(w.svc.Decide(bg, w.clerk, o.ID, d, "checked"), counter.CodeForbidden)
		w.wantCode(w.svc.Decide(bg, w.leader, o.ID, d, "  "), counter.CodeReasonNeeded)
		w.wantCode(w.svc.Decide(bg, w.leader, o.ID, d, strings.Repeat("因", counter.MaxReason+1)), counter.CodeReasonNeeded)
		w.wantCode(w.svc.Decide(bg, w.leader, o.ID, "perhaps", "checked"), counter.CodeBadRequest)
		w.wantCode(w.svc.Decide(bg, w.leader, "no such order", d, "checked"), counter.CodeNotFound)
		w.wantCode(w.svc.Void(bg, w.leader, o.ID), counter.CodeQuarantine)
		if err := w.svc.Decide(bg, w.leader, o.ID, d, " 到现场核对 "); err != nil {
			t.Fatal(err)
		}
		o = w.order(o.ID)
		if o.State != want || o.ClosedBy != "zhou" || o.Reason != "到现场核对" || o.Why != counter.WhyDecided {
			t.Errorf("%s: %+v", d, o)
		}
		if err := w.svc.Decide(bg, w.leader, o.ID, d, "twice"); err != nil {
			t.Errorf("the same decision again: %v", err)
		}
		other := map[counter.Decision]counter.Decision{counter.Written: counter.NotWritten, counter.NotWritten: counter.Written}[d]
		w.wantCode(w.svc.Decide(bg, w.leader, o.ID, other, "other"), counter.CodeAlreadyDone)
		if w.order(o.ID).Reason != "到现场核对" {
			t.Error("a second decision changed the first")
		}
		w.told()
		// The card still carries what nobody knows: it sells nothing.
		if d := w.insert(wang); d.Problem == nil || d.Problem.Code != counter.CodeCardAhead {
			t.Errorf("desk %+v", d)
		}
	}
}

// Promise 11: nobody approves their own request.
func TestPromise11LeaderDoesNotDecideAboutTheirOwnSale(t *testing.T) {
	w := newWorld(t)
	w.clerk = w.leader
	o := w.quarantined()
	w.wantCode(w.svc.Decide(bg, w.leader, o.ID, counter.NotWritten, "x"), counter.CodeOwnRequest)
	w.put(func(tx counter.Tx) error { return tx.PutOperator(operator("zheng", 20, counter.Leader)) })
	if err := w.svc.Decide(bg, w.login("zheng"), o.ID, counter.NotWritten, "x"); err != nil {
		t.Error(err)
	}
}

func TestDecideNeedsAnOrderInQuarantine(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	w.wantCode(w.svc.Decide(bg, w.leader, o.ID, counter.Written, "x"), counter.CodeWriteUnknown)
	w.insert(wang)
	if err := w.svc.Void(bg, w.clerk, o.ID); err != nil {
		t.Fatal(err)
	}
	w.wantCode(w.svc.Decide(bg, w.leader, o.ID, counter.NotWritten, "x"), counter.CodeAlreadyDone)
}

// mismatches are the events that the centre got.
func (w *world) mismatches() (out []counter.CardMismatch) {
	w.t.Helper()
	for _, r := range w.store.Records() {
		if r.Type != counter.TypeCardMismatch {
			continue
		}
		var m counter.CardMismatch
		if err := json.Unmarshal(r.Body, &m); err != nil || r.Stream != contract.Ev {
			w.t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func TestReadBackIsComparedWithTheLedgerAtEachInsertion(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *world, old []byte)
		code  string
	}{
		"an older image":          {func(w *world, old []byte) { w.cards[wang].Restore(old) }, counter.CodeCardBehind},
		"a write nobody knows":    {func(w *world, _ []byte) { w.cards[wang].Force(3, 20000, purse.Tag{9}) }, counter.CodeCardAhead},
		"our sequence, other tag": {func(w *world, _ []byte) { w.cards[wang].Force(2, 13000, purse.Tag{9}) }, counter.CodeCardAhead},
		"our tag, another sum":    {forgeSum, counter.CodeCardAhead},
		"nothing valid":           {func(w *world, _ []byte) { w.cards[wang].Damage() }, counter.CodeDamaged},
		"replaced by another":     {func(w *world, _ []byte) { w.change(func(a *counter.Account) { a.CardIssue = 2 }) }, counter.CodeCardReplaced},
		"a newer issue":           {func(w *world, _ []byte) { w.cards[wang].Issue = 2 }, counter.CodeCardAhead},
		"bound to another meter":  {func(w *world, _ []byte) { w.cards[wang].Meter = "99999999" }, counter.CodeOtherMeter},
		"the meter took a foreign": {func(w *world, old []byte) {
			w.cards[wang].Force(9, 99000, purse.Tag{9})
			w.cards[wang].Swipe()
			w.cards[wang].RestoreOrders(old)
		}, counter.CodeCardAhead},
	} {
		t.Run(name, func(t *testing.T) {
			w := withFirstSale(t)
			old := w.cards[wang].Snapshot()
			if _, err := secondSale(w); err != nil {
				t.Fatal(err)
			}
			w.desk(reader, settled)
			if got := w.mismatches(); len(got) != 0 {
				t.Fatalf("a card that agrees: %+v", got)
			}
			c.spoil(w, old)
			for range 3 { // told once
				d := w.insert(wang)
				if d.Problem == nil || d.Problem.Code != c.code {
					t.Fatalf("desk %+v", d.Problem)
				}
			}
			got := w.mismatches()
			if len(got) != 1 || got[0].Code != c.code || got[0].LedgerSeq != 2 || got[0].Card != wang.No ||
				got[0].Image != hex.EncodeToString(w.cards[wang].Snapshot()) {
				t.Errorf("events %+v", got)
			}
			w.restart() // a new process tells it again
			w.desk(reader, settled)
			if got := w.mismatches(); len(got) != 2 {
				t.Errorf("%d events after a restart", len(got))
			}
		})
	}
}

func forgeSum(w *world, _ []byte) {
	o := w.store.Orders()[1]
	w.cards[wang].Force(o.Plan.Seq, o.Plan.Cumulative+1, o.Plan.Tag)
}

func TestMismatchThatCannotBeStoredIsToldLater(t *testing.T) {
	w := newWorld(t)
	w.cards[wang].Force(3, 20000, purse.Tag{9})
	w.store.FailUpdates(func(int) error { return errors.New("input/output error") })
	w.insert(wang)
	w.store.FailUpdates(nil)
	w.insert(wang)
	if got := w.mismatches(); len(got) != 1 {
		t.Errorf("%d events", len(got))
	}
}

// An order in doubt is not judged by another issue of its card: the old one waits for a leader.
func TestOrderInDoubtIsNotJudgedByTheReplacementCard(t *testing.T) {
	w := withFirstSale(t)
	o := w.doubtOf(request2)
	replacement := countertest.NewCard(wang, "10000001")
	replacement.Issue = 2
	if d := w.insertAt(reader, replacement); d.InDoubt != nil || d.Problem == nil {
		t.Errorf("desk %+v", d)
	}
	if o = w.order(o.ID); o.State != counter.InDoubt {
		t.Errorf("order %+v", o)
	}
	w.closeAll(w.insert(wang), true)
}
