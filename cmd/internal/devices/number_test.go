package devices

import "testing"

// The readers of a program that is started again count on from where no earlier run has been.
func TestInsertionsBeginBehindEarlierRuns(t *testing.T) {
	if n := sinceNow(); n < 1_700_000_000 || n > 1<<52 { // a page's numbers are exact up to 2^53
		t.Errorf("insertions begin behind %d", n)
	}
}
