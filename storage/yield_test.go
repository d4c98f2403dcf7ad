package storage_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// TestOnAFullDiskTheOldestReadingsGoFirstAndAreCounted: for real, on a small disk. Ten times more readings come than fit;
// every Keep succeeds, each lost one is in exactly one alarm, the others are all there, and a sale still has its room.
func TestOnAFullDiskTheOldestReadingsGoFirstAndAreCounted(t *testing.T) {
	dir := smallDisk(t, "10m")
	s, err := storage.Open(dir, storage.Options{Reserve: 2 * mib, Ballast: mib, SegmentBytes: 400 << 10, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer storagetest.CheckAndClose(t, s)
	const total = 6000
	big := reading("m1", 1)
	big.Raw = make([]byte, 512)
	for range total {
		keep(t, s, big)
	}
	next := uint64(1)
	for _, lost := range alarms(t, s) {
		if lost.First != next || lost.Why != storage.LostDiskFull {
			t.Fatalf("alarm %+v, expected from %d on", lost, next)
		}
		next = lost.Last + 1
	}
	if next < 1000 {
		t.Fatalf("only %d readings were lost, the disk was not full", next-1)
	}
	if got := state(s, contract.Rd); got.First != next || got.Acked != next-1 || got.Next != total+1 {
		t.Errorf("state %+v, lost were %d", got, next-1)
	}
	if n := len(ids(t, s, contract.Rd, next)); n != int(total-next+1) {
		t.Errorf("%d readings left, %d lost of %d", n, next-1, total)
	}
	if err := s.Room(t.Context()); err != nil {
		t.Errorf("readings took the room of sales: %v", err)
	}
	update(t, s, sale(1))
}

func TestReadingsAreRefusedBeforeTheyTakeTheLastRoom(t *testing.T) {
	var free atomic.Uint64
	free.Store(100 * mib)
	s := storagetest.Open(t, t.TempDir(), storage.Options{Reserve: 4 * mib, Free: func(string) (uint64, error) { return free.Load(), nil }})
	fill(t, s, 1, 3)
	free.Store(2 * mib)
	fill(t, s, 4, 4)
	free.Store(2*mib - 1)
	wantErr(t, s.Keep(t.Context(), reading("m1", 5)), counter.ErrNoRoom)
	free.Store(100 * mib)
	fill(t, s, 5, 5)
	if got := state(s, contract.Rd); got.Next != 6 || len(alarms(t, s)) != 0 {
		t.Errorf("state %+v", got)
	}
}

// TestReadingsGoOnWhenSomebodyElseFilledTheDisk: no room at all for a commit, older segments are there to be given up.
func TestReadingsGoOnWhenSomebodyElseFilledTheDisk(t *testing.T) {
	dir := smallDisk(t, "12m")
	s, err := storage.Open(dir, storage.Options{Reserve: 1, Ballast: -1, SegmentBytes: 400 << 10, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer storagetest.CheckAndClose(t, s)
	fill(t, s, 1, 3000)
	if n := len(segments(t, dir, "*.db")); n < 3 {
		t.Fatalf("%d segments", n)
	}
	plug := filepath.Join(dir, "plug")
	fillUp(t, plug)
	fill(t, s, 3001, 3500)
	lost := alarms(t, s)
	if len(lost) == 0 || lost[0].First != 1 || lost[0].Why != storage.LostDiskFull {
		t.Errorf("alarms %+v", lost)
	}
	if err := os.Remove(plug); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 3501, 3510)
	if got := state(s, contract.Rd); got.Next != 3511 {
		t.Errorf("state %+v", got)
	}
}
