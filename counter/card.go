package counter

import (
	"context"

	"tally/cardreader"
	"tally/cardreader/purse"
)

// Purse is the card on a reader as the counter uses it; package purse has the one for memory cards. An error matching
// cardreader.ErrOutcomeUnknown means that the Purse is dead and the card must be opened and read again before anything
// is concluded.
type Purse interface {
	// Read reads and decodes the whole card.
	Read(ctx context.Context) (purse.State, error)
	// Plan works out the bytes of an order against a state that was just read. It touches no card.
	Plan(st purse.State, o purse.Order) (purse.Plan, error)
	// Write writes the plan step by step, reading each back. A nil error proves that the order is on the card,
	// valid. Any other error proves nothing, unless it matches cardreader.ErrNotSent.
	Write(ctx context.Context, p purse.Plan) error
	// Close ends the connection. It may be called twice.
	Close() error
}

// Opener opens the card of an insertion and finds the chip driver and the profile for it. It remembers by insertion
// whether a secret code was presented. An unknown card is an error of class Permanent with a code that says how far it
// was identified.
type Opener func(ctx context.Context, reader string, ins cardreader.Insertion) (Purse, error)
