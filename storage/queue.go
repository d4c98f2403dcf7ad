package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// Queue returns the durable end of a stream. It panics for a name that is no stream, which is a mistake in the wiring.
func (s *Store) Queue(stream contract.Stream) outbox.Queue {
	if s.tips[stream] == nil {
		panic(fmt.Sprintf("storage has no stream %q", stream))
	}
	return &queue{s: s, stream: stream}
}

// queue implements outbox.Queue. Records that Read returns are contiguous; where numbers are lost for ever, a Read from
// one of them goes on behind the gap.
type queue struct {
	s      *Store
	stream contract.Stream
}

var _ outbox.Queue = (*queue)(nil)

// Stream implements outbox.Queue.
func (q *queue) Stream() contract.Stream { return q.stream }

// State implements outbox.Queue.
func (q *queue) State() outbox.State { return q.s.tips[q.stream].get() }

// Grown implements outbox.Queue.
func (q *queue) Grown(after uint64) <-chan struct{} { return q.s.tips[q.stream].grown(after) }

// Read implements outbox.Queue.
func (q *queue) Read(ctx context.Context, from uint64, maxRecords, maxBytes int) ([]outbox.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	want := wanted{from: from, next: q.State().Next, records: maxRecords, bytes: maxBytes}
	if q.s.closed.Load() {
		return nil, ErrClosed
	}
	if from >= want.next {
		return nil, nil
	}
	if q.stream == contract.Rd {
		return q.s.readings.read(ctx, want)
	}
	var found []outbox.Record
	err := q.s.ledger.view(func(tx *bbolt.Tx) (err error) {
		found, err = readRecords(tx.Bucket(bucketOf(q.stream)), want)
		return err
	})
	return found, err
}

// wanted is what a Read asks for: from one number on to below next, which State has told of.
type wanted struct {
	from, next     uint64
	records, bytes int
}

// readRecords copies records from a bucket, as long as they follow each other.
func readRecords(b *bbolt.Bucket, want wanted) ([]outbox.Record, error) {
	var found []outbox.Record
	total := 0
	c := b.Cursor()
	for k, v := c.Seek(u64(want.from)); k != nil && len(found) < max(want.records, 1); k, v = c.Next() {
		seq := asU64(k)
		if seq >= want.next {
			break
		}
		if len(found) > 0 && (total+len(v) > want.bytes || seq != found[len(found)-1].Seq+1) {
			break
		}
		if err := sound(v, seq); err != nil {
			return nil, err
		}
		found = append(found, outbox.Record{Seq: seq, Raw: bytes.Clone(v)})
		total += len(v)
	}
	return found, nil
}

// sound compares the cheap part: every record begins with its own number and ends as an object.
func sound(raw []byte, seq uint64) error {
	if !bytes.HasPrefix(raw, fmt.Appendf(nil, `{"seq":%d,`, seq)) || raw[len(raw)-1] != '}' {
		return fmt.Errorf("record %d is not what was stored: %w", seq, ErrDamaged)
	}
	return nil
}

// Ack implements outbox.Queue.
func (q *queue) Ack(ctx context.Context, ack contract.Ack) error {
	if ack.Epoch != q.s.epoch {
		return nil
	}
	st := q.State()
	if err := beyond(ack, st); err != nil {
		return err
	}
	refused, err := q.refused(ctx, ack.Nacks)
	if err != nil {
		return err
	}
	if ack.Ack <= st.Acked && len(refused) == 0 {
		return nil
	}
	err = q.s.update(ctx, func(w *writeTx) error {
		if err := q.advance(w, ack.Ack); err != nil {
			return err
		}
		return q.s.quarantine(w, q.stream, refused)
	})
	if err == nil && q.stream == contract.Rd {
		q.s.readings.drop()
	}
	return err
}

// beyond refuses an ack for what was never given out.
func beyond(ack contract.Ack, st outbox.State) error {
	if ack.Ack >= st.Next {
		return fmt.Errorf("ack %d, next is %d: %w", ack.Ack, st.Next, outbox.ErrBeyond)
	}
	for _, n := range ack.Nacks {
		if n.Seq == 0 || n.Seq >= st.Next {
			return fmt.Errorf("nack %d, next is %d: %w", n.Seq, st.Next, outbox.ErrBeyond)
		}
	}
	return nil
}

// advance moves the watermark, never back.
func (q *queue) advance(w *writeTx, upto uint64) error {
	st, err := w.stream(q.stream)
	if err != nil || upto <= st.Acked {
		return err
	}
	st.Acked = upto
	st.settle()
	w.setStream(q.stream, st)
	if q.stream == contract.Rd {
		w.after = append(w.after, func() { q.s.readings.ackedUpto(st.Acked) })
	}
	return nil
}

// refused collects the records of nacks that are new and still here.
func (q *queue) refused(ctx context.Context, nacks []contract.Nack) ([]contract.RecordRefused, error) {
	var list []contract.RecordRefused
	for _, n := range nacks {
		known, err := q.s.inQuarantine(q.stream, n.Seq)
		if err != nil {
			return nil, err
		}
		if known {
			continue
		}
		recs, err := q.Read(ctx, n.Seq, 1, 0)
		if err != nil && !errors.Is(err, ErrDamaged) {
			return nil, err
		}
		r := contract.RecordRefused{Stream: q.stream, Seq: n.Seq, Code: clip(n.Code, 64), Text: clip(n.Text, 256)}
		if len(recs) == 1 && recs[0].Seq == n.Seq {
			r.Record = recs[0].Raw
		}
		list = append(list, r)
	}
	return list, nil
}
