//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/ebfe/scard"

	"tally/cardreader"
)

// TestCardThatWasOutForAMoment: the service called the card removed when it was used, and has seen no change since. The
// card that lies there is reported as a new insertion; otherwise nobody would ever look at it again.
func TestCardThatWasOutForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here := step{readers: []string{"A"}, states: map[string]scard.StateFlag{"A": there}, atr: []byte{0x3B}}
		quiet := step{readers: []string{"A"}, waitErr: scard.ErrTimeout}
		s := &service{steps: []step{here, quiet, here}}
		src := s.source()
		src.wentOut("A", 1)
		es := events(t, src, 4)
		want := []cardreader.Kind{arrived, inserted, removed, inserted}
		if !slices.Equal(kinds(es), want) || es[1].Insertion == es[3].Insertion {
			t.Errorf("events %v, want %v", es, want)
		}
	})
}

// TestCardThatIsUsedWithoutTroubleIsLeftAlone: quiet alone is no reason to report anything.
func TestCardThatIsUsedWithoutTroubleIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here := step{readers: []string{"A"}, states: map[string]scard.StateFlag{"A": there}, atr: []byte{0x3B}}
		quiet := step{readers: []string{"A"}, waitErr: scard.ErrTimeout}
		s := &service{steps: []step{here, quiet, quiet, {readers: nil}}}
		es := events(t, s.source(), 4)
		if want := []cardreader.Kind{arrived, inserted, removed, gone}; !slices.Equal(kinds(es), want) {
			t.Errorf("events %v, want %v", es, want)
		}
	})
}
