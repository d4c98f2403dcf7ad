package central

import (
	"time"

	"tally/sync/contract"
)

// LostAfter is how long a node must not have been heard of before the centre decides about its orders by itself.
const LostAfter = 24 * time.Hour

// Doubt is an order in doubt as people at the centre see it.
type Doubt struct {
	Order    string                `json:"order"`
	Op       string                `json:"op"`
	Account  string                `json:"account"`
	Region   uint16                `json:"region"`
	Card     string                `json:"card"`
	VolumeL  int64                 `json:"volume_l"`
	Since    contract.Time         `json:"since"`   // of the intent
	Station  string                `json:"station"` // where the money lies
	Why      string                `json:"why"`
	Judged   bool                  `json:"judged_elsewhere"` // another counter can tell from the card whether it is written
	Node     string                `json:"node"`
	Online   bool                  `json:"node_online"`
	Heard    *contract.Time        `json:"node_heard,omitempty"` // last
	Replaced bool                  `json:"node_replaced"`        // the node runs on another ledger, which does not have the order
	Seen     string                `json:"seen_at,omitempty"`    // station that read it on the card
	Wanted   []contract.HandOver   `json:"wanted,omitempty"`
	Given    *contract.HandOver    `json:"given,omitempty"`    // who may write it now
	Returned []string              `json:"returned,omitempty"` // stations, oldest first
	Ended    string                `json:"ended,omitempty"`    // type of the record by which its own node has ended it
	Rulings  []contract.Ruling     `json:"rulings,omitempty"`  // oldest first
	Answers  []contract.OrderRuled `json:"answers,omitempty"`  // of its own node to rulings
}

// Rule is what a person decides about an order in doubt in the place of its own node.
type Rule struct {
	Order      string
	Do         string // one of contract's
	Station    string // of given: to whom
	By         string
	Because    string
	NodeIsLost bool // the person says that the node is gone, however lately it was heard of
}

// Unruled says why the centre does not decide about an order.
type Unruled string

// Reasons not to decide.
const (
	RuleUnknown   Unruled = "doubt_unknown"       // no such order in doubt
	RuleEnded     Unruled = "doubt_ended"         // its own node has told its end
	RuleSeen      Unruled = "doubt_seen"          // it was read on its card
	RuleGivenOut  Unruled = "doubt_given"         // another counter has the right to write it
	RuleClosed    Unruled = "doubt_closed"        // the centre has decided otherwise already
	RuleNotAsked  Unruled = "doubt_not_asked"     // the counter has not asked for it
	RuleNotToGive Unruled = "doubt_not_to_give"   // no other counter can judge its card
	RuleNotCard   Unruled = "doubt_not_on_a_card" // what makes or changes a card is never written by a word
	RuleOnline    Unruled = "doubt_node_online"   // its own node is there
	RuleHeard     Unruled = "doubt_node_heard"    // and was heard of less than LostAfter ago
	RuleReplaced  Unruled = "doubt_node_replaced" // its node runs on another ledger; a person must say that the one before is lost
)

func (u Unruled) Error() string { return "not decided: " + string(u) }
