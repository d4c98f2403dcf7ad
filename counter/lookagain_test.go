package counter_test

import (
	"testing"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter"
)

// A card that says something else by now is believed when somebody asks to look again.
func TestLookingAgainResolvesWhatTheCardProves(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	d := w.insert(wang)
	if d.InDoubt == nil {
		t.Fatalf("desk %+v", d)
	}
	w.forged(o)
	if err := w.svc.LookAgain(bg, d.Reader); err != nil {
		t.Fatal(err)
	}
	if got := w.order(o.ID); got.State != counter.Done {
		t.Errorf("the order is %s", got.State)
	}
	if d := w.desk(d.Reader, settled); d.InDoubt != nil || d.Card == nil || d.Card.Order.Tag == (purse.Tag{}) {
		t.Errorf("desk %+v", d)
	}
	w.law()
}

func TestLookingAgainNeedsACard(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	w.wantCode(w.svc.LookAgain(bg, "no such reader"), cardreader.CodeReaderGone)
	w.remove(d.Reader)
	w.desk(d.Reader, func(d counter.Desk) bool { return d.Phase == counter.Empty })
	w.wantCode(w.svc.LookAgain(bg, d.Reader), cardreader.CodeCardRemoved)
}
