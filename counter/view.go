package counter

import (
	"time"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// Desk is what lies on one reader right now, as the clerk's page shows it. After a removal nothing of the card is
// left in it.
type Desk struct {
	Reader    string               `json:"reader"`
	Phase     Phase                `json:"phase"`
	Insertion cardreader.Insertion `json:"insertion"`
	Card      *purse.State         `json:"card"`
	Account   *AccountView         `json:"account"`
	Problem   *Refusal             `json:"problem"`  // why the card cannot be used, or why a sale would be refused
	InDoubt   *Order               `json:"in_doubt"` // an open order of this card that needs the clerk's choice
	Last      *Order               `json:"last"`     // newest order of this card that is done: what a refund or a make-up is about

	// Elsewhere is an order in doubt of another counter that stands against a sale.
	Elsewhere *DoubtElsewhere `json:"elsewhere,omitempty"`
}

// DoubtElsewhere is an order in doubt of another counter, whose card lies here.
type DoubtElsewhere struct {
	Order    string          `json:"order"`
	Station  string          `json:"station"` // where the money lies
	At       time.Time       `json:"at"`
	Volume   quantity.Volume `json:"volume_l"`
	Takeable bool            `json:"takeable"` // the card proves it not written: it can be asked for (see Take)
	Asked    bool            `json:"asked"`    // it was, and the answer is not here yet
}

// Phase is what a desk is doing.
type Phase string

// Phases of a desk.
const (
	NoReader Phase = "no_reader"
	Empty    Phase = "empty" // waiting for a card
	Reading  Phase = "reading"
	Ready    Phase = "ready"   // card read; Problem tells whether something stands against a sale
	Writing  Phase = "writing" // do not pull the card
	Failed   Phase = "failed"  // the card could not be read; Problem says why
)

// AccountView is an account as shown to people: name and phone masked unless the operator asks to see them.
type AccountView struct {
	No         string          `json:"no"`
	Name       string          `json:"name"`
	Address    string          `json:"address"`
	Phone      string          `json:"phone"`
	PriceClass string          `json:"price_class"`
	Card       purse.CardID    `json:"card"`
	Meter      string          `json:"meter"`
	Bought     quantity.Volume `json:"bought_l"`
	Water      bool            `json:"water"`
	Unit       purse.Unit      `json:"card_unit"` // empty while it has no card
	Lost       *Mark           `json:"lost,omitempty"`
	Locked     bool            `json:"locked"`
	Locks      []Lock          `json:"locks"` // what stops sales; each must be lifted
}

// Ask is what the clerk typed: exactly one of Volume and Money is set.
type Ask struct {
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"` // the card the clerk saw; another one is refused
	Volume    quantity.Volume      `json:"volume_l"`
	Money     quantity.Money       `json:"money_fen"`
}

// Quote is the answer to an Ask: what would be written and paid. By money, Volume is the most that the money buys in
// steps of the card's unit, and Change what is called back.
type Quote struct {
	Ask     Ask             `json:"ask"`
	Account string          `json:"account"`
	Volume  quantity.Volume `json:"volume_l"`
	Amount  quantity.Money  `json:"amount_fen"`
	Change  quantity.Money  `json:"change_fen"`
	Lines   []tariff.Line   `json:"lines"`
	Table   int             `json:"table_version"`
}

// Sell confirms a quote. The amount and volume that the customer agreed to are repeated: when they are not what the
// sale would be now (price released meanwhile), it is refused.
type Sell struct {
	Request string          `json:"request"` // made by the page when the quote was shown, 16–64 of [A-Za-z0-9_-]
	Ask     Ask             `json:"ask"`
	Volume  quantity.Volume `json:"volume_l"`
	Amount  quantity.Money  `json:"amount_fen"`
}

// Refund asks for the money of an order back (退气). Only the newest order of the card can be refunded, once, and only
// while the card proves that the meter has not taken it.
type Refund struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	Order     string               `json:"order"`
	Reason    string               `json:"reason"`
}

// MakeUp asks for the last order to be put on the card again, because the card has lost it (掉气补气). There is nothing to
// choose: it is exactly the last order.
type MakeUp struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
}

// Receipt is a finished sale as printed, or a refund (negative) or a make-up (no amount).
type Receipt struct {
	Op       purse.Op        `json:"op"`
	No       uint64          `json:"no"`
	Station  string          `json:"station"`
	Order    string          `json:"order"`
	At       time.Time       `json:"at"`
	Account  AccountView     `json:"account"`
	Operator string          `json:"operator"`
	Volume   quantity.Volume `json:"volume_l"`
	Lines    []tariff.Line   `json:"lines"`
	Amount   quantity.Money  `json:"amount_fen"`
	Capitals string          `json:"capitals"` // amount in capital numerals (大写)
	Copy     int             `json:"copy"`     // 0 for the first print, n for 重打 第 n 次
	CardSeq  uint16          `json:"card_seq"`
	Audit    string          `json:"audit,omitempty"` // short code of the chain of money records, see Order.Audit

	// Of a card that was made, changed or retired, and what an order put on it in its own unit.
	Card     purse.CardID `json:"card"`
	Issue    uint8        `json:"card_issue"`
	Unit     purse.Unit   `json:"card_unit"`
	OnCard   purse.Amount `json:"on_card,omitempty"`
	OldCard  purse.CardID `json:"old_card,omitzero"`
	Meter    string       `json:"meter"`
	OldMeter string       `json:"old_meter,omitempty"`
	Kind     purse.Kind   `json:"kind,omitempty"`
	Uses     int          `json:"uses,omitempty"`
	Cause    string       `json:"cause,omitempty"`
}

// Making reports whether a card was made, changed or retired, and no order put on it.
func (r Receipt) Making() bool {
	switch r.Op {
	case "", purse.OpBuy, purse.OpRefund, purse.OpMakeUp:
		return false
	}
	return true
}

// Session is a logged-in operator.
type Session struct {
	Token    string    `json:"-"` // 256 random bits; only its hash is kept
	Operator string    `json:"operator"`
	Display  string    `json:"display"`
	Role     Role      `json:"role"`
	Since    time.Time `json:"since"`
	Expires  time.Time `json:"expires"`
}
