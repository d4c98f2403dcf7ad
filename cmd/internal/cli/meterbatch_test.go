package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/cmd/internal/cli/metercsv"
)

func list(t testing.TB) metercsv.Sheet {
	t.Helper()
	s, err := metercsv.Parse("m.csv", []byte("meter\n1\n2\n3\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func kept(t testing.TB, s metercsv.Sheet, rows ...string) string {
	t.Helper()
	head, err := json.Marshal(partHead{partVersion, s.Hash})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(append([]string{string(head)}, rows...), "\n") + "\n"
}

const (
	readRow   = `{"line":2,"meter":"1","ok":true,"reading":{"meter":"1","values":[]}}`
	failedRow = `{"line":3,"meter":"2","ok":false,"code":"silent","reason":"x"}`
)

// TestPartOfABatch: what was kept is believed only as far as it is whole and of this list.
func TestPartOfABatch(t *testing.T) {
	s := list(t)
	whole := kept(t, s, readRow, failedRow)
	for name, tt := range map[string]struct {
		text string
		done int
		bad  string
	}{
		"whole":         {whole, 2, ""},
		"torn":          {whole[:len(whole)-5], 1, ""},
		"nothing yet":   {kept(t, s), 0, ""},
		"empty":         {"", 0, ""},
		"no head":       {readRow + "\n", 0, "is not what a batch keeps"},
		"other list":    {strings.Replace(whole, s.Hash, "00", 1), 0, "is of another list"},
		"newer":         {strings.Replace(whole, `"version":1`, `"version":2`, 1), 0, "is not what a batch keeps"},
		"damaged":       {kept(t, s, "{", readRow), 0, "line 2 is damaged"},
		"another meter": {kept(t, s, strings.Replace(readRow, `"1"`, `"9"`, 1)), 0, "line 2 does not fit the list"},
		"another row":   {kept(t, s, strings.Replace(readRow, `"line":2`, `"line":7`, 1)), 0, "line 2 does not fit the list"},
		"ok without":    {kept(t, s, `{"line":2,"meter":"1","ok":true}`), 0, "line 2 does not fit the list"},
	} {
		done, err := parsePart([]byte(tt.text), s)
		if tt.bad != "" {
			if err == nil || !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("%s: %v, want %s", name, err, tt.bad)
			}
		} else if err != nil || len(done) != tt.done {
			t.Errorf("%s: %d rows, %v", name, len(done), err)
		}
	}
}

func FuzzParsePart(f *testing.F) {
	s := list(f)
	f.Add([]byte(kept(f, s, readRow, failedRow)))
	f.Add([]byte(kept(f, s, "{")))
	f.Add([]byte("{}\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		done, err := parsePart(b, s)
		if err != nil {
			return
		}
		for line, r := range done {
			if line < 2 || line > 4 || r.OK == (r.Reading == nil) {
				t.Fatalf("took %+v", r)
			}
		}
	})
}

// TestReplaceFile: there is the old file or the new one, and nothing else.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "report.csv")
	for _, text := range []string{"old", "new"} {
		if err := replaceFile(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "taken.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(filepath.Join(dir, "taken.csv"), []byte("x")); err == nil {
		t.Error("replaced a folder")
	}
	if err := replaceFile(filepath.Join(dir, "nowhere", "x"), nil); err == nil {
		t.Error("wrote into a folder that is not there")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
