// Package outboxtest has what tests of the outbox need: a queue in memory, a link that is played by the test, and the
// suite that every queue passes, this one and the durable ones of storage.
package outboxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// Queue is an outbox.Queue in memory. What is acknowledged stays readable.
type Queue struct {
	stream contract.Stream

	mu     sync.Mutex
	epoch  string
	raws   []json.RawMessage // raws[i] has sequence i+1
	acked  uint64
	nacked map[uint64]contract.Nack
	grown  chan struct{}
	broken error
	lost   uint64 // records up to here are gone
}

// NewQueue makes an empty queue.
func NewQueue(s contract.Stream, epoch string) *Queue {
	return &Queue{stream: s, epoch: epoch, nacked: map[uint64]contract.Nack{}, grown: make(chan struct{})}
}

// Append commits one record and returns its sequence. It panics on a body that cannot be marshalled.
func (q *Queue) Append(typ, id string, at time.Time, body any) uint64 {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	prev := ""
	if n := len(q.raws); n > 0 {
		prev = contract.Hash(q.raws[n-1])
	}
	seq := uint64(len(q.raws) + 1)
	raw, err := contract.MarshalRecord(contract.Record{
		Seq: seq, ID: id, Type: typ, At: contract.At(at), Boot: "boot", Clock: "ok", Prev: prev, Body: b,
	})
	if err != nil {
		panic(err)
	}
	q.put(raw)
	return seq
}

// AppendRaw commits bytes as they are, be they a record or not.
func (q *Queue) AppendRaw(raw json.RawMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(raw)
}

func (q *Queue) put(raw json.RawMessage) {
	q.raws = append(q.raws, raw)
	close(q.grown)
	q.grown = make(chan struct{})
}

// Break makes Read and Ack return err until it is called with nil.
func (q *Queue) Break(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = err
}

// Lose takes records up to upto away, as storage does when the disk is full.
func (q *Queue) Lose(upto uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost, q.acked = upto, max(q.acked, upto)
}

// Restore starts a new epoch with the same records, as after a restored backup.
func (q *Queue) Restore(epoch string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.epoch, q.acked = epoch, 0
}

// Nacked returns the copies of what the centre has put in quarantine.
func (q *Queue) Nacked() map[uint64]contract.Nack {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := map[uint64]contract.Nack{}
	for k, v := range q.nacked {
		out[k] = v
	}
	return out
}

// Raw returns the bytes of record seq.
func (q *Queue) Raw(seq uint64) json.RawMessage {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.raws[seq-1]
}

// Stream of the queue.
func (q *Queue) Stream() contract.Stream { return q.stream }

// State of the queue.
func (q *Queue) State() outbox.State {
	q.mu.Lock()
	defer q.mu.Unlock()
	return outbox.State{Epoch: q.epoch, First: 1, Next: uint64(len(q.raws) + 1), Acked: q.acked}
}

// Read returns records from sequence from on.
func (q *Queue) Read(_ context.Context, from uint64, maxRecords, maxBytes int) ([]outbox.Record, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken != nil {
		return nil, q.broken
	}
	var out []outbox.Record
	size := 0
	for seq := max(from, q.lost+1); seq <= uint64(len(q.raws)) && len(out) < maxRecords; seq++ {
		raw := q.raws[seq-1]
		if size += len(raw); size > maxBytes && len(out) > 0 {
			break
		}
		out = append(out, outbox.Record{Seq: seq, Raw: raw})
	}
	return out, nil
}

// Ack moves the watermark.
func (q *Queue) Ack(_ context.Context, a contract.Ack) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.broken != nil:
		return q.broken
	case a.Epoch != q.epoch || a.Ack < q.acked:
		return nil
	case a.Ack > uint64(len(q.raws)):
		return fmt.Errorf("acknowledge %d of %d: %w", a.Ack, len(q.raws), outbox.ErrBeyond)
	}
	q.acked = a.Ack
	for _, n := range a.Nacks {
		q.nacked[n.Seq] = n
	}
	return nil
}

// Grown says when a record above after is there.
func (q *Queue) Grown(after uint64) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if uint64(len(q.raws)) > after {
		done := make(chan struct{})
		close(done)
		return done
	}
	return q.grown
}
