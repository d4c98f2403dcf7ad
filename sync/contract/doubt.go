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

// OpenDoubt is an order in doubt as the centre knows it, in an account's delta. It is listed until its own counter has
// told its end.
type OpenDoubt struct {
	Doubt    OrderInDoubt    `json:"doubt"`
	Seen     *OrderWitnessed `json:"seen,omitempty"`
	Wanted   []HandOver      `json:"wanted,omitempty"`   // asked for, and neither given nor returned
	Given    string          `json:"given,omitempty"`    // the want that was agreed to and not returned
	Returned []string        `json:"returned,omitempty"` // wants
}
