package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/contract"
)

func TestSQLiteStore(t *testing.T) {
	centraltest.RunStore(t, func(t *testing.T) centraltest.Subject {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "central.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return centraltest.Subject{Store: s, DB: s.DB()}
	})
}

func TestOpenedAgainItGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b&c#d.db")
	f := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(4, 1000, 300)
	for _, from := range []uint64{1, 3} {
		s, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Commit(t.Context(), []central.Batch{f.Batch(t, from, 2)}, centraltest.Start)
		if err != nil || r[0].Ack.Ack != from+1 {
			t.Error(r, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "central.db")
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB().Exec("INSERT INTO version (n) VALUES (99)"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if s, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "layout 99") {
		t.Errorf("%v %v", s, err)
	}
}

// Promise 12: what is acknowledged survives a power cut, so a commit must have been synced.
func TestPromise12CommitsAreSynced(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "central.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 3 { // whatever connection of the pool is asked
		var mode string
		var sync int
		if err := s.DB().QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
			t.Errorf("journal_mode %s %v", mode, err)
		}
		if err := s.DB().QueryRow("PRAGMA synchronous").Scan(&sync); err != nil || sync != 2 {
			t.Errorf("synchronous %d %v, want 2 (FULL)", sync, err)
		}
	}
}
