package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMetersAreInTheUtilitysTime: utc_offset is that of the meters' clocks, too; none is UTC+8.
func TestMetersAreInTheUtilitysTime(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "good", "meters-watched.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]time.Duration{`"-03:30"`: -210 * time.Minute, `"+00:00"`: 0, `"+08:00"`: 8 * time.Hour} {
		n, err := parseNode("n.toml", []byte(strings.Replace(string(text), `"-03:30"`, said, 1)), Options{Known: known})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range n.Lines {
			for _, m := range l.Meters {
				got := 8 * time.Hour
				if m.Zone != nil {
					_, s := time.Date(2026, 11, 21, 0, 0, 0, 0, m.Zone).Zone()
					got = time.Duration(s) * time.Second
				}
				if got != want {
					t.Errorf("%s: meter %s is in UTC%+v", said, m.ID, got)
				}
			}
		}
	}
}
