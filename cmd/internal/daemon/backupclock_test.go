package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tally/cmd/internal/config"
	"tally/storage"
	"tally/storage/storagetest"
)

// TestABackupIsNotThrownAwayForItsClock: without a battery the clock stands at 1970 after a cut, and a backup of then looks
// like the oldest of all. What was just made and told of stays.
func TestABackupIsNotThrownAwayForItsClock(t *testing.T) {
	dir := t.TempDir()
	store := storagetest.Open(t, filepath.Join(dir, "data"), storage.Options{Node: "n"})
	b := newBackups(store, config.Node{Name: "n", DataDir: dir, Backup: config.Backup{Dir: filepath.Join(dir, "b"), Keep: 2}}, quiet)
	at := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	b.now = func() time.Time { return at }
	for range 2 {
		if _, _, err := b.make(t.Context(), backupByHand); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Hour)
	}
	at = time.Unix(600, 0)
	made, _, err := b.make(t.Context(), backupByHand)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(made); err != nil || len(b.names()) != 2 {
		t.Errorf("%v; there are %v", err, b.names())
	}
}
