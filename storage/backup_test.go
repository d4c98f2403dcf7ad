package storage_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

func backup(t *testing.T, s *storage.Store) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "backup")
	if _, err := s.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestARestoredLedgerGoesOnInANewEpoch: the centre had a part; the node went on after the backup and was lost.
func TestARestoredLedgerGoesOnInANewEpoch(t *testing.T) {
	s := storagetest.Open(t, t.TempDir(), storage.Options{Node: "n1", SegmentBytes: 40 << 10})
	for i := 1; i <= 5; i++ {
		update(t, s, saleWithReceipt(i))
	}
	update(t, s, func(tx counter.Tx) error { return tx.PutOrder(order(77, counter.InDoubt)) })
	emit(t, s, draft(contract.Ev, 1))
	keep(t, s, reading("long ago", 5))
	fill(t, s, 1, 120)
	ack(t, s, contract.Tx, 3)
	ack(t, s, contract.Rd, 100)
	from := backup(t, s)
	before := map[contract.Stream][]string{contract.Tx: ids(t, s, contract.Tx, 4), contract.Rd: ids(t, s, contract.Rd, 101)}
	newest := s.Latest()
	update(t, s, saleWithReceipt(6)) // after the backup

	dir := filepath.Join(t.TempDir(), "restored")
	if err := storage.Restore(t.Context(), from, dir, storage.Options{Node: "n1", Ballast: -1}); err != nil {
		t.Fatal(err)
	}
	again := storagetest.Open(t, dir, storage.Options{Node: "n1"})
	if again.Epoch() == s.Epoch() {
		t.Error("the epoch is the old one: numbers would be used again")
	}
	for stream, want := range before {
		if diff := cmp.Diff(want, ids(t, again, stream, 1)); diff != "" {
			t.Errorf("%s: %s", stream, diff)
		}
		if st := state(again, stream); st.Acked != 0 || st.First != 1 {
			t.Errorf("%s: %+v", stream, st)
		}
	}
	if diff := cmp.Diff(newest, again.Latest()); diff != "" {
		t.Error(diff)
	}
	view(t, again, func(tx counter.Tx) error {
		open, err := tx.OpenOrders()
		if len(open) != 1 || open[0].ID != "o000077" {
			t.Errorf("open %v", open)
		}
		return err
	})
	wantNote(t, again, s.Epoch())
	update(t, again, func(tx counter.Tx) error {
		n, err := tx.NextReceipt("hall")
		if n <= 6 {
			t.Errorf("receipt %d is given twice", n)
		}
		return err
	})
}

func wantNote(t *testing.T, s *storage.Store, oldEpoch string) {
	t.Helper()
	var rec contract.Record
	var note contract.LedgerRestored
	decode(t, read(t, s, contract.Ev, 1)[0].Raw, &rec)
	decode(t, rec.Body, &note)
	if rec.Type != contract.TypeLedgerRestored || note.OldEpoch != oldEpoch || note.Receipts["hall"] < 6 {
		t.Errorf("first record %s %+v", rec.Type, note)
	}
	want := map[contract.Stream]contract.Renumbered{contract.Tx: {From: 4, To: 5, As: 1}, contract.Ev: {From: 1, To: 1, As: 2},
		contract.Rd: note.Streams[contract.Rd]}
	if diff := cmp.Diff(want, note.Streams); diff != "" || note.Streams[contract.Rd].From != 101 {
		t.Errorf("%s %+v", diff, note.Streams)
	}
}

// ids reads a stream from a number to its end, over all segments.
func ids(t *testing.T, s *storage.Store, stream contract.Stream, from uint64) []string {
	t.Helper()
	var all []string
	for recs := read(t, s, stream, from); len(recs) > 0; recs = read(t, s, stream, from) {
		for _, r := range recs {
			var rec contract.Record
			decode(t, r.Raw, &rec)
			all = append(all, rec.ID+" "+rec.At.String()+" "+string(rec.Body))
			from = r.Seq + 1
		}
	}
	return all
}

// TestABackupUnderLoadIsOneMoment: sales go on while the backup is made; what it has is consistent.
func TestABackupUnderLoadIsOneMoment(t *testing.T) {
	s := storagetest.Open(t, t.TempDir(), storage.Options{SegmentBytes: 40 << 10})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	started := make(chan struct{})
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := s.Update(t.Context(), saleWithReceipt(i)); err != nil {
				t.Error(err)
				return
			}
			if i == 20 {
				close(started)
			}
		}
	})
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			keep(t, s, reading("m1", int64(i)))
		}
	})
	<-started
	var all []string
	for range 3 {
		all = append(all, backup(t, s))
	}
	stop()
	wg.Wait()
	for _, from := range all {
		dir := filepath.Join(t.TempDir(), "restored")
		if err := storage.Restore(t.Context(), from, dir, storage.Options{Ballast: -1}); err != nil {
			t.Fatal(err)
		}
		r := storagetest.Open(t, dir, storage.Options{})
		n := state(r, contract.Tx).Next - 1
		if n < 21 || n > state(s, contract.Tx).Next-1 {
			t.Errorf("%d sales in the backup", n)
		}
		storagetest.CheckAndClose(t, r)
	}
}

func TestADamagedBackupIsRefused(t *testing.T) {
	s := storagetest.New(t)
	fill(t, s, 1, 5)
	for name, spoil := range map[string]func(dir string) error{
		"ledger":      func(dir string) error { return os.Truncate(filepath.Join(dir, "ledger.db"), 1<<14) },
		"segment":     func(dir string) error { return os.Remove(filepath.Join(dir, "readings", "00000000000000000001.db")) },
		"manifest":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{"), 0o600) },
		"no manifest": func(dir string) error { return os.Remove(filepath.Join(dir, "manifest.json")) },
		"outside": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"v":1,"files":{"../x":{}}}`), 0o600)
		},
		"version": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"v":2}`), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			from, dir := backup(t, s), filepath.Join(t.TempDir(), "restored")
			if err := spoil(from); err != nil {
				t.Fatal(err)
			}
			if err := storage.Restore(t.Context(), from, dir, storage.Options{Ballast: -1}); err == nil {
				t.Error("restored")
			}
			for _, left := range []string{dir, dir + ".restore"} {
				if isThere(left) {
					t.Errorf("left behind %s", left)
				}
			}
		})
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	from := backup(t, s)
	_, err := s.Backup(t.Context(), from)
	wantErr(t, err, storage.ErrExists)
	wantErr(t, storage.Restore(t.Context(), from, dir, storage.Options{}), storage.ErrExists)
	empty := t.TempDir()
	if err := storage.Restore(t.Context(), from, empty, storage.Options{Ballast: -1}); err != nil {
		t.Error(err)
	}
	storagetest.Open(t, empty, storage.Options{})
}

func TestABackupThatFailsLeavesNothing(t *testing.T) {
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks()})
	to := filepath.Join(t.TempDir(), "backup")
	faults.FailOnce(storage.OpSyncDir, "backup", 0, syscall.EIO)
	if _, err := s.Backup(t.Context(), to); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Backup(ctx, to)
	wantErr(t, err, context.Canceled)
	if isThere(to) || isThere(to+".new") {
		t.Error("left behind")
	}
	if _, err := s.Backup(t.Context(), to); err != nil {
		t.Error(err)
	}
}
