package counter_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"tally/cardreader"
	"tally/counter"
	"tally/counter/countertest"
)

func notSent() error {
	return &cardreader.Error{Class: cardreader.Operator, Op: "transmit", Code: cardreader.CodeCardReset, Reader: reader}
}

// Promise 2: "the write failed" is never concluded from a transport error; the card is read.
func TestPromise2EveryFaultAtEveryCardStep(t *testing.T) {
	points, ends := 0, map[counter.OrderState]int{}
	for _, step := range []string{"open", "read", "invalidate", "body", "commit", "verify"} {
		for _, f := range []countertest.Fault{
			{},
			{Effect: true},
			{Pull: true},
			{Effect: true, Pull: true},
			{Err: notSent()},
			{Err: notSent(), Pull: true},
			// A driver that lies: it says that nothing was sent, and it was.
			{Err: notSent(), Effect: true},
			{Err: notSent(), Effect: true, Pull: true},
		} {
			for _, retry := range []bool{false, true} {
				f.Step, f.Nth = step, 1
				name := fmt.Sprintf("%s effect %v pull %v err %v retry %v", step, f.Effect, f.Pull, f.Err, retry)
				points++
				t.Run(name, func(t *testing.T) {
					w := withFirstSale(t)
					d := w.insert(wang)
					w.readers.Fail(f)
					receipt, err := w.sell(d, request2, 60*m3)
					w.law()
					w.readers.ClearFaults()
					w.checkAnswer(receipt, err)
					if f.Pull {
						d = w.insert(wang)
					} else {
						d = w.desk(reader, settled)
					}
					w.closeAll(d, retry)
					for _, o := range w.store.Orders()[1:] {
						ends[o.State]++
					}
					if t.Failed() {
						t.Log(w)
					}
				})
			}
		}
	}
	t.Logf("%d points, ends %v", points, ends)
}

// checkAnswer: what the clerk was told is how the order stands.
func (w *world) checkAnswer(receipt counter.Receipt, err error) {
	w.t.Helper()
	orders := w.store.Orders()[1:]
	want := map[string]counter.OrderState{"": counter.Done, counter.CodeNotWritten: counter.Void, counter.CodeWriteUnknown: counter.InDoubt}
	if len(orders) == 0 {
		if err == nil {
			w.t.Errorf("receipt %+v without an order", receipt)
		}
		return
	}
	if state, ok := want[code(err)]; !ok || orders[0].State != state {
		w.t.Errorf("the clerk heard %v, the order is %s", err, orders[0].State)
	}
}

func TestSwapDuringTheWriteWritesNoOtherCustomersMoney(t *testing.T) {
	for _, step := range []string{"invalidate", "body", "commit", "verify"} {
		t.Run(step, func(t *testing.T) {
			w := withFirstSale(t)
			d := w.insert(wang)
			w.readers.Fail(countertest.Fault{Step: step, Nth: 1, Swap: w.cards[li]})
			_, err := w.sell(d, request2, 60*m3)
			w.wantCode(err, counter.CodeWriteUnknown)
			w.readers.ClearFaults()
			w.law()
			if d := w.insert(li); d.InDoubt != nil || d.Problem != nil {
				t.Errorf("the other customer's desk shows %+v", d)
			}
			w.closeAll(w.insert(wang), true)
		})
	}
}

func TestSwapBeforeTheSaleIsNoticed(t *testing.T) {
	w := withFirstSale(t)
	d := w.insert(wang)
	r, err := w.ask(d, request2, m3)
	if err != nil {
		t.Fatal(err)
	}
	w.readers.Swap(reader, w.cards[li])
	_, err = w.svc.Sell(context.Background(), w.clerk, r)
	w.wantCode(err, counter.CodeCardChanged)
	w.law()
	d = w.desk(reader, func(d counter.Desk) bool { return settled(d) && d.Card != nil && d.Card.Card == li })
	if d.Account.No != "100002" {
		t.Errorf("desk %+v", d)
	}
}

func TestCardPulledDuringTheWriteAndPutInAnotherReader(t *testing.T) {
	for _, effect := range []bool{false, true} {
		w := withFirstSale(t)
		d := w.insert(wang)
		w.readers.Fail(countertest.Fault{Step: "commit", Nth: 1, Pull: true, Effect: effect})
		_, err := w.sell(d, request2, 60*m3)
		w.wantCode(err, counter.CodeWriteUnknown)
		d = w.insertAt(reader2, w.cards[wang])
		if (d.InDoubt == nil) != effect {
			t.Errorf("effect %v: desk %+v", effect, d)
		}
		w.closeAll(d, true)
	}
}

func TestAnOlderImageOfTheCardIsQuarantined(t *testing.T) {
	w := withFirstSale(t)
	d := w.insert(wang)
	old := w.cards[wang].Snapshot()
	w.readers.Fail(countertest.Fault{Step: "commit", Nth: 1, Pull: true})
	_, err := w.sell(d, request2, 60*m3)
	w.wantCode(err, counter.CodeWriteUnknown)
	w.cards[wang].Force(9, 99999, [3]byte{1, 2, 3})
	d = w.insert(wang)
	if d.InDoubt != nil || d.Problem == nil || d.Problem.Code != counter.CodeQuarantine {
		t.Fatalf("desk %+v", d)
	}
	o := w.store.Orders()[1]
	if o.State != counter.Quarantined {
		t.Fatalf("order %+v", o)
	}
	// It stays so, whatever the card says later: a leader decides.
	w.cards[wang].Restore(old)
	if d = w.insert(wang); d.Problem == nil || d.Problem.Code != counter.CodeQuarantine {
		t.Fatalf("desk %+v", d)
	}
	_, err = w.svc.Retry(context.Background(), w.clerk, o.ID)
	w.wantCode(err, counter.CodeQuarantine)
	w.wantCode(w.svc.Void(context.Background(), w.leader, o.ID), counter.CodeQuarantine)
	w.law()
}

// A card pulled in the middle of a write that hangs, and put into the other reader: nobody judges it there before the
// write has ended.
func TestCardInAnotherReaderWaitsForTheWriteToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r, err := w.ask(w.insert(wang), request1, 10*m3)
		if err != nil {
			t.Fatal(err)
		}
		reached, release := w.readers.Hold("commit")
		sold := make(chan error, 1)
		go func() {
			_, err := w.svc.Sell(context.Background(), w.clerk, r)
			sold <- err
		}()
		<-reached
		w.readers.Remove(reader)
		w.readers.Insert(reader2, w.cards[wang])
		synctest.Wait()
		if d := w.svc.Desks()[1]; d.Phase != counter.Reading {
			t.Errorf("the other desk is %s while the write hangs", d.Phase)
		}
		release()
		w.wantCode(<-sold, counter.CodeWriteUnknown)
		w.closeAll(w.desk(reader2, settled), true)
	})
}

// An order that cannot be written again says what must be done first, stays in doubt and keeps the money.
func TestRetryThatIsNotWrittenStaysInDoubt(t *testing.T) {
	spent := &cardreader.Error{Class: cardreader.Operator, Op: "unlock", Code: cardreader.CodePSCPresented, Reader: reader}
	for want, f := range map[string]countertest.Fault{
		cardreader.CodePSCPresented: {Step: "invalidate", Nth: 1, Err: spent},
		counter.CodeInDoubt:         {Step: "body", Nth: 1},
	} {
		w := newWorld(t)
		o := w.doubt()
		w.insert(wang)
		w.readers.Fail(f)
		_, err := w.svc.Retry(context.Background(), w.clerk, o.ID)
		w.wantCode(err, want)
		if o = w.order(o.ID); o.State != counter.InDoubt {
			t.Errorf("order %+v", o)
		}
		w.law()
		w.readers.ClearFaults()
		w.closeAll(w.desk(reader, settled), true)
	}
}
