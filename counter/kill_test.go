package counter_test

import (
	"context"
	"fmt"
	"testing"

	"tally/counter"
)

// secondSale is a customer who bought before, has swiped, and buys again: both slots of the card are used, the sale
// crosses a tier. It returns the receipt if the clerk got one.
func secondSale(w *world) (counter.Receipt, error) {
	d := w.insert(wang)
	return w.sell(d, request2, 60*m3)
}

func withFirstSale(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	if _, err := w.sell(w.insert(wang), request1, 70*m3); err != nil {
		t.Fatal(err)
	}
	w.remove(reader)
	w.cards[wang].Swipe()
	return w
}

// afterwards is what must hold when a process has started on whatever the last one left, with the card on the reader.
func afterwards(w *world, first counter.Receipt, firstErr error, retry bool) {
	w.t.Helper()
	d := w.desk(reader, settled)
	w.law()
	if firstErr == nil {
		// Acknowledged: the same request gives the same receipt, now and for ever.
		o := w.order(first.Order)
		if o.State != counter.Done || o.Receipt != first.No {
			w.t.Errorf("acknowledged receipt %d became %+v", first.No, o)
		}
	}
	w.closeAll(d, retry)
}

func steps(t *testing.T, run func(w *world)) int {
	t.Helper()
	w := withFirstSale(t)
	w.power.CutAt(0, false)
	run(w)
	w.stop()
	return len(w.power.Steps())
}

// Promise 12: killing the process or cutting the power at any instant loses nothing acknowledged and doubles nothing.
func TestPromise12KillAtEveryStepOfASale(t *testing.T) {
	total := steps(t, func(w *world) {
		if _, err := secondSale(w); err != nil {
			t.Fatal(err)
		}
	})
	if total < 9 { // look: open, read; sale: open, read, intent, four writes, result
		t.Fatalf("a sale has %d steps: the test sees not all of it", total)
	}
	ends := map[counter.OrderState]int{}
	for at := 1; at <= total; at++ {
		for _, after := range []bool{false, true} {
			for _, retry := range []bool{false, true} {
				t.Run(fmt.Sprintf("step %d after %v retry %v", at, after, retry), func(t *testing.T) {
					w := withFirstSale(t)
					w.power.CutAt(at, after)
					receipt, err := secondSale(w)
					w.restart()
					afterwards(w, receipt, err, retry)
					for _, o := range w.store.Orders() {
						ends[o.State]++
					}
					if t.Failed() {
						t.Log(w)
					}
				})
			}
		}
	}
	if ends[counter.Done] == 0 || ends[counter.Void] == 0 {
		t.Errorf("ends of orders %v: both done and void must occur", ends)
	}
	t.Logf("%d steps, ends %v", total, ends)
}

// A second cut while the first one is being cleared up.
func TestPromise12KillAgainDuringRecovery(t *testing.T) {
	total := steps(t, func(w *world) {
		if _, err := secondSale(w); err != nil {
			t.Fatal(err)
		}
	})
	points := 0
	for at := 3; at <= total; at++ {
		for second := 1; ; second++ {
			w := withFirstSale(t)
			w.power.CutAt(at, second%2 == 0)
			receipt, err := secondSale(w)
			w.stop()
			w.power.CutAt(second, at%2 == 0)
			w.start()
			if d := w.desk(reader, settled); d.InDoubt != nil {
				_, _ = w.svc.Retry(context.Background(), w.clerk, d.InDoubt.ID)
			}
			died := w.power.Dead()
			w.restart()
			afterwards(w, receipt, err, second%2 == 0)
			w.stop()
			points++
			if t.Failed() {
				t.Fatalf("cut at %d, then at %d\n%s", at, second, w)
			}
			if !died {
				break
			}
		}
	}
	t.Logf("%d points", points)
}

// An intent that nobody saw the end of is in doubt as soon as a process runs again, also while its card is away.
func TestPromise12IntentOfADeadProcessIsInDoubtWithoutItsCard(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	w.power.CutAt(5, true) // open, read, intent, invalidate, body
	if _, err := w.svc.Sell(context.Background(), w.clerk, r); err == nil {
		t.Fatal("sold without power")
	}
	w.stop()
	w.readers.Remove(reader)
	w.power.CutAt(0, false)
	w.start()
	open, err := w.svc.OpenOrders(context.Background())
	if err != nil || len(open) != 1 || open[0].State != counter.InDoubt || open[0].Why != counter.WhyRestart {
		t.Fatalf("open orders %+v, %v", open, err)
	}
	_, err = w.svc.Sell(context.Background(), w.login("chen"), r)
	w.wantCode(err, counter.CodeWriteUnknown)
	w.law()
	w.closeAll(w.insert(wang), false)
}
