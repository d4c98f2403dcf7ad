// Package outbox delivers what a node has committed. A record leaves it only when the central system has said that it
// has committed it too; a PUBACK of the broker is not that word.
//
// The queues themselves are durable and live in storage; the connection lives in mqttlink. This package is the delivery
// between them: what to send next, how much may be under way, when to go back.
package outbox

import (
	"context"
	"encoding/json"

	"tally/sync/contract"
)

// Draft is a record before it is committed: the store gives it sequence, time, boot and hash within the transaction
// that changes the business.
type Draft struct {
	Stream contract.Stream
	Type   string
	ID     string // names the business object
	Body   any    // one of contract's bodies; marshalled to JSON inside the commit
}

// Record is a committed record: its sequence and its bytes as they go on the wire (contract.Record as JSON).
type Record struct {
	Seq uint64
	Raw json.RawMessage
}

// State is how far a stream is. First ≤ Acked+1 ≤ Next; Next−1−Acked records wait.
type State struct {
	Epoch string
	First uint64 // oldest kept
	Next  uint64 // the next sequence to be given
	Acked uint64 // the centre has committed up to here
	// Rewound counts how often Acked was moved back because the centre has lost what it had; never otherwise.
	Rewound uint64
}

// Waiting is how many records the centre has not committed yet.
func (s State) Waiting() uint64 { return s.Next - 1 - s.Acked }

// Queue is one durable stream. Its methods may be called from several goroutines.
type Queue interface {
	Stream() contract.Stream

	// State never blocks on the disk.
	State() State

	// Read returns committed records in order from sequence from on: at most maxRecords and at most maxBytes of Raw,
	// but at least one when there is one. Empty means that nothing is there yet. They follow each other; where from is
	// lost for ever (the node has said so in readings_lost), the first is the next one that is there.
	Read(ctx context.Context, from uint64, maxRecords, maxBytes int) ([]Record, error)

	// Ack makes durable that the centre has committed everything up to upto within epoch, and that the nacked records
	// are in its quarantine (a copy stays here). Another epoch or a lower watermark changes nothing; one beyond what
	// was given out is an error matching ErrBeyond and changes nothing. It may be called twice; the same watermark may
	// come again with further nacks.
	Ack(ctx context.Context, ack contract.Ack) error

	// Grown returns a channel that is closed when a record with sequence > after is committed; at once when one is
	// already.
	Grown(after uint64) <-chan struct{}
}
