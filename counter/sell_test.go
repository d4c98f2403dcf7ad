package counter_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tally/counter"
	"tally/counter/tariff"
)

const request1, request2 = "request-000000001", "request-000000002"

func TestSale(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	if d.Problem != nil || d.Account == nil || d.Account.Name != "王**" {
		t.Fatalf("desk %+v", d)
	}
	r, err := w.sell(d, request1, 120*m3)
	if err != nil {
		t.Fatal(err)
	}
	if r.No != 1 || r.Amount != 100*265+20*318 || r.Capitals != "叁佰贰拾捌元陆角整" || r.CardSeq != 1 || r.Operator != "Display chen" {
		t.Fatalf("receipt %+v", r)
	}
	d = w.desk(reader, settled)
	if d.Card.Order == nil || d.Card.Order.Qty != 12000 || d.Problem == nil || d.Problem.Code != counter.CodeNotSwiped {
		t.Fatalf("after the sale: %+v", d)
	}
	w.law()
}

func TestSaleByMoney(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	a := counter.Ask{Reader: reader, Insertion: d.Insertion, Money: 30000}
	q, err := w.svc.Quote(context.Background(), w.clerk, a)
	if err != nil {
		t.Fatal(err)
	}
	if q.Volume != 111_000 || q.Amount != 26500+3498 || q.Change != 2 || len(q.Lines) != 2 {
		t.Fatalf("quote %+v", q)
	}
	r, err := w.svc.Sell(context.Background(), w.clerk, counter.Sell{Request: request1, Ask: a, Volume: q.Volume, Amount: q.Amount})
	if err != nil || r.Volume != q.Volume || r.Amount != q.Amount {
		t.Fatalf("%+v %v", r, err)
	}
	w.law()
}

// Promise 1: no card byte is written before its intent is on disk; no sale is called done before the card was read back
// and the result is on disk.
func TestPromise1IntentBeforeTheCardAndResultBeforeTheReceipt(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	w.power.CutAt(0, false)
	seen := map[int]counter.OrderState{}
	w.store.FailUpdates(func(n int) error {
		seen[n] = "" // the state before this commit
		return nil
	})
	if _, err := w.svc.Sell(context.Background(), w.clerk, r); err != nil {
		t.Fatal(err)
	}
	w.desk(reader, settled)
	want := []string{
		"card open", "card read", "update", "card invalidate", "card body", "card commit", "card verify", "update", "card read",
	}
	if got := w.power.Steps(); !slices.Equal(got, want) {
		t.Errorf("steps %q\nwant  %q", got, want)
	}
	if len(seen) != 2 {
		t.Errorf("%d transactions for a sale, want 2", len(seen))
	}
	o := w.store.Orders()[0]
	if string(o.Plan.Before) == string(o.Plan.After) || len(o.Plan.Steps) == 0 {
		t.Errorf("the journal lacks the images: %+v", o.Plan)
	}
}

func TestPromise1IntentThatCannotBeStoredWritesNothing(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	w.power.CutAt(0, false)
	w.store.FailUpdates(func(int) error { return errors.New("input/output error") })
	_, err = w.svc.Sell(context.Background(), w.clerk, r)
	w.wantCode(err, counter.CodeStore)
	for _, s := range w.power.Steps() {
		if s != "update" && s != "card open" && s != "card read" {
			t.Errorf("step %q without an intent on disk", s)
		}
	}
	w.store.FailUpdates(nil)
	w.law()
}

// A result that the ledger cannot store is not called done; it is stored as soon as the ledger works.
func TestPromise1ResultThatCannotBeStoredIsNotCalledDone(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	broken := make(chan struct{})
	w.store.FailUpdates(func(n int) error {
		select {
		case <-broken:
			return nil
		default:
		}
		if n > 1 {
			return errors.New("input/output error")
		}
		return nil
	})
	_, err = w.svc.Sell(context.Background(), w.clerk, r)
	w.wantCode(err, counter.CodeNotStored)
	_, err = w.svc.Sell(context.Background(), w.clerk, r)
	w.wantCode(err, counter.CodeNotStored)
	open, err := w.svc.OpenOrders(context.Background())
	if err != nil || len(open) != 1 || open[0].State != counter.InDoubt {
		t.Fatalf("open orders %+v %v", open, err)
	}
	if o := w.store.Orders()[0]; o.State != counter.Intended || o.Receipt != 0 {
		t.Fatalf("order %+v", o)
	}
	close(broken)
	for w.store.Orders()[0].State != counter.Done {
		<-w.changed
	}
	receipt, err := w.svc.Sell(context.Background(), w.clerk, r)
	if err != nil || receipt.No != 1 {
		t.Fatalf("%+v %v", receipt, err)
	}
	w.law()
}

func TestResultThatWasNeverStoredIsFoundAtTheNextStart(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	w.store.FailUpdates(func(n int) error {
		if n > 1 {
			return errors.New("input/output error")
		}
		return nil
	})
	_, err = w.svc.Sell(context.Background(), w.clerk, r)
	w.wantCode(err, counter.CodeNotStored)
	w.stop()
	w.store.FailUpdates(nil)
	w.restart()
	w.desk(reader, settled)
	if o := w.store.Orders()[0]; o.State != counter.Done || !o.Doubted {
		t.Fatalf("order %+v", o)
	}
	w.law()
}

func TestSameRequestIsOneSale(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	receipts, errs := make([]counter.Receipt, 20), make([]error, 20)
	for i := range receipts {
		all.Go(func() { receipts[i], errs[i] = w.svc.Sell(context.Background(), w.clerk, r) })
	}
	all.Wait()
	for i := range receipts {
		if errs[i] != nil || receipts[i].Order != receipts[0].Order || receipts[i].No != 1 {
			t.Errorf("answer %d: %+v %v", i, receipts[i], errs[i])
		}
	}
	w.law()
	w.restart()
	again, err := w.svc.Sell(context.Background(), w.clerk, r)
	if err != nil || again.Order != receipts[0].Order {
		t.Errorf("after a restart: %+v %v", again, err)
	}
	other := r
	other.Volume++
	_, err = w.svc.Sell(context.Background(), w.clerk, other)
	w.wantCode(err, counter.CodeRequestReused)
	_, err = w.svc.Sell(context.Background(), w.leader, r)
	w.wantCode(err, counter.CodeRequestReused) // another operator's
	if n := len(w.store.Orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func TestWhileASaleIsUnderWay(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	reached, release := w.readers.Hold("commit")
	defer release()
	first := make(chan error, 1)
	go func() {
		_, err := w.svc.Sell(context.Background(), w.clerk, r)
		first <- err
	}()
	<-reached
	w.desk(reader, func(d counter.Desk) bool { return d.Phase == counter.Writing })
	if open, err := w.svc.OpenOrders(context.Background()); err != nil || len(open) != 0 {
		t.Errorf("a sale that is being written is listed as open: %+v %v", open, err)
	}

	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = w.svc.Sell(impatient, w.clerk, r)
	w.wantCode(err, counter.CodeInternal)

	other := r
	other.Request = request2
	_, err = w.svc.Sell(context.Background(), w.clerk, other)
	w.wantCode(err, counter.CodeBusy)
	other = r
	other.Amount++
	_, err = w.svc.Sell(context.Background(), w.clerk, other)
	w.wantCode(err, counter.CodeRequestReused)

	w.remove(reader) // what lay there is off the screen at once, though the write still hangs
	if d := w.desk(reader, func(d counter.Desk) bool { return d.Phase == counter.Empty }); d.Card != nil || d.Account != nil {
		t.Errorf("desk %+v", d)
	}
	release()
	w.wantCode(<-first, counter.CodeWriteUnknown)
	w.closeAll(w.insert(wang), true)
}

func TestEndingLetsTheWriteUnderWayEnd(t *testing.T) {
	w := newWorld(t, func(o *counter.Options) { o.Grace = time.Hour })
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	reached, release := w.readers.Hold("body")
	sold := make(chan error, 1)
	go func() {
		_, err := w.svc.Sell(context.Background(), w.clerk, r)
		sold <- err
	}()
	<-reached
	stopped := make(chan struct{})
	go func() {
		w.stop()
		close(stopped)
	}()
	release()
	<-stopped
	if err := <-sold; err != nil {
		t.Error(err)
	}
	w.law()
}

func TestGraceCutsAHangingWriteOff(t *testing.T) {
	w := newWorld(t, func(o *counter.Options) { o.Grace = time.Nanosecond })
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	reached := w.readers.HoldUntilCancelled("body")
	sold := make(chan error, 1)
	go func() {
		_, err := w.svc.Sell(context.Background(), w.clerk, r)
		sold <- err
	}()
	<-reached
	w.stop()
	w.wantCode(<-sold, counter.CodeWriteUnknown)
	w.restart()
	d = w.desk(reader, settled)
	w.closeAll(d, true)
}

func TestPriceReleasedMeanwhile(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.ask(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	dearer := residential()
	dearer.Version, dearer.Tiers[0].Price = 4, 27500
	if err := w.svc.SetTables([]tariff.Table{dearer}); err != nil {
		t.Fatal(err)
	}
	_, err = w.svc.Sell(context.Background(), w.clerk, r)
	w.wantCode(err, counter.CodeQuoteChanged)
	if got := counter.AsRefusal(err).Args["amount"]; got != "27.50" {
		t.Errorf("the new amount is said to be %q", got)
	}
	if err := w.svc.SetTables([]tariff.Table{{}}); !errors.Is(err, tariff.ErrTable) {
		t.Errorf("a bad table is released: %v", err)
	}
	w.law()
}

func TestTierCounterStartsAgainWithThePeriod(t *testing.T) {
	w := newWorld(t)
	if _, err := w.sell(w.insert(wang), request1, 120*m3); err != nil {
		t.Fatal(err)
	}
	w.cards[wang].Swipe()
	w.turn(60 * 24 * time.Hour) // into the next year
	w.clerk = w.login("chen")
	r, err := w.sell(w.insert(wang), request2, 10*m3)
	if err != nil || r.Amount != 2650 {
		t.Fatalf("%+v %v: the first tier holds again", r, err)
	}
	if a := w.account("100001"); a.PeriodStart != "2027-01-01" || a.Bought != 10*m3 {
		t.Errorf("account %+v", a)
	}
	w.cards[wang].Swipe()
	w.turn(-60 * 24 * time.Hour) // a clock set back opens no old period
	w.clerk = w.login("chen")
	if _, err := w.sell(w.insert(wang), "request-000000003", 10*m3); err != nil {
		t.Fatal(err)
	}
	if a := w.account("100001"); a.PeriodStart != "2027-01-01" || a.Bought != 20*m3 {
		t.Errorf("account %+v", a)
	}
}
