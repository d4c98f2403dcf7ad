//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import "testing"

// A Source of a later run goes on behind the numbers of the one before: a request that was left open on a page cannot
// meet another card under the number of the one that it was about.
func TestInsertionsGoOnBehindAnEarlierRun(t *testing.T) {
	first := New(Options{})
	if n := first.inserted("A", 1, nil); n != 1 {
		t.Errorf("first insertion %d", n)
	}
	again := New(Options{After: 41})
	if n := again.inserted("A", 1, nil); n != 42 {
		t.Errorf("after 41 comes %d", n)
	}
}
