//go:build unix

package sqlite_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/contract"
)

// TestNobodyElseReadsTheDatabase: it holds what customers bought. Whatever the umask, nobody but its owner reads the file or
// those that SQLite makes beside it.
func TestNobodyElseReadsTheDatabase(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "central.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	feed := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(1, 1, 1)
	if _, err := s.Commit(t.Context(), []central.Batch{feed.Batch(t, 1, 1)}, centraltest.Start); err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", d.Name(), info.Mode())
		}
		return err
	})
	if err != nil || files < 2 {
		t.Error(files, err)
	}
}
