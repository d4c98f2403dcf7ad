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
	Reader string // empty where the driver that reports does not know it
	Err    error  // may be nil
}

// Error says operation, reader, code and cause. It never holds command bytes: a command may carry a secret code.
func (e *Error) Error() string {
	s := e.Op + ": " + e.Code
	if e.Reader != "" {
		s = fmt.Sprintf("%s on reader %q: %s", e.Op, e.Reader, e.Code)
	}
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

// Codes that adapters and chip drivers report. The set is closed: whoever shows errors to people has a sentence for
// each.
const (
	CodeCardRemoved   = "card_removed"
	CodeReaderGone    = "reader_gone"
	CodeCardMute      = "card_mute"              // no answer to reset: turned wrong way, or a reader without memory-card support
	CodeCardReset     = "card_reset"             // another program reset the card
	CodeCardBusy      = "card_busy"              // another program, or another connection of this one, holds the card
	CodeCardFault     = "card_fault"             // the exchange with the card broke down
	CodeNoService     = "no_service"             // pcscd or the Windows smart-card service is not there
	CodeNoPCSC        = "no_pcsc_support"        // this build has no PC/SC
	CodeTimeout       = "timeout"                // the watchdog ended an exchange
	CodeCanceled      = "canceled"               // the caller gave up before anything was sent
	CodeShortAnswer   = "short_answer"           // fewer than two bytes came back: the card was pulled
	CodeBadAnswer     = "bad_answer"             // an answer that the command cannot have, such as a refusal or a wrong length
	CodeBadCommand    = "bad_command"            // the caller's mistake: not an APDU, or an address outside the chip
	CodeNested        = "nested_exclusive"       // the caller's mistake: Do within Do
	CodeDead          = "connection_dead"        // an earlier error ended this connection: close, open again, identify
	CodeDriverFault   = "driver_fault"           // the PC/SC library panicked
	CodeDenied        = "access_denied"          // the service does not let this user in (polkit, Windows rights)
	CodeNoMemoryCards = "reader_no_memory_cards" // the reader does not know the memory-card commands
	CodeNotSupported  = "not_supported"

	CodePSCPresented = "psc_already_presented"  // once an insertion: take the card out and insert it again
	CodePSCFactory   = "psc_factory_code"       // the configured code is the factory's, the card is an issued one
	CodePSCLastTry   = "psc_last_try"           // at most one try left: presenting could lock the card for ever
	CodePSCWrong     = "psc_wrong"              // the chip refused the code: not our card, or a wrong configuration
	CodePSCUnproven  = "psc_unproven"           // the reader's answer and the error counter do not agree
	CodePSCBlind     = "psc_counter_unreadable" // the reader cannot show how many tries are left: not presented
	CodeCardLocked   = "card_locked"            // no try left: read-only for ever
	CodeNoCodeChange = "code_not_changeable"    // this reader, or these keys, cannot give a card its own code: no card is made here
	CodeErasuresUsed = "erasures_used_up"       // the chip's counter allows no further erasure of the zone: replace the card
	CodeNotErased    = "zone_not_erased"        // carried out, and the zone still holds something: a wrong key or a worn chip
	CodeKeys         = "keys_unavailable"       // the security module or key file gave no answer; the card was not asked
	CodeNotUnlocked  = "card_not_unlocked"      // the caller's mistake: a write before Unlock
)
