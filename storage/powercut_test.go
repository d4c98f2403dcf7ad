package storage_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/inbox"
	"tally/sync/inbox/inboxtest"
)

// promise is what the store said was durable after so many operations on the disk.
type promise struct {
	after int
	sales int
	reads int
	done  int    // commands that were finished
	note  int    // state of a part
	acked uint64 // of rd
}

// record uses a store from its first start on: sales, readings over several segments, acknowledgements that drop
// segments, an end in order and another start.
func record(t *testing.T, dir string) (*storagetest.Recorder, []promise) {
	t.Helper()
	rec := storagetest.NewRecorder(dir)
	opts := storage.Options{SegmentBytes: 40 << 10, Hooks: rec.Hooks()}
	s := storagetest.Open(t, dir, opts)
	var told []promise
	p := promise{}
	tell := func() {
		p.after = rec.Len()
		told = append(told, p)
	}
	tell()
	for i := 1; i <= 90; i++ {
		if i%3 == 0 {
			update(t, s, sale(i/3))
			p.sales++
			tell()
		}
		keep(t, s, reading(fmt.Sprintf("m%d", i%4), int64(i)))
		p.reads++
		tell()
		if i%8 == 0 {
			obey(t, s, uint64(i/8))
			p.done++
			tell()
			note(t, s, i)
			p.note = i
			tell()
		}
		if i%25 == 0 {
			ack(t, s, contract.Rd, uint64(i-2))
			p.acked = uint64(i - 2)
			tell()
		}
		if i == 60 {
			storagetest.CheckAndClose(t, s)
			s = storagetest.Open(t, dir, opts)
		}
	}
	storagetest.CheckAndClose(t, s)
	if n := len(segments(t, dir, "*.db")); n > 2 {
		t.Errorf("%d segments left, none was dropped", n)
	}
	return rec, told
}

func obey(t *testing.T, s *storage.Store, n uint64) {
	t.Helper()
	c := inboxtest.Command(n)
	if standing, err := s.Commands().Begin(t.Context(), c); err != nil || standing != inbox.Fresh {
		t.Fatalf("command %d: %v, %v", n, standing, err)
	}
	if err := s.Commands().Finish(t.Context(), contract.CommandResult{Command: c.ID, Counter: n, Outcome: contract.Done}); err != nil {
		t.Fatal(err)
	}
}

func note(t *testing.T, s *storage.Store, n int) {
	t.Helper()
	if err := s.UpdateState(t.Context(), func(tx storage.StateTx) error { return tx.SaveState("note", n) }); err != nil {
		t.Fatal(err)
	}
}

// checkParts: results and state as they were told, or one step further.
func checkParts(t *testing.T, s *storage.Store, p promise) {
	t.Helper()
	open, err := s.Commands().Open(t.Context())
	if n := len(results(t, s)); err != nil || n < p.done || n > p.done+1 || len(open) > 1 {
		t.Errorf("%d results, told were %d; %d open, %v", n, p.done, len(open), err)
	}
	n := 0
	if err := s.LoadState(t.Context(), "note", &n); err != nil && !errors.Is(err, counter.ErrNotFound) || n != p.note && n != p.note+8 {
		t.Errorf("state %d, told was %d, %v", n, p.note, err)
	}
	if p.done > 0 {
		if standing, err := s.Commands().Begin(t.Context(), inboxtest.Command(uint64(p.done))); err != nil || standing != inbox.Seen {
			t.Errorf("a finished command could be begun again: %v, %v", standing, err)
		}
	}
}

// TestAPowerCutAtAnyPointLosesNothing is promise 12 for the power: the recorded operations are cut at every point, with
// nothing, everything and some of the unsynced surviving, and the folder that is left is opened and checked.
func TestAPowerCutAtAnyPointLosesNothing(t *testing.T) {
	rec, told := record(t, t.TempDir())
	seed := rand.Uint64()
	t.Logf("seed %d, %d operations", seed, rec.Len())
	rnd := rand.New(rand.NewPCG(seed, 0))
	step := 9 // from a random start, so that all points have their turn
	if os.Getenv("TALLY_ALL_CUTS") != "" {
		step = 1
	}
	images := 0
	for n := rnd.IntN(step); n <= rec.Len(); n += step {
		for _, left := range []storagetest.Survival{storagetest.Nothing, storagetest.Everything, storagetest.Some, storagetest.Some} {
			dir := filepath.Join(t.TempDir(), "cut")
			if err := rec.Image(dir, n, left, rnd); err != nil {
				t.Fatal(err)
			}
			checkCut(t, dir, before(told, n))
			images++
			if t.Failed() {
				t.Fatalf("cut after %d operations, %s of the unsynced left", n, left)
			}
		}
	}
	t.Logf("%d images", images)
}

func before(told []promise, n int) promise {
	var last promise
	for _, p := range told {
		if p.after <= n {
			last = p
		}
	}
	return last
}

func checkCut(t *testing.T, dir string, p promise) {
	t.Helper()
	s, err := storage.Open(dir, storage.Options{Ballast: -1, SegmentBytes: 40 << 10})
	if err != nil {
		t.Errorf("open: %v", err)
		return
	}
	defer storagetest.CheckAndClose(t, s)
	if lost := alarms(t, s); len(lost) > 0 {
		t.Errorf("readings are lost: %+v", lost)
	}
	tx, rd := state(s, contract.Tx), state(s, contract.Rd)
	if tx.Next-1 < uint64(p.sales) || tx.Next-1 > uint64(p.sales)+1 {
		t.Errorf("%d sales, told were %d", tx.Next-1, p.sales)
	}
	if rd.Next-1 < uint64(p.reads) || rd.Next-1 > uint64(p.reads)+1 || rd.Acked < p.acked {
		t.Errorf("readings %+v, told were %d, acknowledged %d", rd, p.reads, p.acked)
	}
	checkParts(t, s, p)
	accounts := 0
	view(t, s, func(tx counter.Tx) error {
		return tx.EachAccount(func(counter.Account) bool { accounts++; return true })
	})
	if accounts != int(tx.Next-1) {
		t.Errorf("%d accounts for %d sales", accounts, tx.Next-1)
	}
	newest := int64(0)
	for _, l := range s.Latest() {
		newest = max(newest, l.Reading.Values[0].Number.Unscaled)
	}
	if newest != int64(rd.Next-1) {
		t.Errorf("newest value is that of reading %d, last is %d", newest, rd.Next-1)
	}
	update(t, s, sale(1000))
	keep(t, s, reading("m1", 1000))
}
