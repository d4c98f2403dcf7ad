package storage_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// cutStep is how many operations lie between two cuts: all are tried in `make faults`.
func cutStep(daily int) int {
	if os.Getenv("TALLY_ALL_CUTS") != "" {
		return 1
	}
	return daily
}

// eachCut makes images of a recording and gives them to check with the number of operations before the cut.
func eachCut(t *testing.T, rec *storagetest.Recorder, from, daily int, check func(dir string, n int)) {
	t.Helper()
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d, %d operations", seed, rec.Len()-from)
	step, images := cutStep(daily), 0
	for n := from + rnd.IntN(step); n <= rec.Len(); n += step {
		for _, left := range []storagetest.Survival{storagetest.Nothing, storagetest.Everything, storagetest.Some} {
			dir := filepath.Join(t.TempDir(), "cut")
			if err := rec.Image(dir, n, left, rnd); err != nil {
				t.Fatal(err)
			}
			check(dir, n)
			images++
			if t.Failed() {
				t.Fatalf("cut after %d operations, %s of the unsynced left", n, left)
			}
		}
	}
	t.Logf("%d images", images)
}

// usedStore has sales, an order in doubt and readings in several segments, a part of it acknowledged.
func usedStore(t *testing.T) *storage.Store {
	t.Helper()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Node: "n1", SegmentBytes: 40 << 10})
	for i := 1; i <= 5; i++ {
		update(t, s, saleWithReceipt(i))
	}
	update(t, s, func(tx counter.Tx) error { return tx.PutOrder(order(77, counter.InDoubt)) })
	emit(t, s, draft(contract.Ev, 1))
	fill(t, s, 1, 120)
	ack(t, s, contract.Tx, 3)
	ack(t, s, contract.Rd, 100)
	return s
}

// TestAPowerCutInARestoreLeavesTheBackupOrAWholeNode cuts a restore at every write, sync and name. What is left is the
// restored node, whole, or is refused with the word to run the restore again, which then succeeds; never does a node
// start on an empty ledger once the restore has begun.
func TestAPowerCutInARestoreLeavesTheBackupOrAWholeNode(t *testing.T) {
	s := usedStore(t)
	from := backup(t, s)
	want := map[contract.Stream][]string{contract.Tx: ids(t, s, contract.Tx, 4), contract.Rd: ids(t, s, contract.Rd, 101)}
	parent := t.TempDir()
	rec := storagetest.NewRecorder(parent)
	begun := 0 // operations until it is on the disk that a restore has begun
	hooks := rec.Hooks()
	note := hooks.Op
	hooks.Op = func(o storage.Op) error {
		err := note(o)
		if begun == 0 && o.Kind == storage.OpSyncDir && o.Path == parent {
			begun = rec.Len()
		}
		return err
	}
	opts := storage.Options{Node: "n1", Ballast: -1, SegmentBytes: 40 << 10}
	recorded := opts
	recorded.Hooks = hooks
	if err := storage.Restore(t.Context(), from, filepath.Join(parent, "data"), recorded); err != nil {
		t.Fatal(err)
	}
	if begun == 0 {
		t.Fatal("the beginning of the restore was not made durable")
	}
	ends := map[string]int{}
	eachCut(t, rec, 0, 37, func(image string, n int) {
		dir := filepath.Join(image, "data")
		again, err := storage.Open(dir, opts)
		if errors.Is(err, storage.ErrLedgerMissing) && strings.Contains(err.Error(), "restore") {
			ends["refused"]++
			if err := storage.Restore(t.Context(), from, dir, opts); err != nil {
				t.Errorf("restore again: %v", err)
				return
			}
			again, err = storage.Open(dir, opts)
		}
		if err != nil {
			t.Errorf("open: %v", err)
			return
		}
		defer storagetest.CheckAndClose(t, again)
		if n < begun && state(again, contract.Ev).Next == 1 {
			ends["not begun"]++ // nothing of it was on the disk yet, not even its beginning
			return
		}
		ends["whole"]++
		wantNote(t, again, s.Epoch())
		for stream, ids1 := range want {
			if diff := cmp.Diff(ids1, ids(t, again, stream, 1)); diff != "" {
				t.Errorf("%s: %s", stream, diff)
			}
		}
		if _, err := os.Stat(filepath.Join(image, "data.restore")); err == nil {
			t.Error("the unfinished folder is still there")
		}
		update(t, again, sale(1000))
		keep(t, again, reading("m1", 1000))
	})
	t.Logf("%v", ends)
	if os.Getenv("TALLY_ALL_CUTS") != "" && (ends["refused"] == 0 || ends["whole"] == 0) {
		t.Errorf("the cuts did not reach every end: %v", ends)
	}
}

// TestAPowerCutInAMigrationOrAPruningLosesNothing cuts a start with a newer version, which changes every account, the
// pruning of what was acknowledged, and what comes after.
func TestAPowerCutInAMigrationOrAPruningLosesNothing(t *testing.T) {
	dir := t.TempDir()
	rec := storagetest.NewRecorder(dir)
	opts := storage.Options{SegmentBytes: 40 << 10, Hooks: rec.Hooks(), Ballast: -1}
	s := storagetest.Open(t, dir, opts)
	for i := 1; i <= 40; i++ {
		update(t, s, sale(i))
		keep(t, s, reading("m1", int64(i)))
	}
	ack(t, s, contract.Tx, 30)
	ack(t, s, contract.Rd, 35)
	storagetest.CheckAndClose(t, s)
	old := rec.Len()

	rename := func(tx *bbolt.Tx) error { // as a migration that writes every account anew
		b := tx.Bucket([]byte("accounts"))
		return b.ForEach(func(k, v []byte) error {
			return b.Put(k, []byte(strings.Replace(string(v), `"name":"`, `"name":"migrated `, 1)))
		})
	}
	s = storagetest.Open(t, dir, storage.WithMigrations(opts, 1, rename))
	migrated := rec.Len()
	if n, err := s.Prune(t.Context(), noon.AddDate(1, 0, 0)); err != nil || n != 30 {
		t.Fatalf("%d pruned, %v", n, err)
	}
	fill(t, s, 41, 130)
	ack(t, s, contract.Rd, 125)
	if _, err := s.Prune(t.Context(), noon.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	storagetest.CheckAndClose(t, s)

	layouts := map[string]int{}
	eachCut(t, rec, old, 23, func(image string, n int) {
		plain := storage.Options{SegmentBytes: 40 << 10, Ballast: -1}
		s, err := storage.Open(image, plain)
		if errors.Is(err, storage.ErrNewer) {
			layouts["new"]++
			s, err = storage.Open(image, storage.WithMigrations(plain, 1, rename))
		} else if err == nil {
			layouts["old"]++
		}
		if err != nil {
			t.Errorf("open: %v", err)
			return
		}
		defer storagetest.CheckAndClose(t, s)
		checkPruned(t, s, n > migrated)
	})
	t.Logf("layouts %v", layouts)
	if layouts["new"] == 0 || os.Getenv("TALLY_ALL_CUTS") != "" && layouts["old"] == 0 {
		t.Errorf("the cuts did not reach both layouts: %v", layouts)
	}
}

// checkPruned: every account is of one layout, everything that was not acknowledged is there.
func checkPruned(t *testing.T, s *storage.Store, migrated bool) {
	t.Helper()
	names := map[bool]int{}
	view(t, s, func(tx counter.Tx) error {
		return tx.EachAccount(func(a counter.Account) bool { names[strings.HasPrefix(a.Name, "migrated ")]++; return true })
	})
	if len(names) != 1 || names[true]+names[false] != 40 || migrated && names[true] != 40 {
		t.Errorf("accounts by layout: %v", names)
	}
	tx, rd := state(s, contract.Tx), state(s, contract.Rd)
	if tx.Next != 41 || tx.Acked != 30 || tx.First > 31 || len(ids(t, s, contract.Tx, 31)) != 10 {
		t.Errorf("tx %+v", tx)
	}
	if rd.First > rd.Acked+1 || rd.Acked < 35 || len(ids(t, s, contract.Rd, rd.Acked+1)) != int(rd.Next-1-rd.Acked) || len(alarms(t, s)) > 0 {
		t.Errorf("rd %+v, alarms %v", rd, alarms(t, s))
	}
}
