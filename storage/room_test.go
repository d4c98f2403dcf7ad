package storage_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
)

const mib = 1 << 20

// TestASaleIsRefusedBeforeTheDiskIsFull is promise 9: the reserve is asked for before anything is written, and it does
// not count the ballast.
func TestASaleIsRefusedBeforeTheDiskIsFull(t *testing.T) {
	var free atomic.Uint64
	free.Store(100 * mib)
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{Reserve: 4 * mib, Ballast: 2 * mib, Free: func(string) (uint64, error) { return free.Load(), nil }})
	info, err := os.Stat(filepath.Join(dir, "ballast"))
	if err != nil || info.Size() != 2*mib {
		t.Fatalf("ballast: %v", err)
	}
	for _, c := range []struct {
		free uint64
		want error
	}{{4 * mib, nil}, {4*mib - 1, counter.ErrNoRoom}, {0, counter.ErrNoRoom}, {5 * mib, nil}} {
		free.Store(c.free)
		if err := s.Room(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("with %d free: %v", c.free, err)
		}
	}
}

// TestTheBallastLetsABegunSaleEnd: the disk is full at the commit of the result. The ballast goes, the commit succeeds,
// no further sale is begun until ballast and reserve are there again.
func TestTheBallastLetsABegunSaleEnd(t *testing.T) {
	dir := t.TempDir()
	ballast := filepath.Join(dir, "ballast")
	var free atomic.Uint64
	free.Store(100 * mib)
	full := storagetest.NewFaults()
	hooks := full.Hooks()
	faults := hooks.Op
	hooks.Op = func(o storage.Op) error {
		if err := faults(o); err != nil && isThere(ballast) {
			return err // full as long as the ballast takes the room
		}
		return nil
	}
	opened := hooks.Opened
	hooks.Opened = func(path string, db any) error { return opened(path, db) }
	s := storagetest.Open(t, dir, storage.Options{Reserve: 4 * mib, Ballast: mib, Hooks: hooks,
		Logger: slog.New(slog.DiscardHandler), Free: func(string) (uint64, error) { return free.Load(), nil }})
	update(t, s, sale(1))

	full.FailOnce(storage.OpWrite, "ledger.db", 0, syscall.ENOSPC)
	free.Store(mib)
	update(t, s, sale(2))
	if isThere(ballast) {
		t.Fatal("the ballast was not released")
	}
	for _, n := range []uint64{mib, 4 * mib, 5*mib - 1} {
		free.Store(n)
		wantErr(t, s.Room(t.Context()), counter.ErrNoRoom)
	}
	full.Clear()
	free.Store(5 * mib)
	if err := s.Room(t.Context()); err != nil || !isThere(ballast) {
		t.Errorf("room after the cause has gone: %v, ballast back %v", err, isThere(ballast))
	}
	wantSales(t, s, 1, 2)
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestRoomTellsWhenItCannotKnow(t *testing.T) {
	bad := errors.New("bad")
	s := storagetest.Open(t, t.TempDir(), storage.Options{Free: func(string) (uint64, error) { return 0, bad }})
	err := s.Room(t.Context())
	wantErr(t, err, bad)
	wantErr(t, err, counter.ErrStore)
}

// TestAFullDiskForReal fills a small file system: sales go on by the ballast until nothing is left, every refused one is
// stored not at all, and after making room everything works.
func TestAFullDiskForReal(t *testing.T) {
	dir := smallDisk(t, "8m")
	s, err := storage.Open(dir, storage.Options{Reserve: mib, Ballast: mib, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer storagetest.CheckAndClose(t, s)
	plug := filepath.Join(dir, "plug")
	begun := 0
	for s.Room(t.Context()) == nil { // as the counter does before each sale
		begun++
		update(t, s, sale(begun))
		write(t, plug, string(make([]byte, begun*mib/4))) // somebody else fills the disk
	}
	wantErr(t, s.Room(t.Context()), counter.ErrNoRoom)
	fillUp(t, filepath.Join(dir, "plug2"))
	ended := begun
	for i := 0; ; i++ {
		err := s.Update(t.Context(), sale(ended+1))
		if err != nil {
			wantErr(t, err, counter.ErrStore)
			break
		}
		ended++
	}
	if ended < begun+10 {
		t.Errorf("only %d sales could end on a full disk", ended-begun)
	}
	var want []int
	for i := range ended {
		want = append(want, i+1)
	}
	wantSales(t, s, want...)
	for _, path := range []string{plug, filepath.Join(dir, "plug2")} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Room(t.Context()); err != nil {
		t.Fatal(err)
	}
	update(t, s, sale(ended+1))
	wantSales(t, s, append(want, ended+1)...)
}

// fillUp takes all that is left.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	wantErr(t, err, syscall.ENOSPC)
}

func TestUsageTellsWhatIsTaken(t *testing.T) {
	opts := small()
	opts.Ballast = mib
	opts.Free = func(string) (uint64, error) { return 77 * mib, nil }
	s := storagetest.Open(t, t.TempDir(), opts)
	fill(t, s, 1, 200)
	u, err := s.Usage()
	if err != nil || u.Free != 77*mib || !u.Ballast || u.Ledger < 4096 || u.Readings < 40<<10 || u.Segments < 2 {
		t.Errorf("%+v %v", u, err)
	}
}
