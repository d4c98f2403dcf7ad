package counter

import (
	"tally/cardreader"
	"tally/meter/quantity"

	"tally/cardreader/purse"
)

// Issue asks for a customer's first card (发卡): the card that lies on the reader is not in use and becomes theirs.
type Issue struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	Account   string               `json:"account"`
	CardNo    string               `json:"card_no"` // as printed on the card; empty: made from the account's number
}

// Reissue asks for another card in place of one that is lost or broken (补卡). The old one is dead from then on.
type Reissue struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	Account   string               `json:"account"`
	CardNo    string               `json:"card_no"` // empty: the rule of the card's layout
	Cause     string               `json:"cause"`   // one of Causes
	Reason    string               `json:"reason"`  // as written
	Fee       quantity.Money       `json:"fee_fen"` // as agreed with the customer: what Fee says
	Swiped    string               `json:"swiped"`  // SwipedYes or SwipedNo where nothing shows it; with it a leader approves
}

// What is said about the last order of a card that is not there.
const (
	SwipedYes = "yes" // the meter took it: it is not written again
	SwipedNo  = "no"  // it did not: the new card carries it
)

// How it is known whether the last order was taken, in Order.Swiped.
const (
	KnownNone  = "none"  // no order was ever on the card, or nothing was left to take
	KnownTaken = "taken" // the meter had written it back when the card was last read
	KnownYes   = "said_yes"
	KnownNo    = "said_no"
)

// Causes of a replacement.
const (
	CauseLost   = "lost"   // 丢失
	CauseBroken = "broken" // 用户损坏
	CauseFaulty = "faulty" // 卡自身故障
)

// Causes lists them.
func Causes() []string { return []string{CauseLost, CauseBroken, CauseFaulty} }

// MeterChange asks for the customer's card to be made anew for another meter (换表): what the old meter had left, and what
// it has not taken from the card, is the credit that the card carries to the new one.
type MeterChange struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	Meter     string               `json:"meter"`         // number of the new meter
	Remaining quantity.Volume      `json:"remaining_l"`   // as read from the old one; of a volume card
	Money     quantity.Money       `json:"remaining_fen"` // the same of a money card
	Reason    string               `json:"reason"`
}

// CardWork asks for something to be done with the card on a reader: the prices of today put on it, or the card retired.
type CardWork struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	Reason    string               `json:"reason"`
}

// ToolCard asks for a card that sets meters up, with so many uses (检查卡、清零卡、参数卡、工具卡).
type ToolCard struct {
	Request   string               `json:"request"`
	Reader    string               `json:"reader"`
	Insertion cardreader.Insertion `json:"insertion"`
	CardNo    string               `json:"card_no"` // as printed on it
	Kind      purse.Kind           `json:"kind"`    // check, clear, parameter or tool
	Uses      int                  `json:"uses"`    // 1 to MostUses
	Class     string               `json:"class"`   // of a parameter card: the price class whose table it carries
	Water     bool                 `json:"water"`   // it is for water meters, not gas meters; a layout that does not say ignores it
	Reason    string               `json:"reason"`
}

// MostUses is how often a tool card may be used at most.
const MostUses = 999
