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
// card that was sold to elsewhere must not look like a forged one. Each change is the whole of what the centre knows of
// the account; a node applies those whose N is above the one it applied last for the account.
type Accounts struct {
	AsOf    Time            `json:"as_of"`
	Upto    uint64          `json:"upto"` // changes up to this number are here or were confirmed before
	More    bool            `json:"more"` // further ones follow once this version is confirmed
	Changes []AccountChange `json:"changes"`
}

// AccountChange is how an account stands at the centre.
type AccountChange struct {
	N         uint64 `json:"n"` // grows with every change of any account
	Account   string `json:"account"`
	Region    uint16 `json:"region"`
	Card      string `json:"card,omitempty"`
	CardIssue uint8  `json:"card_issue,omitempty"` // cards of this number with a lower issue count are dead
	CardSeq   uint16 `json:"card_seq,omitempty"`   // of the newest order on the card
	CardTag   string `json:"card_tag,omitempty"`
	CardCum   int64  `json:"card_cum,omitempty"` // in card_unit
	CardUnit  string `json:"card_unit,omitempty"`
	Meter     string `json:"meter,omitempty"`

	// Period is the tier period that BoughtElsewhereL was bought in, at other nodes than the one that is told. The
	// node's own part is its own business: the two add up, whatever is still on its way.
	Period           string `json:"period_start,omitempty"`
	BoughtElsewhereL int64  `json:"bought_elsewhere_l,omitempty"`

	Dead   []string `json:"dead,omitempty"`   // numbers of cards of this account that are dead (lost, replaced)
	Closed bool     `json:"closed,omitempty"` // the account was closed (销户)
	Node   string   `json:"node"`             // where the newest change was made
	At     Time     `json:"at"`               // of the newest change
}

// Settings of a node, each left as it is when it is not there. A node that cannot reach the centre with new settings goes
// back to the old ones by itself.
type Settings map[string]json.RawMessage
