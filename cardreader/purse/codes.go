package purse

import "tally/cardreader"

// Codes of errors that the purse itself reports, beside those of the reader. All but CodeReadback prove that nothing of
// the plan was written.
const (
	CodeBlankCard     = "card_blank"       // nothing but FF or 00: never issued
	CodeUnknownLayout = "unknown_layout"   // not a card of this profile
	CodeAmbiguous     = "ambiguous_layout" // more than one profile takes the card for its own
	CodeHeaderDamaged = "header_damaged"   // the profile's magic, but the header is not whole
	CodeWrongSize     = "wrong_size"       // the chip is smaller than the layout
	CodeCardDamaged   = "card_damaged"     // no order slot can be trusted to go on from
	CodeCardChanged   = "card_changed"     // not the card, or not the bytes, that the plan was made for
	CodeBadPlan       = "bad_plan"         // the plan would not leave the card as it says
	CodeBadQuantity   = "bad_quantity"     // a sign that does not go with the operation, or over the profile's limit
	CodeNotSwiped     = "not_swiped"       // the order on the card would be replaced before the meter took it
	CodeNotValid      = "card_not_valid"   // before or after the days that the card is valid
	CodeOverflow      = "cumulative_overflow"
	CodeNumberLocked  = "card_number_locked" // a fuse has locked the card's number, and it is another
	CodePurseNotEmpty = "purse_not_empty"    // the card's own purse holds money, which only a meter takes out
	CodeSectorKeys    = "sector_keys_fixed"  // cards of sectors get their keys from their maker: a wrong byte would lock a sector for good
	CodeOutOfRange    = "out_of_range"       // a value that its field cannot hold
	CodeReadback      = "readback_mismatch"  // what was read back is not what was written: outcome unknown
)

// refuse is an error that proves that nothing was sent.
func refuse(op, code string, err error) error {
	return &cardreader.Error{Class: cardreader.Permanent, Op: op, Code: code, Err: err}
}
