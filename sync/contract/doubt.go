package contract

import "encoding/json"

// Types of records on tx about an order whose end a counter does not know, and about who may end it. They let another
// counter help when the customer comes there with the card. None of them moves money: that is said by the record of the
// order itself, by the counter that took it.
const (
	TypeOrderInDoubt   = "order_in_doubt"  // with all that another counter needs to judge the card
	TypeOrderWitnessed = "order_witnessed" // another counter read the order on the card, or has written it there
	TypeOrderWanted    = "order_wanted"    // another counter asks to write it again
	TypeOrderGiven     = "order_given"     // its own counter agrees, and gives the money back no more
	TypeOrderReturned  = "order_returned"  // the other counter will not write it any more; its own may give the money back
	TypeOrderRuled     = "order_ruled"     // its own counter has heard what the centre decided in its place, and how that fits what it did
)

// OrderInDoubt is the body of order_in_doubt. Of an order that is in doubt again the newest one counts.
type OrderInDoubt struct {
	Order     string `json:"order"` // journal id, the record's id too
	Op        string `json:"op"`    // buy, refund, make_up, issue, reissue, meter_change, tariff, retire
	Account   string `json:"account"`
	Region    uint16 `json:"region"`
	Card      string `json:"card"`
	CardIssue uint8  `json:"card_issue"`
	CardSeq   uint16 `json:"card_seq"`
	CardTag   string `json:"card_tag"`
	CardCum   int64  `json:"card_cum"`
	CardQty   int64  `json:"card_qty"`
	CardUnit  string `json:"card_unit"`
	VolumeL   int64  `json:"volume_l"`
	Period    string `json:"period_start,omitempty"` // tier period that the volume is counted in
	Price     int64  `json:"price_yuan_e4_per_m3"`   // as on the card
	Tier      uint8  `json:"tier"`                   // as on the card
	IntentAt  Time   `json:"intent_at"`
	Station   string `json:"station"` // where the money lies
	Why       string `json:"why"`     // stable code
	// Plan is what was to be written, byte for byte: what a counter judges the card by. Left out when another counter could
	// not tell from the card whose order it is, or has no business to.
	Plan json.RawMessage `json:"plan,omitempty"`
}

// OrderWitnessed is the body of order_witnessed: sequence and tag of the order were read on the card.
type OrderWitnessed struct {
	Order     string `json:"order"` // of the other counter
	Account   string `json:"account"`
	Region    uint16 `json:"region"`
	Card      string `json:"card"`
	CardIssue uint8  `json:"card_issue"`
	CardSeq   uint16 `json:"card_seq"`
	CardTag   string `json:"card_tag"`
	CardCum   int64  `json:"card_cum"`
	CardQty   int64  `json:"card_qty"`
	CardUnit  string `json:"card_unit"`
	Station   string `json:"station"`            // that read it
	Wrote     string `json:"wrote,omitempty"`    // journal id of the write that put it there; empty: it was found
	Operator  string `json:"operator,omitempty"` // who wrote
	Image     string `json:"image"`              // every byte of the card, hex
}

// HandOver is the body of order_wanted, order_given and order_returned.
type HandOver struct {
	Order    string `json:"order"`
	Account  string `json:"account"`
	Want     string `json:"want"`               // names the request, and is the journal id of the write if it comes to one
	Station  string `json:"station"`            // that asks
	Operator string `json:"operator,omitempty"` // who asked, or returned it
}

// What a Ruling may do.
const (
	RuleGiven      = "given"       // another counter may write the order, as if its own had handed it over
	RuleWritten    = "written"     // it is on the card, or its meter has taken it: the sale stands
	RuleRefunded   = "refunded"    // it is not on the card, and the customer has the money back from the office
	RuleNotWritten = "not_written" // it is not on the card, and no money was paid back: settled in another way, or still owed
)

// Ruling is what a person at the centre has decided about an order whose own node is gone. It takes the place of that
// node's word: should the node come back, it obeys before anything else, and says so in order_ruled.
type Ruling struct {
	Do      string `json:"do"`
	Want    string `json:"want,omitempty"`    // of given: the want that was agreed to
	Station string `json:"station,omitempty"` // of given: who may write it
	By      string `json:"by"`
	Because string `json:"because"`
	At      Time   `json:"at"`
}

// Closes reports whether nobody may write the order any more.
func (r Ruling) Closes() bool { return r.Do != RuleGiven }

// Name tells a ruling from any other about the same order.
func (r Ruling) Name() string { return r.Do + " " + r.Want }

// OrderRuled is the body of order_ruled.
type OrderRuled struct {
	Order     string `json:"order"`
	Account   string `json:"account"`
	Do        string `json:"do"`             // of the ruling
	Want      string `json:"want,omitempty"` // of the ruling
	RuledAt   Time   `json:"ruled_at"`
	Obeyed    bool   `json:"obeyed"`             // false: what was done there contradicts the ruling
	State     string `json:"state"`              // as it was when the ruling was heard: in_doubt, quarantined, intended, done, void
	EndAt     *Time  `json:"end_at,omitempty"`   // of an order that had an end
	Why       string `json:"why,omitempty"`      // stable code
	Operator  string `json:"operator,omitempty"` // who ended it
	Station   string `json:"station"`            // where the money lies
	VolumeL   int64  `json:"volume_l"`           // of the order
	AmountFen int64  `json:"amount_fen"`         // of the order
}

// OpenDoubt is an order in doubt as the centre knows it, in an account's delta. It is listed until its own counter has
// told its end, or the centre has ruled that it has one; to its own counter until that has heard of the ruling.
type OpenDoubt struct {
	Doubt    OrderInDoubt    `json:"doubt"`
	Seen     *OrderWitnessed `json:"seen,omitempty"`
	Wanted   []HandOver      `json:"wanted,omitempty"`   // asked for, and neither given nor returned
	Given    string          `json:"given,omitempty"`    // the want that was agreed to and not returned
	Returned []string        `json:"returned,omitempty"` // wants
	Ruled    *Ruling         `json:"ruled,omitempty"`    // by the centre, in the place of its own counter
}
