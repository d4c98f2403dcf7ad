package counter_test

import (
	"encoding/hex"
	"testing"

	"tally/counter"
	"tally/sync/contract"
)

// ruled lets the centre decide about an order of this counter.
func (w *world) ruled(o counter.Order, version uint64, do string, change func(*contract.OpenDoubt)) {
	w.t.Helper()
	d := doubtOfAnother(version, o.ID)
	d.Doubts[0].Ruled = &contract.Ruling{Do: do, By: "li", Because: "burnt down"}
	if change != nil {
		change(&d.Doubts[0])
	}
	w.absorb(d)
}

// An order that this counter had handed over, which the centre did not know: what the office has settled is settled all
// the same, since nobody is told of the hand-over any more.
func TestWhatWasHandedOverUnheardIsSettled(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	w.wanted(o, 1, "want-1")
	if got := w.order(o.ID); got.GivenTo != "want-1" {
		t.Fatalf("order %+v", got)
	}
	w.ruled(o, 2, contract.RuleRefunded, nil)
	if got := w.order(o.ID); got.State != counter.Void || got.Why != counter.WhyCentreRefunded {
		t.Errorf("the order is %s, %s", got.State, got.Why)
	}
}

// The centre gave the order to one counter, and this one to another before it was lost: while either may write it no money
// is given back.
func TestBothHaveGivenTheOrder(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	w.wanted(o, 1, "want-1")
	w.ruled(o, 2, contract.RuleGiven, func(d *contract.OpenDoubt) { d.Given, d.Ruled.Want, d.Ruled.Station = "want-2", "want-2", "H07" })
	w.ruled(o, 3, contract.RuleGiven, func(d *contract.OpenDoubt) {
		d.Given, d.Returned, d.Ruled.Want, d.Ruled.Station = "want-2", []string{"want-1"}, "want-2", "H07"
	})
	if got := w.order(o.ID); got.GivenTo != "want-2" || got.GivenAt != "H07" {
		t.Fatalf("given to %q at %q", got.GivenTo, got.GivenAt)
	}
	w.insert(wang)
	w.wantCode(w.svc.Void(bg, w.clerk, o.ID), counter.CodeHandedOver)
}

// The word comes while the card is being written: the write ends as it ends, and only then the decision is answered.
func TestADecisionWaitsForTheWriteUnderWay(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	w.insert(wang)
	reached, release := w.readers.Hold("commit")
	ended := make(chan error, 1)
	go func() {
		_, err := w.svc.Retry(bg, w.clerk, o.ID)
		ended <- err
	}()
	<-reached
	w.ruled(o, 1, contract.RuleRefunded, nil)
	if got := w.order(o.ID); got.State != counter.Intended || got.Ruled != "" {
		t.Errorf("the order is %s, %q", got.State, got.Ruled)
	}
	release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	w.ruled(o, 2, contract.RuleRefunded, nil)
	if got := w.order(o.ID); got.State != counter.Done || got.Receipt == 0 || got.Ruled == "" {
		t.Errorf("order %+v", got)
	}
	answers := 0
	for _, r := range w.store.Records() {
		if r.Type == contract.TypeOrderRuled {
			answers++
		}
	}
	if answers != 1 {
		t.Errorf("%d answers", answers)
	}
}

// A decision that this version does not know changes nothing; a witness comes before a decision.
func TestDecisionsThatAreNotObeyed(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	w.ruled(o, 1, "burnt", nil)
	if got := w.order(o.ID); got.State != counter.InDoubt || got.Ruled != "" {
		t.Errorf("order %+v", got)
	}
	full := w.order(o.ID).Plan
	w.ruled(o, 2, contract.RuleRefunded, func(d *contract.OpenDoubt) {
		d.Seen = &contract.OrderWitnessed{Order: o.ID, Region: full.Card.Region, Card: full.Card.No, CardSeq: full.Seq, CardTag: hex.EncodeToString(full.Tag[:])}
	})
	if got := w.order(o.ID); got.State != counter.Done || got.Why != counter.WhyWitnessed || got.Ruled == "" {
		t.Errorf("the card says that it is there: %s, %s, %q", got.State, got.Why, got.Ruled)
	}
}
