package counter

import (
	"errors"
	"fmt"
)

// Refusal is an answer that a clerk can act on: a stable code, for which package phrase has a message and a hint in each
// language, and the figures in it. Operators see the cause in the log, users do not.
type Refusal struct {
	Code  string            `json:"code"`
	Args  map[string]string `json:"args,omitempty"`
	Cause error             `json:"-"`
}

// Error is for logs.
func (r *Refusal) Error() string {
	if r.Cause != nil {
		return fmt.Sprintf("refused: %s: %v", r.Code, r.Cause)
	}
	return "refused: " + r.Code
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// Codes of refusals. Those of package cardreader (card_removed, reader_gone, …) are used as they are.
const (
	CodeNotSwiped     = "not_swiped"   // the meter has not taken the last order yet
	CodeLocked        = "locked"       // sale lock 停售
	CodeUnknownCard   = "unknown_card" // no account has this card
	CodeOtherRegion   = "other_region"
	CodeCardChanged   = "card_changed"  // another card lies on the reader than the one shown
	CodeQuoteChanged  = "quote_changed" // amount or volume is not what was agreed
	CodeBadAmount     = "bad_amount"    // not a positive multiple of the card's unit, or both or none given
	CodeTooLittle     = "too_little"    // the money does not buy one unit
	CodeOverLimit     = "over_limit"    // limit per purchase
	CodeOverPeriod    = "over_period"   // limit per period
	CodeOverHoard     = "over_hoard"    // meter's ceiling would be passed
	CodeNoTariff      = "no_tariff"
	CodeNoRoom        = "no_room"
	CodeStore         = "store"
	CodeInDoubt       = "in_doubt" // this card has an order in doubt; resolve it first
	CodeQuarantine    = "quarantine"
	CodeOpenElsewhere = "in_doubt_elsewhere" // this customer has an order in doubt at another counter
	CodeHandedOver    = "handed_over"        // another counter may write the order: its money is not given back meanwhile
	CodeWriteUnknown  = "write_unknown"      // the sale just made is in doubt: put the same card back
	CodeNotWritten    = "not_written"        // proven: nothing is on the card
	CodeDamaged       = "card_damaged"
	CodeCardBehind    = "card_behind"  // the card carries an older order than the ledger knows
	CodeCardAhead     = "card_ahead"   // the card carries a write that the ledger does not know
	CodeLogin         = "login"        // wrong name or password; never says which
	CodeLoginPaused   = "login_paused" // too many wrong logins
	CodeNoSession     = "no_session"
	CodeForbidden     = "forbidden"
	CodeRequestReused = "request_reused" // same request id, other content
	CodeNotFound      = "not_found"
	CodeInternal      = "internal"
	CodeBusy          = "busy"          // the desk is doing something else
	CodeBadRequest    = "bad_request"   // request id missing or malformed
	CodeNotUserCard   = "not_user_card" // a check, clear, parameter or tool card
	CodeOtherMeter    = "other_meter"   // the card is bound to another meter than the customer's
	CodeCardNeeded    = "card_needed"   // put the card of this order on a reader first
	CodeNotStored     = "not_stored"    // the card is written, but the ledger could not store it yet; it is tried again
	CodeAlreadyDone   = "already_done"  // the order is on the card; it cannot be voided
	CodeOwnRequest    = "own_request"   // nobody approves what they asked for themselves
	CodeCardReplaced  = "card_replaced" // an old card of this customer; another one was issued since
	CodeRefunded      = "already_refunded"
	CodeSwiped        = "already_swiped"  // the meter has taken the order
	CodeNotLast       = "not_last"        // the order is not the newest on this card
	CodeNoProof       = "no_proof"        // the card does not prove what the operation needs
	CodeReasonNeeded  = "reason_needed"   // a written reason of at most MaxReason letters
	CodeStalePrices   = "stale_prices"    // the price tables were not confirmed for too long
	CodeStaleAccounts = "stale_accounts"  // what other counters did was not confirmed for too long
	CodeStaleLocks    = "stale_locks"     // the lock list was not confirmed for too long
	CodeArrears       = "arrears"         // the customer owes money
	CodeCardLost      = "card_lost"       // reported lost 挂失
	CodeCardOff       = "card_off"        // half made, or retired
	CodeBlank         = "card_blank"      // never issued
	CodeBlankNeeded   = "blank_needed"    // only a card that is not in use can become a new one
	CodeHasCard       = "has_card"        // the customer has a card; it is replaced, not issued
	CodeNoCard        = "no_card"         // the customer has no card
	CodeCardTaken     = "card_taken"      // the card number belongs to somebody
	CodeCardNumber    = "card_number"     // a card number is needed, with so many digits
	CodeIssuesUsed    = "issues_used_up"  // the card number was issued as often as it can be
	CodeSayApproved   = "approval_needed" // nobody but the clerk says so: a leader approves
	CodeSaySwiped     = "swiped_unknown"  // nothing shows whether the meter took the last order: it must be said
	CodeBadCause      = "bad_cause"       // why the card is replaced
	CodeSameMeter     = "same_meter"
	CodeBadMeter      = "bad_meter"      // no number that the card can carry
	CodeOverRemaining = "over_remaining" // more than the meter last said that it had left
	CodeNoCardPrices  = "no_card_prices" // the price table does not fit on a card, or the card carries none
	CodePricesThere   = "prices_there"   // the card has the prices of today already
	CodeBegun         = "begun"          // half of it is done; it can only be finished
	CodeNotReplaced   = "not_replaced"   // cards of this layout cannot be replaced
	CodeBadUses       = "bad_uses"
	CodeBadKind       = "bad_kind"
)

// AsRefusal finds the Refusal in err, or makes one of code internal that keeps err as its cause. nil stays nil.
func AsRefusal(err error) *Refusal {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	return &Refusal{Code: CodeInternal, Cause: err}
}
