package storage

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDiskCountsWhatLiesInTheFolder(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Ballast: -1, Free: func(string) (uint64, error) { return 1 << 30, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, before, err := s.Disk()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "readings", "more"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	free, after, err := s.Disk()
	if err != nil {
		t.Fatal(err)
	}
	if free != 1<<30 || after != before+4096 || before == 0 {
		t.Errorf("free %d, used %d then %d", free, before, after)
	}
}
