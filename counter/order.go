package counter

import (
	"time"

	"tally/cardreader/purse"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// OrderState is how far one card write is. An order is never deleted.
type OrderState string

// States of an order. Intended and InDoubt are open: the card has the last word.
const (
	Intended    OrderState = "intended"    // money and both images are on disk; the card may be being written
	InDoubt     OrderState = "in_doubt"    // the write ended without proof
	Done        OrderState = "done"        // read back from the card
	Void        OrderState = "void"        // the card proved that nothing was written, and the clerk gave the money back
	Quarantined OrderState = "quarantined" // the card fits neither before nor after; a leader decides
)

// Open reports whether the order's money is still without an end.
func (s OrderState) Open() bool { return s == Intended || s == InDoubt || s == Quarantined }

// Order is one journaled card write with its money: the sale journal. A refund has a negative volume, amount and lines, a
// make-up a volume and no amount.
type Order struct {
	ID       string          `json:"id"`      // time-ordered, unique over all nodes
	Request  string          `json:"request"` // the page's request id: the same request is the same order
	Content  string          `json:"content"` // digest of what was asked: another content under the same request is refused
	Op       purse.Op        `json:"op"`
	State    OrderState      `json:"state"`
	Account  string          `json:"account"`
	Card     purse.CardID    `json:"card"`
	Meter    string          `json:"meter"`
	Operator string          `json:"operator"`
	Station  string          `json:"station"`
	IntentAt time.Time       `json:"intent_at"`
	EndAt    time.Time       `json:"end_at"`
	Period   string          `json:"period_start"` // tier period that Volume was counted in
	Unit     purse.Unit      `json:"unit"`         // what the card counts in
	Volume   quantity.Volume `json:"volume_l"`
	Amount   quantity.Money  `json:"amount_fen"`
	Lines    []tariff.Line   `json:"lines"`
	Table    int             `json:"table_version"`
	Receipt  uint64          `json:"receipt"` // number from the station's stock, 0 until Done
	Copies   int             `json:"copies"`  // reprints so far
	Plan     purse.Plan      `json:"plan"`
	Price    quantity.Price  `json:"card_price"` // as written on the card: of the last line
	Tier     uint8           `json:"card_tier"`
	Doubted  bool            `json:"doubted"`   // was in doubt at some time
	Why      string          `json:"why"`       // stable code of what went wrong, empty when nothing did
	ClosedBy string          `json:"closed_by"` // operator who voided, retried or decided it
	Reason   string          `json:"reason"`    // as the person who asked or decided wrote it, where one is asked for

	// Qty is what goes on the card, in its own unit; 0 in orders from before it was stored.
	Qty purse.Amount `json:"qty,omitempty"`

	Water bool `json:"water,omitempty"` // of a customer who buys water, not gas

	// Of a card that is made, changed or retired:
	Cause    string       `json:"cause,omitempty"`     // why a card is replaced, a stable word
	OldCard  purse.CardID `json:"old_card,omitzero"`   // the card that is dead afterwards
	OldIssue uint8        `json:"old_issue,omitempty"` // and its issue count
	OldMeter string       `json:"old_meter,omitempty"` // the meter that is gone afterwards
	Swiped   string       `json:"swiped,omitempty"`    // of a replacement: how it is known whether the last order was taken
	Kind     purse.Kind   `json:"kind,omitempty"`      // of a card that sets up meters
	Uses     int          `json:"uses,omitempty"`      // how often it may be used

	// GivenTo names the want under which another counter may write the order (see Take), GivenAt is that counter. While it
	// is set the money is not given back.
	GivenTo string `json:"given_to,omitempty"`
	GivenAt string `json:"given_at,omitempty"`

	// Ruled names the newest decision of the centre about this order that was heard of here, see [contract.Ruling].
	Ruled string `json:"ruled,omitempty"`

	Of         string `json:"of"`          // the order that this one refunds, makes up or writes for another counter
	RefundedBy string `json:"refunded_by"` // the refund of this order, under way or done
	ApprovedBy string `json:"approved_by"` // second person, where one is asked for

	// Shown is the customer as the receipt says it, and ShownBy its operator: what is printed again has the same bytes,
	// whatever has become of them. Empty in orders from before it was stored.
	Shown   *AccountView `json:"shown,omitempty"`
	ShownBy string       `json:"shown_by,omitempty"`

	// Audit is the short code of the chain of money records right after this order's own; empty until it is done.
	Audit string `json:"audit,omitempty"`
}
