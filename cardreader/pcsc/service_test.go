//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"testing"
	"testing/synctest"

	"github.com/ebfe/scard"

	"tally/cardreader"
)

// Who asked is told once that the service is lost, with the code of why, and once that it is back.
func TestServiceIsTold(t *testing.T) {
	a := step{readers: []string{"A"}, states: map[string]scard.StateFlag{"A": there}, atr: []byte{0x3B}}
	lost := step{readers: []string{"A"}, waitErr: scard.ErrServiceStopped}
	synctest.Test(t, func(t *testing.T) {
		var told []error
		src := (&service{steps: []step{a, lost, a}}).source()
		src.opt.Service = func(err error) { told = append(told, err) }
		events(t, src, 6)
		if len(told) != 2 || told[1] != nil {
			t.Fatalf("told %v", told)
		}
		want(t, told[0], cardreader.Retry, cardreader.CodeNoService)
	})
}
