//go:build nopcsc || !(windows || (cgo && (linux || darwin)))

package pcsc

import (
	"errors"
	"testing"

	"tally/cardreader"
)

func TestStubSaysSo(t *testing.T) {
	var src cardreader.Source = New(Options{})
	_, open := src.Open(t.Context(), "A", 1)
	_, list := Readers(t.Context())
	for _, err := range []error{src.Run(t.Context(), nil), open, list} {
		var e *cardreader.Error
		if !errors.As(err, &e) || e.Code != cardreader.CodeNoPCSC || e.Class != cardreader.Permanent {
			t.Errorf("%v", err)
		}
	}
}
