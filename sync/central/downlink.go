package central

import (
	"encoding/json"
	"time"

	"tally/sync/contract"
)

// Outgoing is a signed payload that is due to be sent to a node.
type Outgoing struct {
	Topic   contract.Topic
	Payload []byte
	Version uint64 // of a desired state
}

// Order is what a person, or the centre itself, wants a node to do.
type Order struct {
	Node   string
	Type   string
	Args   json.RawMessage
	Life   time.Duration // it is not begun later than so long after it was issued
	Issuer string        // for people to see
}

// CommandState is a command and how far it is.
type CommandState struct {
	contract.Command
	Issuer   string          `json:"issuer"`
	Sent     int             `json:"sent"`               // how often
	SentAt   *contract.Time  `json:"sent_at,omitempty"`  // last
	Outcome  string          `json:"outcome,omitempty"`  // one of contract's; empty while it is open
	Text     string          `json:"text,omitempty"`     // what the node says to it
	Result   json.RawMessage `json:"result,omitempty"`   // by type
	Finished *contract.Time  `json:"finished,omitempty"` // when the result was stored
}

// Lapsed says that a command without a result has expired: it was not begun, or its result is still on its way.
func (c CommandState) Lapsed(now time.Time) bool {
	return c.Finished == nil && !now.Before(c.Expires.Time)
}

// Gap is a range of records that a node was told to be committed and that are not here: the centre was restored from a
// backup.
type Gap struct {
	Node, Epoch string
	Stream      contract.Stream
	First, Last uint64
}

// Signer signs what nodes obey.
type Signer interface {
	Command(contract.Command) ([]byte, error)
	Desired(contract.Desired) ([]byte, error)
}

// NodeState is what is known of a node.
type NodeState struct {
	contract.Status
	Node     string        `json:"node"`
	Received contract.Time `json:"received"`
	Desired  uint64        `json:"desired"` // the newest version made for it
}
