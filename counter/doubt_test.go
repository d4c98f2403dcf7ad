package counter_test

import (
	"math"
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter/quantity"
)

// forged puts the order of a plan on the card, as if the write had reached it after all.
func (w *world) forged(o counter.Order) {
	w.cards[wang].Force(o.Plan.Seq, o.Plan.Cumulative, o.Plan.Tag)
}

// The card has the last word at the moment of the choice, not at the moment it was shown.
func TestChoiceIsJudgedByTheCardAsItIsNow(t *testing.T) {
	for name, c := range map[string]struct {
		spoil       func(w *world, o counter.Order)
		retry, void string // what the clerk hears
		want        counter.OrderState
	}{
		"it is there":   {(*world).forged, "", counter.CodeAlreadyDone, counter.Done},
		"it is foreign": {func(w *world, _ counter.Order) { w.cards[wang].Force(9, 9, purse.Tag{9}) }, counter.CodeQuarantine, counter.CodeQuarantine, counter.Quarantined},
	} {
		for _, retry := range []bool{true, false} {
			w := newWorld(t)
			o := w.doubt()
			if d := w.insert(wang); d.InDoubt == nil || d.InDoubt.ID != o.ID {
				t.Fatalf("desk %+v", d)
			}
			c.spoil(w, o)
			var err error
			want := c.void
			if retry {
				_, err = w.svc.Retry(bg, w.clerk, o.ID)
				want = c.retry
			} else {
				err = w.svc.Void(bg, w.clerk, o.ID)
			}
			if code(err) != want || w.order(o.ID).State != c.want {
				t.Errorf("%s, retry %v: %v, the order is %s", name, retry, err, w.order(o.ID).State)
			}
			w.told()
		}
	}
}

func TestChoicesAreAnsweredOnceAndForEver(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	w.insert(wang)
	r, err := w.svc.Retry(bg, w.clerk, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.svc.Retry(bg, w.leader, o.ID)
	if err != nil || again.No != r.No {
		t.Errorf("retry again: %+v %v", again, err)
	}
	w.wantCode(w.svc.Void(bg, w.clerk, o.ID), counter.CodeAlreadyDone)

	w = newWorld(t)
	o = w.doubt()
	w.insert(wang)
	for range 2 {
		if err := w.svc.Void(bg, w.clerk, o.ID); err != nil {
			t.Error(err)
		}
	}
	_, err = w.svc.Retry(bg, w.clerk, o.ID)
	w.wantCode(err, counter.CodeNotWritten)
	w.law()
}

// A card swapped for another customer's before the choice is noticed.
func TestChoiceOnASwappedCard(t *testing.T) {
	w := newWorld(t)
	o := w.doubt()
	w.insert(wang)
	w.readers.Swap(reader, w.cards[li])
	w.wantCode(w.svc.Void(bg, w.clerk, o.ID), counter.CodeCardChanged)
	if w.order(o.ID).State != counter.InDoubt {
		t.Error("the order was ended")
	}
	w.closeAll(w.insert(wang), false)
}

func TestAmountsThatNoPriceAndNoCardCanHold(t *testing.T) {
	w, _, _, _ := realWorld(t)
	d := w.insert(wang)
	for v, want := range map[quantity.Volume]string{
		math.MaxInt64 / 10 * 10: counter.CodeBadAmount, -10: counter.CodeBadAmount, 0: counter.CodeBadAmount,
		1_000_000 * m3: purse.CodeBadQuantity, // more than eight digits of 0.01 m³
	} {
		_, err := w.sell(d, request2, v)
		if code(err) != want {
			t.Errorf("%s m³: %v, want %s", v, err, want)
		}
		d = w.desk(reader, settled)
	}
	for _, a := range []counter.Ask{
		{Volume: m3, Money: 1}, {Money: -1}, {Money: math.MaxInt64},
	} {
		a.Reader, a.Insertion = reader, d.Insertion
		_, err := w.svc.Quote(bg, w.clerk, a)
		w.wantCode(err, counter.CodeBadAmount)
	}
	if n := len(w.store.Orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
}
