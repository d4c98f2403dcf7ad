//go:build nopcsc || !(windows || (cgo && (linux || darwin)))

package pcsc

import (
	"context"
	"errors"

	"tally/cardreader"
)

// Source is the stub of a build without PC/SC.
type Source struct{}

var errStub = errors.New("this program was built without PC/SC support; use a build with cgo and libpcsclite to drive card readers")

func stubError(op string) error {
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNoPCSC, Op: op, Err: errStub}
}

// New makes a Source that can do nothing.
func New(Options) *Source { return &Source{} }

// Run returns the error that there is no PC/SC in this build.
func (*Source) Run(context.Context, func(cardreader.Event)) error { return stubError("watch readers") }

// Open returns the error that there is no PC/SC in this build.
func (*Source) Open(context.Context, string, cardreader.Insertion) (cardreader.Card, error) {
	return nil, stubError("open")
}

// Readers returns the error that there is no PC/SC in this build.
func Readers(context.Context) ([]Reader, error) { return nil, stubError("list readers") }
