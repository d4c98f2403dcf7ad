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

// Maker is a Purse that also makes, changes and retires cards. Its plans are written by Purse.Write.
type Maker interface {
	// Survey reads the whole card, also one that is not in use; see purse.Survey. With an error the state may still have
	// the image, of a card that says nothing by itself.
	Survey(ctx context.Context) (purse.State, error)
	// Remake plans a card: a new one of one that is not in use, or the same one anew.
	Remake(st purse.State, c purse.NewCard) (purse.Plan, error)
	// Renumber is how cards of this layout are told apart when one replaces another: RenumberNever and so on.
	Renumber() string
	// Change plans the rest of a making that was cut, a price table, or taking the card out of use.
	Change(st purse.State, c purse.Change) (purse.Plan, error)
}

// Opener opens the card of an insertion and finds the chip driver and the profile for it. It remembers by insertion
// whether a secret code was presented. An unknown card is an error of class Permanent with a code that says how far it
// was identified.
type Opener func(ctx context.Context, reader string, ins cardreader.Insertion) (Purse, error)
