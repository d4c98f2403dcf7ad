package storagetest

import (
	"context"
	"log/slog"
	"testing"

	"tally/storage"
)

// Open opens a store in dir, which t checks (pages, chains, numbers, indices) and closes at its end. Without a ballast
// and a logger of its own it gets none.
func Open(t testing.TB, dir string, opts storage.Options) *storage.Store {
	t.Helper()
	if opts.Ballast == 0 {
		opts.Ballast = -1
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := storage.Open(dir, opts)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() { CheckAndClose(t, s) })
	return s
}

// New opens a store in a folder of its own.
func New(t testing.TB) *storage.Store {
	t.Helper()
	return Open(t, t.TempDir(), storage.Options{Node: "n1"})
}

// CheckAndClose fails t for everything that Check finds, and closes s. A store that is closed already is left alone.
func CheckAndClose(t testing.TB, s *storage.Store) {
	t.Helper()
	if s.Closed() {
		return
	}
	rep, err := s.Check(context.Background()) // t.Context() has ended when cleanups run
	if err != nil {
		t.Errorf("check store: %v", err)
	}
	for _, f := range rep.Findings {
		t.Errorf("%s: %s", f.File, f.Text)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close store: %v", err)
	}
}
