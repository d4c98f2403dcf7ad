package line

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// wallClock are calls that lose the monotonic clock: a duration or deadline made of them goes wrong when somebody sets the
// node's clock. time.Unix(1, 0), a deadline that has passed for certain, is none.
var wallClock = regexp.MustCompile(`\.Unix(Nano|Milli|Micro)?\(\)|\.Round\(0\)|\.Truncate\(|time\.Unix\(0|\.UTC\(\)|\.In\(`)

// TestTrapClockSteps: nothing in here depends on the wall clock, so that it may step in the middle of an exchange.
func TestTrapClockSteps(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range strings.Split(string(text), "\n") {
			if wallClock.MatchString(row) {
				t.Errorf("%s:%d asks the wall clock: %s", f, i+1, strings.TrimSpace(row))
			}
		}
	}
}
