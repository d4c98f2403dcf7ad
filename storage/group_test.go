package storage_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// together starts n updates while another one holds the lead, so that they share the next commit, and returns their
// errors.
func together(t *testing.T, s *storage.Store, n int, f func(i int, tx counter.Tx) error) []error {
	t.Helper()
	leading, let := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		first := true
		err := s.Update(t.Context(), func(counter.Tx) error {
			if first {
				first = false
				close(leading)
				<-let
			}
			return nil
		})
		if err != nil {
			t.Errorf("leader: %v", err)
		}
	})
	<-leading
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = s.Update(t.Context(), func(tx counter.Tx) error { return f(i, tx) }) })
	}
	s.WaitQueued(n)
	close(let)
	wg.Wait()
	return errs
}

func TestConcurrentUpdatesShareOneCommit(t *testing.T) {
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks()})
	before := faults.Count(storage.OpSync)
	errs := together(t, s, 20, func(i int, tx counter.Tx) error {
		return errors.Join(tx.PutAccount(account(i)), tx.Emit(draft(contract.Tx, i)))
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if syncs := faults.Count(storage.OpSync) - before; syncs != 2 {
		t.Errorf("20 updates took %d syncs, want the 2 of one commit", syncs)
	}
	if got := len(read(t, s, contract.Tx, 1)); got != 20 {
		t.Errorf("%d records", got)
	}
}

func TestAnUpdateThatChangesNothingDoesNotSync(t *testing.T) {
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks()})
	before := faults.Count(storage.OpSync)
	update(t, s, func(tx counter.Tx) error { _, err := tx.OpenOrders(); return err })
	if n := faults.Count(storage.OpSync) - before; n != 0 {
		t.Errorf("%d syncs for nothing", n)
	}
}

func TestAFailingUpdateDoesNotSpoilItsNeighbours(t *testing.T) {
	mine := errors.New("mine")
	for name, fail := range map[string]func(){"error": func() {}, "panic": func() { panic("oops") }} {
		t.Run(name, func(t *testing.T) {
			s := storagetest.New(t)
			emit(t, s, draft(contract.Tx, 99))
			errs := together(t, s, 9, func(i int, tx counter.Tx) error {
				if err := errors.Join(tx.PutAccount(account(i)), tx.PutOrder(order(i, counter.Intended)), tx.Emit(draft(contract.Tx, i))); err != nil {
					return err
				}
				if i%3 == 0 {
					fail()
					return mine
				}
				return nil
			})
			for i, err := range errs {
				if failed := err != nil; failed != (i%3 == 0) {
					t.Errorf("update %d: %v", i, err)
				}
				if err != nil && name == "error" && err != mine {
					t.Errorf("update %d: its error came back as %v", i, err)
				}
				if err != nil && name == "panic" && (!errors.Is(err, counter.ErrStore) || !strings.Contains(err.Error(), "oops")) {
					t.Errorf("update %d: its panic came back as %v", i, err)
				}
			}
			recs := read(t, s, contract.Tx, 1)
			if len(recs) != 7 || recs[6].Seq != 7 {
				t.Errorf("%d records", len(recs))
			}
			view(t, s, func(tx counter.Tx) error {
				for i := range 9 {
					_, err := tx.Account(account(i).No)
					if there := err == nil; there != (i%3 != 0) {
						t.Errorf("account %d: %v", i, err)
					}
				}
				return nil
			})
		})
	}
}

func TestAFailingUpdateGivesBackWhatItReplacedAndDeleted(t *testing.T) {
	s := storagetest.New(t)
	update(t, s, func(tx counter.Tx) error {
		return errors.Join(tx.PutAccount(account(1)), tx.PutOrder(order(1, counter.Intended)))
	})
	mine := errors.New("mine")
	errs := together(t, s, 2, func(i int, tx counter.Tx) error {
		if i == 1 {
			return tx.PutAccount(account(7)) // so that there is something to commit
		}
		a, o := account(1), order(1, counter.Done)
		a.Name, a.Card = "other", card("other")
		o.Card, o.Request = card("other"), "other"
		return errors.Join(tx.PutAccount(a), tx.PutOrder(o), mine)
	})
	wantErr(t, errs[0], mine)
	if errs[1] != nil {
		t.Fatal(errs[1])
	}
	view(t, s, func(tx counter.Tx) error {
		a, err := tx.AccountOfCard(account(1).Card)
		if a.Name != account(1).Name {
			t.Errorf("account is %+v", a)
		}
		open, oerr := tx.OpenOrders()
		if len(open) != 1 || open[0].Card != order(1, counter.Intended).Card {
			t.Errorf("open %+v", open)
		}
		return errors.Join(err, oerr)
	})
}

func TestAnUpdateWhoseContextEndsWhileQueuedIsNotRun(t *testing.T) {
	s := storagetest.New(t)
	leading, let := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- s.Update(t.Context(), func(tx counter.Tx) error { close(leading); <-let; return nil })
	}()
	<-leading
	ctx, cancel := context.WithCancel(t.Context())
	ran := false
	go func() { done <- s.Update(ctx, func(tx counter.Tx) error { ran = true; return nil }) }()
	s.WaitQueued(1)
	cancel()
	wantErr(t, <-done, context.Canceled)
	close(let)
	if err := <-done; err != nil || ran {
		t.Errorf("leader %v, cancelled one ran: %v", err, ran)
	}
	wantErr(t, s.Update(ctx, func(counter.Tx) error { ran = true; return nil }), context.Canceled)
	wantErr(t, s.View(ctx, func(counter.Tx) error { ran = true; return nil }), context.Canceled)
	if ran {
		t.Error("ran with an ended context")
	}
}

func TestUpdatesSeeEachOtherInOneCommit(t *testing.T) {
	s := storagetest.New(t)
	errs := together(t, s, 10, func(_ int, tx counter.Tx) error {
		n, err := tx.NextReceipt("hall")
		return errors.Join(err, tx.PutOrder(order(int(n), counter.Done)))
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	view(t, s, func(tx counter.Tx) error {
		for i := range 10 {
			if _, err := tx.Order(fmt.Sprintf("o%06d", i+1)); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
}

func TestAPanicInAViewIsAnError(t *testing.T) {
	s := storagetest.New(t)
	wantErr(t, s.View(t.Context(), func(counter.Tx) error { panic("oops") }), counter.ErrStore)
}

func TestACallerWhoseGoroutineEndsDoesNotStopTheOthers(t *testing.T) {
	s := storagetest.New(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Update(context.Background(), func(counter.Tx) error { runtime.Goexit(); return nil })
	}()
	<-ended
	update(t, s, func(tx counter.Tx) error { return tx.PutAccount(account(1)) })
}

func TestAClosedStoreRefuses(t *testing.T) {
	s := storagetest.New(t)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	nothing := func(counter.Tx) error { return nil }
	for name, err := range map[string]error{
		"update": s.Update(t.Context(), nothing), "view": s.View(t.Context(), nothing), "room": s.Room(t.Context()),
		"keep": s.Keep(t.Context(), reading("m1", 1)),
	} {
		if !errors.Is(err, storage.ErrClosed) || !errors.Is(err, counter.ErrStore) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Queue(contract.Tx).Read(t.Context(), 1, 1, 1); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("read: %v", err)
	}
}

func TestCloseFailsThoseWhoWait(t *testing.T) {
	s := storagetest.New(t)
	leading, let := make(chan struct{}), make(chan struct{})
	errs := make(chan error, 2)
	go func() {
		errs <- s.Update(context.Background(), func(tx counter.Tx) error { close(leading); <-let; return tx.PutAccount(account(1)) })
	}()
	<-leading
	go func() {
		errs <- s.Update(context.Background(), func(tx counter.Tx) error { return tx.PutAccount(account(2)) })
	}()
	s.WaitQueued(1)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	close(let)
	for range 2 {
		// Which of the two gets the lead after the first commit is open; both must come back, and nothing may hang.
		if err := <-errs; err != nil && !errors.Is(err, storage.ErrClosed) {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
