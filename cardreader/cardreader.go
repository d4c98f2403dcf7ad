package cardreader

import "context"

// Kind says what happened at a reader.
type Kind int

// Events of a reader. A reader that disappears with a card in it sends CardRemoved, then ReaderGone.
const (
	ReaderArrived Kind = iota + 1 // the reader can be used; no card seen yet
	ReaderGone                    // unplugged, or the smart-card service stopped
	CardInserted                  // a card that answered to reset, or a mute one (Event.ATR empty)
	CardRemoved
)

// String names the event for logs.
func (k Kind) String() string {
	switch k {
	case ReaderArrived:
		return "reader arrived"
	case ReaderGone:
		return "reader gone"
	case CardInserted:
		return "card inserted"
	case CardRemoved:
		return "card removed"
	}
	return "unknown event"
}

// Insertion numbers the insertions that a Source has seen, over all its readers, above 0 and rising. Two cards, or the same card
// twice, never share a number within one process, however quick the swap.
type Insertion uint64

// Event is one change at one reader. Events of one reader arrive in order.
type Event struct {
	Kind      Kind
	Reader    string    // the name that the reader has in this Source; hostile text, print quoted
	Insertion Insertion // set for CardInserted and CardRemoved
	ATR       []byte    // answer to reset, ≤ 33 bytes (ISO 7816-3); empty for a mute card
}

// Length of a short command APDU (ISO 7816-4 §5.1).
const (
	MinCommand = 4
	MaxCommand = 261
)

// Source watches readers and opens the cards in them.
type Source interface {
	// Run watches until ctx ends and then returns nil; it returns an error only when watching is impossible for good.
	// A stopped service, a lost or renamed reader and no reader at all are not errors: Run reports ReaderGone and waits
	// for what comes back. emit is called from one goroutine, must not block for long, and is not called after Run
	// has returned. Readers and cards already there when Run starts are reported as arrivals and insertions.
	Run(ctx context.Context, emit func(Event)) error

	// Open connects to the card of that insertion. It returns an error matching ErrNoCard when that card has gone,
	// also when another one lies in the reader by now. At most one Card of an insertion is open at a time. The
	// caller closes the Card.
	Open(ctx context.Context, reader string, ins Insertion) (Card, error)
}

// Card is the connection to one inserted card. Its methods may be called from one goroutine at a time.
type Card interface {
	// Transmit sends one command APDU (4–261 bytes) and returns the response, never shorter than the two status bytes.
	// A nil error proves that these bytes came back from the reader, not that the card did what they say.
	// An error matching ErrNotSent proves that nothing reached the card. Any other error means that the outcome is
	// unknown; the Card is then dead: every further Transmit returns ErrNotSent, and the caller closes it, opens the
	// insertion again and identifies the card before another byte. Transmit never retries by itself.
	// The context bounds the wait, not the card: when it ends first the outcome is unknown.
	Transmit(ctx context.Context, command []byte) (response []byte, err error)

	// Do runs f while no other program can talk to the card. It must not be nested, and never held while a person
	// thinks (Windows resets a card after 5 s of an idle transaction). An error from f is returned as it is; an
	// error to begin matches ErrNotSent.
	Do(ctx context.Context, f func() error) error

	// ATR is the answer to reset, empty for a mute card. The caller must not change it.
	ATR() []byte

	// Close ends the connection and powers the card down, which forgets a presented secret code. It may be called
	// twice. It does not wait for an exchange that hangs.
	Close() error
}
