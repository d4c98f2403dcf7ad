package counter_test

import (
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
)

// lostOrder is a card that lost its second order: the meter took the first one, the card shows that one, the ledger
// knows the second.
func lostOrder(t *testing.T) *world {
	t.Helper()
	w := withFirstSale(t)
	before := w.cards[wang].Snapshot()
	if _, err := w.sell(w.insert(wang), request2, 60*m3); err != nil {
		t.Fatal(err)
	}
	w.remove(reader)
	w.cards[wang].Restore(before)
	w.lost = 60 * m3
	return w
}

func (w *world) makeUp(d counter.Desk) (counter.Receipt, error) {
	return w.svc.MakeUp(bg, w.clerk, counter.MakeUp{Request: "makeup-0000000001", Reader: d.Reader, Insertion: d.Insertion})
}

func TestMakeUpIsExactlyTheLastOrder(t *testing.T) {
	w := lostOrder(t)
	d := w.insert(wang)
	if d.Problem == nil || d.Problem.Code != counter.CodeCardBehind {
		t.Fatalf("desk %+v", d.Problem)
	}
	r, err := w.makeUp(d)
	if err != nil {
		t.Fatal(err)
	}
	last, o := w.store.Orders()[1], w.order(r.Order)
	if r.Op != purse.OpMakeUp || r.Volume != 60*m3 || r.Amount != 0 || r.Capitals != "零元整" || o.Of != last.ID ||
		o.Plan.Seq != last.Plan.Seq || o.Plan.Cumulative != last.Plan.Cumulative || o.Plan.Tag == last.Plan.Tag {
		t.Errorf("receipt %+v\norder %+v", r, o)
	}
	w.law()
	w.desk(reader, settled)
	_, err = w.makeUp(w.insert(wang))
	w.wantCode(err, counter.CodeRequestReused) // another insertion is another request
	d = w.insert(wang)
	_, err = w.svc.MakeUp(bg, w.clerk, counter.MakeUp{Request: "makeup-0000000002", Reader: d.Reader, Insertion: d.Insertion})
	w.wantCode(err, counter.CodeAlreadyDone)
	w.closeAll(d, true)
}

// The order was not lost: the meter took it, and somebody put the older image back. The made-up order has the same
// sequence and total, and the meter credits nothing twice.
func TestMakeUpOfAnOrderThatTheMeterTookCreditsNothing(t *testing.T) {
	w := withFirstSale(t)
	before := w.cards[wang].Snapshot()
	if _, err := w.sell(w.insert(wang), request2, 60*m3); err != nil {
		t.Fatal(err)
	}
	w.remove(reader)
	if gain := w.cards[wang].Swipe(); gain != 6000 {
		t.Fatalf("the meter credited %d", gain)
	}
	w.cards[wang].Restore(before)
	if _, err := w.makeUp(w.insert(wang)); err != nil {
		t.Fatal(err)
	}
	w.closeAll(w.insert(wang), true)
}

func TestMakeUpIsRefusedWithoutProof(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *world)
		want  string
	}{
		"the order is there": {func(w *world) { w.t.Log(w.sell(w.insert(wang), request2, m3)) }, counter.CodeAlreadyDone},
		"a foreign order":    {func(w *world) { w.cards[wang].Force(7, 7, purse.Tag{7}) }, counter.CodeNoProof},
		"nothing valid": {func(w *world) {
			w.t.Log(w.sell(w.insert(wang), request2, m3))
			w.cards[wang].Damage()
		}, counter.CodeNoProof},
		"the last was a refund": {func(w *world) {
			r, err := w.sell(w.insert(wang), request2, m3)
			if err != nil {
				w.t.Fatal(err)
			}
			sold := w.cards[wang].Snapshot()
			if _, err := w.refund(w.desk(reader, settled), r.Order, refund1); err != nil {
				w.t.Fatal(err)
			}
			w.cards[wang].Restore(sold)
		}, counter.CodeNoProof},
		"an order in doubt": {func(w *world) { w.doubtOf(request2) }, counter.CodeInDoubt},
	} {
		w := withFirstSale(t)
		c.spoil(w)
		n := len(w.store.Orders())
		_, err := w.makeUp(w.insert(wang))
		if code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if got := len(w.store.Orders()); got != n {
			t.Errorf("%s: an order was stored", name)
		}
	}
}

func TestPromise12KillAtEveryStepOfAMakeUp(t *testing.T) {
	killing(t, lostOrder, func(w *world, d counter.Desk) (counter.Receipt, error) {
		r, err := w.makeUp(d)
		if c := code(err); c == counter.CodeNotWritten || c == counter.CodeRequestReused { // given up: ask anew
			r, err = w.svc.MakeUp(bg, w.clerk, counter.MakeUp{Request: "makeup-0000000002", Reader: d.Reader, Insertion: d.Insertion})
		}
		return r, err
	})
}
