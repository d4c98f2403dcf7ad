package counter_test

import (
	"testing"

	"tally/cardreader/cardsim"
)

// A layout without a check over all of its bytes cannot tell that a reading came with a wrong byte. What is planned by such
// a reading is not written, and must not stay in doubt: no card would ever prove that it was not.
func TestAMisreadCardDoesNotStayInDoubt(t *testing.T) {
	seen := newVerdicts()
	for _, d := range deeds {
		if d.name != "retire" && d.name != "meter change" {
			continue
		}
		for at := 1; at <= 3; at++ { // the commands by which the card is read
			for i := range 2 * len(comebacks) {
				seen.turn(1)
				point(t, layout{"LOADCPU v1", "fen"}, d, at, cardsim.OneByteWrong, comebacks[i/2], i%2 == 1, seen)
			}
		}
	}
}
