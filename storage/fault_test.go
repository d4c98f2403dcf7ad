package storage_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"testing"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// sale is one transaction of the counter with its record.
func sale(n int) func(counter.Tx) error {
	return func(tx counter.Tx) error {
		return errors.Join(tx.PutAccount(account(n)), tx.PutOrder(order(n, counter.Done)), tx.Emit(draft(contract.Tx, n)))
	}
}

// TestACommitThatFailsStoresNothing fails every write and every sync of a commit, once and for good, with both causes:
// the update says so, nothing of it is there, not even after the next start, and when the cause is gone the store works.
func TestACommitThatFailsStoresNothing(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
		for _, kind := range []storage.OpKind{storage.OpWrite, storage.OpSync} {
			for at := range stepsOfASale(t, kind) {
				t.Run(fmt.Sprintf("%v/%s/%d", cause, kind, at), func(t *testing.T) {
					dir := t.TempDir()
					faults := storagetest.NewFaults()
					s := storagetest.Open(t, dir, storage.Options{Hooks: faults.Hooks()})
					update(t, s, sale(1))
					faults.Fail(kind, "ledger.db", at, cause)
					wantErr(t, s.Update(t.Context(), sale(2)), counter.ErrStore)
					wantErr(t, s.Update(t.Context(), sale(2)), counter.ErrStore)
					faults.Clear()
					wantSales(t, s, 1)
					update(t, s, sale(3))
					wantSales(t, s, 1, 3)
					storagetest.CheckAndClose(t, s)
					s = storagetest.Open(t, dir, storage.Options{})
					wantSales(t, s, 1, 3)
				})
			}
		}
	}
}

// TestAFailedSyncIsTakenBackBeforeTheNextStart: the last sync of a commit fails once. The process ends without another
// commit, and the next one must not find what was said not to be stored.
func TestAFailedSyncIsTakenBackBeforeTheNextStart(t *testing.T) {
	dir := t.TempDir()
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, dir, storage.Options{Hooks: faults.Hooks()})
	update(t, s, sale(1))
	faults.FailOnce(storage.OpSync, "ledger.db", 1, syscall.EIO)
	wantErr(t, s.Update(t.Context(), sale(2)), counter.ErrStore)
	wantSales(t, s, 1)
	storagetest.CheckAndClose(t, s)
	s = storagetest.Open(t, dir, storage.Options{})
	wantSales(t, s, 1)
}

func TestEveryWaiterLearnsOfAFailedCommit(t *testing.T) {
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks()})
	faults.Fail(storage.OpSync, "ledger.db", 0, syscall.EIO)
	for i, err := range together(t, s, 8, func(i int, tx counter.Tx) error { return sale(i)(tx) }) {
		if !errors.Is(err, counter.ErrStore) || !errors.Is(err, syscall.EIO) {
			t.Errorf("waiter %d: %v", i, err)
		}
	}
	faults.Clear()
	wantSales(t, s)
}

// stepsOfASale counts the operations of one kind that a sale takes.
func stepsOfASale(t *testing.T, kind storage.OpKind) int {
	t.Helper()
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks()})
	update(t, s, sale(1))
	before := faults.Count(kind)
	update(t, s, sale(2))
	return faults.Count(kind) - before
}

// wantSales checks accounts, orders and records against the sales that were stored.
func wantSales(t *testing.T, s *storage.Store, want ...int) {
	t.Helper()
	var got []string
	view(t, s, func(tx counter.Tx) error {
		return tx.EachAccount(func(a counter.Account) bool { got = append(got, a.No); return true })
	})
	var nos []string
	for _, n := range want {
		nos = append(nos, account(n).No)
	}
	if fmt.Sprint(got) != fmt.Sprint(nos) {
		t.Errorf("accounts %v, want %v", got, nos)
	}
	recs := read(t, s, contract.Tx, 1)
	if len(recs) != len(want) || int(state(s, contract.Tx).Next) != len(want)+1 {
		t.Errorf("%d records, next %d, want %d", len(recs), state(s, contract.Tx).Next, len(want))
	}
}

// TestNobodySeesWhatAPowerCutCouldStillUndo: bbolt shows a new state before its last sync. Somebody looks in that very
// moment, and the sync fails.
func TestNobodySeesWhatAPowerCutCouldStillUndo(t *testing.T) {
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks()})
	update(t, s, sale(1))
	seen := make(chan error, 1)
	look := func(tx counter.Tx) error { _, err := tx.Account(account(2).No); return err }
	faults.At(storage.OpSync, "ledger.db", 1, func() error {
		go func() { seen <- s.View(context.Background(), look) }()
		for i := 0; i < 10000 && len(seen) == 0; i++ {
			runtime.Gosched() // gives the look a chance to come too early
		}
		return syscall.EIO
	})
	wantErr(t, s.Update(t.Context(), sale(2)), counter.ErrStore)
	wantErr(t, <-seen, counter.ErrNotFound)
}
