package storage_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// TestADiskThatTakesNoWritesRefusesSalesInTime: after the first commit that fails a sale is refused before it is begun,
// readings are refused one by one, and when the disk takes writes again everything goes on, without a gap.
func TestADiskThatTakesNoWritesRefusesSalesInTime(t *testing.T) {
	for _, c := range []struct {
		cause error
		word  bool
	}{{syscall.EROFS, true}, {syscall.EIO, false}} {
		t.Run(c.cause.Error(), func(t *testing.T) {
			dir := t.TempDir()
			faults := storagetest.NewFaults()
			s := storagetest.Open(t, dir, storage.Options{Hooks: faults.Hooks()})
			update(t, s, sale(1))
			fill(t, s, 1, 3)
			faults.Fail("", "", 0, c.cause)
			wantErr(t, s.Update(t.Context(), sale(2)), c.cause)
			for range 2 {
				for _, err := range []error{s.Room(t.Context()), s.Update(t.Context(), sale(2)), s.Keep(t.Context(), reading("m1", 4))} {
					wantErr(t, err, counter.ErrStore)
					wantErr(t, err, c.cause)
					if errors.Is(err, storage.ErrReadOnly) != c.word {
						t.Errorf("word %v: %v", c.word, err)
					}
				}
			}
			wantSales(t, s, 1)
			faults.Clear()
			if err := s.Room(t.Context()); err != nil {
				t.Errorf("room when the cause has gone: %v", err)
			}
			if isThere(filepath.Join(dir, "trial.new")) {
				t.Error("the trial is left")
			}
			update(t, s, sale(2))
			fill(t, s, 4, 6)
			wantSales(t, s, 1, 2)
			if st := state(s, contract.Rd); st.Next != 7 {
				t.Errorf("readings %+v", st)
			}
		})
	}
}

func TestWhatACutLeftOfATrialIsRemoved(t *testing.T) {
	dir := t.TempDir()
	trial := filepath.Join(dir, "trial.new")
	if err := os.WriteFile(trial, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	storagetest.Open(t, dir, storage.Options{})
	if isThere(trial) {
		t.Error("it is still there")
	}
}
