package trail

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func lines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "audit.jsonl")
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, outcome := range []string{Begun, "done"} {
		if err := Append(path, Entry{ID: "1", At: at, Who: "li", Port: "/dev/ttyUSB0", Meter: "7", What: "close_valve", Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
	}
	got := lines(t, path)
	want := `{"id":"1","at":"2026-11-21T12:00:00Z","who":"li","host":"","port":"/dev/ttyUSB0","node":false,"meter":"7","what":"close_valve","outcome":"begun"}`
	if len(got) != 2 || got[0] != want || !strings.Contains(got[1], `"outcome":"done"`) {
		t.Errorf("%q", got)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestTornLine: what a power cut left of a line does not swallow the next one.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte(`{"id":"0","outc`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Append(path, Entry{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	var e Entry
	if got := lines(t, path); len(got) != 2 || json.Unmarshal([]byte(got[1]), &e) != nil || e.ID != "1" {
		t.Errorf("%q", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := Append(path, Entry{ID: "1"}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, l := range lines(t, path) {
		var e Entry
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			t.Errorf("%q: %v", l, err)
		}
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	if err := Append(dir, Entry{}); err == nil {
		t.Error("wrote into a folder")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Append(filepath.Join(file, "audit.jsonl"), Entry{}); err == nil {
		t.Error("wrote below a file")
	}
}
