package contract

import "encoding/json"

// Names of the parts of a desired state.
const (
	PartPrices   = "prices"   // Prices
	PartLocks    = "locks"    // Locks
	PartAccounts = "accounts" // Accounts
	PartSettings = "settings" // Settings
)

// Prices are all released price tables of the utility. A node sells by the newest version of a class whose From has come.
type Prices struct {
	AsOf   Time         `json:"as_of"` // released then
	Tables []PriceTable `json:"tables"`
}

// PriceTable is one released price table (价格表) of a price class.
type PriceTable struct {
	Class        string      `json:"class"`
	Version      int         `json:"version"`       // counts up with each release of the class
	From         string      `json:"from"`          // first business day it holds, "2026-01-01"
	PeriodMonths int         `json:"period_months"` // the tier counter starts again after so many
	Tiers        []PriceTier `json:"tiers"`         // ascending; the last has no limit
}

// PriceTier is one step (阶梯).
type PriceTier struct {
	UpToL int64 `json:"up_to_l,omitempty"` // counted from the start of the period; 0 for the last
	Price int64 `json:"price_yuan_e4_per_m3"`
}

// Locks are the sale locks (停售) of all customers. A lock is named by account and At. What is neither standing nor lifted
// is a lock that the centre has not heard of yet; the node keeps it. What is lifted stays lifted, wherever it is said first.
type Locks struct {
	AsOf     Time         `json:"as_of"`
	Standing []LockState  `json:"standing"`
	Lifted   []LiftedLock `json:"lifted"` // of the last 90 days
}

// LockState is one sale lock.
type LockState struct {
	Account string `json:"account"`
	At      Time   `json:"at"` // when it was set; names the lock within the account
	Reason  string `json:"reason"`
	By      string `json:"by"`
}

// LiftedLock names a lock that is no more.
type LiftedLock struct {
	Account string `json:"account"`
	At      Time   `json:"at"`
	By      string `json:"by"` // who lifted it
}

// Accounts is what other nodes did to customers and cards since the node confirmed a desired state (see Status.Cfg): a
// card that was sold to elsewhere must not look like a forged one. Each delta is the whole of what the centre knows of
// the account; a node applies one whose version is above that of the one it applied last for the account.
type Accounts struct {
	AsOf   Time           `json:"as_of"`
	Upto   uint64         `json:"upto"` // changes up to this version are here or were confirmed before
	More   bool           `json:"more"` // further ones follow once this desired state is confirmed
	Deltas []AccountDelta `json:"deltas"`
}

// AccountDelta is how an account stands at the centre. What is left out is left as it is.
type AccountDelta struct {
	Account string `json:"account"`
	Version uint64 `json:"version"` // grows with every change of any account

	Region    uint16 `json:"region,omitempty"`
	Card      string `json:"card,omitempty"`
	Cardless  bool   `json:"cardless,omitempty"` // the customer has no card any more
	CardIssue uint8  `json:"card_issue,omitempty"`
	CardSeq   uint16 `json:"card_seq,omitempty"` // of the newest order on the card
	CardCum   int64  `json:"card_cum,omitempty"` // in card_unit
	CardQty   int64  `json:"card_qty,omitempty"` // of the newest order, in card_unit
	CardTag   string `json:"card_tag,omitempty"` // of the newest order, hex
	CardUnit  string `json:"card_unit,omitempty"`
	Meter     string `json:"meter,omitempty"`

	PeriodStart string `json:"period_start,omitempty"` // with bought_l
	BoughtL     int64  `json:"bought_l,omitempty"`     // in the period, at all nodes, as far as the centre has heard

	Dead       []DeadCard `json:"dead,omitempty"`
	Lost       *Mark      `json:"lost,omitempty"` // the card is reported lost (挂失)
	ArrearsFen int64      `json:"arrears_fen,omitempty"`

	// Doubts are orders of the account that have no end yet, at all counters; one that is not listed any more has one.
	Doubts []OpenDoubt `json:"doubts,omitempty"`

	// The customer's file, for a node that does not know the account yet.
	PriceClass string `json:"price_class,omitempty"`
	Name       string `json:"name,omitempty"`
	Address    string `json:"address,omitempty"`
	Phone      string `json:"phone,omitempty"`
	Water      bool   `json:"water,omitempty"`
}

// DeadCard is a card that must not be used any more: this number, up to this issue count.
type DeadCard struct {
	Region uint16 `json:"region"`
	Card   string `json:"card"`
	Issue  uint8  `json:"issue"`
	Why    string `json:"why"` // replaced, retired, lost
}

// Mark is who said something when, and why.
type Mark struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
	At     Time   `json:"at"`
}

// Settings of a node, each left as it is when it is not there. A node that cannot reach the centre with new settings goes
// back to the old ones by itself.
type Settings map[string]json.RawMessage
