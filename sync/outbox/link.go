package outbox

import (
	"context"

	"tally/sync/contract"
)

// Link is one road to the central system. It redials on its own; its user only hears what became of it.
type Link interface {
	// Publish starts to send one envelope, in the order of calls, and may block while the connection takes no bytes.
	// The channel then gets exactly one value: nil when the broker has taken the envelope (which says nothing about
	// the central system), else why it is not known to have arrived. It is never left without a value for longer than
	// the link's own timeout. Nothing is kept over a lost connection and nothing is sent twice: that is the caller's.
	Publish(ctx context.Context, s contract.Stream, payload []byte) <-chan error

	// Events tells, in order, what happens to the connection and what the centre says. The channel is never closed.
	// Every connection begins anew: Connected is followed by CentralOnline once the centre is known to be there.
	Events() <-chan Event
}

// Event is one thing that a Link has to say.
type Event struct {
	Kind   EventKind
	Stream contract.Stream // of Acked
	Ack    contract.Ack    // of Acked
	Enc    []string        // of CentralOnline: what the centre takes besides JSON
}

// EventKind tells events apart.
type EventKind int

// Kinds of events.
const (
	Connected EventKind = iota + 1
	Lost
	CentralOnline  // the centre takes records
	CentralOffline // it does not; hold the backlog
	Acked          // the centre's word; not verified yet
)
