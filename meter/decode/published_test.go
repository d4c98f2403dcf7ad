package decode

import (
	"os"
	"strings"
	"testing"
)

// TestPublishedFrames: what real meters sent, found without being told the protocol.
func TestPublishedFrames(t *testing.T) {
	text, err := os.ReadFile("testdata/published.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		frame, want, ok := strings.Cut(line, " |")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		r, _ := Text(frame, Options{})
		if r.OK() == strings.Contains(want, "!") {
			t.Errorf("%s: %s", frame, summary(r))
		}
		said := strings.Fields(summary(r))
		for _, value := range strings.Fields(want) {
			if !contains(said, value) {
				t.Errorf("%s: %s, want %s", frame, summary(r), value)
			}
		}
	}
	if n < 33 {
		t.Errorf("%d frames", n)
	}
}

func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}
