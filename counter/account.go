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
