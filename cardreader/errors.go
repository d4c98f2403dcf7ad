package cardreader

import (
	"errors"
	"fmt"
)

// What an error of a reader or card proves, to be tested with errors.Is.
var (
	// ErrOutcomeUnknown: the command may have been carried out. Only reading the card tells.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrNotSent: nothing reached the card.
	ErrNotSent = errors.New("nothing was sent to the card")
	// ErrNoCard: the card meant is not in the reader any more. Matches ErrNotSent too when it comes from an Error.
	ErrNoCard = errors.New("card is not in the reader")
)

// Class tells a caller what to do about an error. The zero Class is Unknown, the one that assumes least.
type Class int

// Classes of errors.
const (
	Unknown   Class = iota // outcome unknown: read the card again before anything else
	Retry                  // nothing happened and it may work later (service restarting, another program has the card)
	Operator               // a person must act (insert the card, plug the reader in, turn the card)
	Permanent              // will not work with this reader, card or installation
)

// String names the class for logs and JSON.
func (c Class) String() string {
	return [...]string{"outcome_unknown", "retry", "operator", "permanent"}[min(max(c, 0), Permanent)]
}

// Error is what an adapter reports: one row of its error table. Code is a stable word that the clerk's page has a
// sentence for in every language; Err keeps the technical cause for the log.
type Error struct {
	Class  Class
	Code   string // stable, snake_case: card_removed, reader_gone, card_mute, no_service, reader_no_memory_cards …
	Op     string // what was tried: "transmit", "open"
	Reader string
	Err    error // may be nil
}

// Error says operation, reader, code and cause. It never holds command bytes: a command may carry a secret code.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s on reader %q: %s", e.Op, e.Reader, e.Code)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the technical cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes the class matchable: Unknown is ErrOutcomeUnknown, every other class is ErrNotSent, and the code
// card_removed of a sent-nothing error is ErrNoCard.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutcomeUnknown:
		return e.Class == Unknown
	case ErrNotSent:
		return e.Class != Unknown
	case ErrNoCard:
		return e.Class != Unknown && e.Code == CodeCardRemoved
	}
	return false
}

// Codes that more than one adapter or driver reports.
const (
	CodeCardRemoved   = "card_removed"
	CodeReaderGone    = "reader_gone"
	CodeCardMute      = "card_mute"              // no answer to reset: turned wrong way, or a reader without memory-card support
	CodeCardReset     = "card_reset"             // another program reset the card
	CodeCardBusy      = "card_busy"              // another program holds the card
	CodeNoService     = "no_service"             // pcscd or the Windows smart-card service is not there
	CodeNoPCSC        = "no_pcsc_support"        // this build has no PC/SC
	CodeTimeout       = "timeout"                // the watchdog ended an exchange
	CodeShortAnswer   = "short_answer"           // fewer than two bytes came back: the card was pulled
	CodeNoMemoryCards = "reader_no_memory_cards" // the reader does not know the memory-card commands
	CodeNotSupported  = "not_supported"
)
