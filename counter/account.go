package counter

import (
	"time"

	"tally/cardreader/purse"
	"tally/meter/quantity"
)

// Account is one customer's file (一户一档).
type Account struct {
	No         string       `json:"no"` // customer number (户号)
	Name       string       `json:"name"`
	Address    string       `json:"address"`
	Phone      string       `json:"phone"`
	PriceClass string       `json:"price_class"`
	Card       purse.CardID `json:"card"`  // zero for a customer without a card
	Meter      string       `json:"meter"` // number of the meter (表号), IC-card or remote
	Water      bool         `json:"water,omitempty"`
	Locks      []Lock       `json:"locks"`

	// PeriodStart is the first day of the running tier period and Bought the volume bought in it, orders in doubt
	// included: a tier must not be used twice.
	PeriodStart string          `json:"period_start"`
	Bought      quantity.Volume `json:"bought_l"`

	// CardSeq is the sequence of the last order that this ledger knows to be on the card.
	CardSeq uint16 `json:"card_seq"`

	// CardIssue is the issue count of the customer's card; 0 until the first order is on it. A card of the same number with
	// a lower one was replaced (补卡) and is dead.
	CardIssue uint8 `json:"card_issue"`

	// LastIssue is the highest issue count ever given out, also of a card that never came to be: the next one is higher.
	LastIssue uint8 `json:"last_issue,omitempty"`

	// CardUnit is what the customer's card counts in; empty for the counter's usual unit until a card says otherwise.
	CardUnit purse.Unit `json:"card_unit,omitempty"`

	// Last is the newest order that is known to be on the card, here or at another counter; nil before the first one, and
	// for a card that was taken over with orders of an older system.
	Last *LastOrder `json:"last,omitempty"`

	// Seen is what the meter was last seen to have written back on the card.
	Seen *Seen `json:"seen,omitempty"`

	// Lost says that the customer reported the card as lost (挂失): it is refused wherever it turns up.
	Lost *Mark `json:"lost,omitempty"`

	// Dead are cards of other numbers that this customer had and that were replaced or retired.
	Dead []DeadCard `json:"dead,omitempty"`

	// Arrears is what the customer owes beside the card, in fen, as the centre says.
	Arrears quantity.Money `json:"arrears_fen,omitempty"`

	// Elsewhere are the orders of this customer that are in doubt at other counters, as far as the centre has told.
	Elsewhere []Elsewhere `json:"elsewhere,omitempty"`

	// Version is that of the centre's word that was absorbed last.
	Version uint64 `json:"version,omitempty"`

	// Lifted are the times of locks of the centre that were lifted here: they never come back.
	Lifted []time.Time `json:"lifted,omitempty"`

	// MaxPurchase limits one purchase and MaxPeriod all purchases of a period, 0 for none. Hoard is the ceiling of credit that the meter accepts (囤积上限), 0 for none.
	MaxPurchase quantity.Volume `json:"max_purchase_l"`
	MaxPeriod   quantity.Volume `json:"max_period_l"`
	Hoard       quantity.Volume `json:"hoard_l"`
}

// Lock stops sales to a customer (停售).
type Lock struct {
	Reason string    `json:"reason"` // as the leader wrote it
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	From   string    `json:"from,omitempty"` // FromCentre for a lock that the centre lists, empty for one set here
}

// FromCentre in a lock's From: the centre lists it, and takes it away by no longer listing it.
const FromCentre = "centre"

// LastOrder is what the newest order of a card says.
type LastOrder struct {
	Seq        uint16       `json:"seq"`
	Tag        purse.Tag    `json:"tag"`
	Qty        purse.Amount `json:"qty"`
	Cumulative purse.Amount `json:"cumulative"`
	Order      string       `json:"order,omitempty"` // journal id, empty for one of another counter
}

// Seen is what the meter wrote back, as it was last read.
type Seen struct {
	Seq       uint16       `json:"seq"`
	Accepted  purse.Amount `json:"accepted"`
	Remaining purse.Amount `json:"remaining"`
	Swiped    bool         `json:"swiped"` // the meter had taken the newest order of the card
	At        time.Time    `json:"at"`
}

// Mark is a note that somebody made.
type Mark struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// DeadCard is a card that must not be used any more: this number, up to this issue count.
type DeadCard struct {
	Card  purse.CardID `json:"card"`
	Issue uint8        `json:"issue"`
	Why   string       `json:"why"` // replaced, retired, lost
}

// Role is what an operator may do.
type Role string

// Roles.
const (
	Clerk      Role = "clerk"      // 营业员
	Leader     Role = "leader"     // 班长
	Finance    Role = "finance"    // 财务
	Technician Role = "technician" // 外勤
	Admin      Role = "admin"      // 管理员
)

// Operator is somebody who can log in.
type Operator struct {
	Name     string `json:"name"`
	Display  string `json:"display"` // as on the receipt
	No       uint16 `json:"no"`      // as in the card's write stamp
	Role     Role   `json:"role"`
	Password string `json:"password"` // argon2id PHC string, never the password
	Disabled bool   `json:"disabled"`
}
