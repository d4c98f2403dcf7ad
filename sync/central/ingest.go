package central

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tally/sync/contract"
)

// Options of an Ingest; all have defaults.
type Options struct {
	Now      func() time.Time // time.Now when nil
	Log      *slog.Logger     // discarded when nil
	Most     int              // envelopes in one transaction; 64
	Retry    time.Duration    // after a failed commit; 500 ms
	RetryMax time.Duration    // it doubles up to here; 30 s
}

// Ingest moves envelopes from a road into a store and answers for what is committed.
type Ingest struct {
	store Store
	road  Road
	o     Options

	mu    sync.Mutex
	stats Stats
}

// Stats count since the start. Everything but Stored, Duplicates and Acks is a reason to look.
type Stats struct {
	Counts
	Envelopes   uint64
	Newest      uint64 // payloads of up/now
	Refused     uint64 // payloads of which nothing could be trusted
	Acks        uint64 // acknowledgements handed to the broker
	AckErrors   uint64
	StoreErrors uint64 // transactions that failed and were tried again
	LastCommit  time.Time
}

// NewIngest wires a store to a road.
func NewIngest(store Store, road Road, o Options) *Ingest {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Most <= 0 {
		o.Most = 64
	}
	if o.Retry <= 0 {
		o.Retry = 500 * time.Millisecond
	}
	if o.RetryMax <= 0 {
		o.RetryMax = 30 * time.Second
	}
	return &Ingest{store: store, road: road, o: o}
}

// Stats may be called at any time.
func (in *Ingest) Stats() Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stats
}

func (in *Ingest) count(f func(s *Stats)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f(&in.stats)
}

// Run works until ctx ends, and returns nil then. While the database does not answer, it says on the road that it is
// not there, holds what it has taken and tries again; nothing is acknowledged meanwhile.
func (in *Ingest) Run(ctx context.Context) error {
	defer in.road.Present(false)
	if !in.insist(ctx, in.store.Ping) {
		return nil
	}
	in.road.Present(true)
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-in.road.In():
			if !in.take(ctx, d) {
				return nil
			}
		}
	}
}

// take commits d and what waits behind it in one transaction, and acknowledges. It looks at so many deliveries at the most,
// sound or not: rubbish must not keep what is sound from being committed.
func (in *Ingest) take(ctx context.Context, d contract.Delivery) bool {
	var batches []Batch
	for seen, more := 1, true; more; seen++ {
		if b, ok := in.verify(ctx, d); ok {
			batches = append(batches, b)
		}
		more = false
		if seen < in.o.Most {
			select {
			case d = <-in.road.In():
				more = true
			default:
			}
		}
	}
	if len(batches) == 0 {
		return ctx.Err() == nil
	}
	return in.commit(ctx, batches)
}

// commit commits batches and acknowledges them. When they hold something that the database will never take, that is found
// by halves and set aside; everything else is stored.
func (in *Ingest) commit(ctx context.Context, batches []Batch) bool {
	var receipts []Receipt
	var content error
	ok := in.insist(ctx, func(ctx context.Context) (err error) {
		receipts, err = in.store.Commit(ctx, batches, in.o.Now())
		if content = nil; errors.Is(err, ErrContent) {
			content, err = err, nil
		}
		return err
	})
	if !ok {
		return false
	}
	if content == nil {
		in.answer(ctx, receipts)
		return true
	}
	for _, part := range in.parts(batches, content) {
		if !in.commit(ctx, part) {
			return false
		}
	}
	return true
}

// parts are halves of what the database does not take; of one record it is the record in quarantine. There is nothing
// left of what is not even taken there: it is not acknowledged, and told.
func (in *Ingest) parts(batches []Batch, content error) [][]Batch {
	if n := len(batches); n > 1 {
		return [][]Batch{batches[:n/2], batches[n/2:]}
	}
	b := batches[0]
	if n := len(b.Items); n > 1 {
		first, second := b, b
		first.Items, second.Items = b.Items[:n/2], b.Items[n/2:]
		return [][]Batch{{first}, {second}}
	}
	it := b.Items[0]
	in.o.Log.Error("the database does not take a record", "node", b.Node, "stream", b.Stream, "epoch", b.Epoch, "seq", it.Seq, "err", content)
	if it.Nack != nil {
		return nil
	}
	b.Items = []Item{{Seq: it.Seq, Raw: it.Raw, Nack: &contract.Nack{Seq: it.Seq, Code: contract.CodeBadRecord, Text: "the central database does not take it"}}}
	return [][]Batch{{b}}
}

func (in *Ingest) verify(ctx context.Context, d contract.Delivery) (Batch, bool) {
	if t, err := contract.ParseTopic(d.Topic); err == nil && t.Kind == contract.KindNow {
		in.count(func(s *Stats) { s.Newest++ }) // never stored; the same records come in their turn
		return Batch{}, false
	}
	b, bad := Verify(d)
	in.count(func(s *Stats) { s.Envelopes++ })
	if bad == nil {
		return b, true
	}
	in.count(func(s *Stats) { s.Refused++ })
	in.o.Log.Warn("refused an envelope", "topic", d.Topic, "bytes", len(d.Payload), "why", bad.Error())
	kept := in.insist(ctx, func(ctx context.Context) error { return in.store.Refuse(ctx, d, bad, in.o.Now()) })
	return b, kept && len(b.Items) > 0
}

// insist tries f until it succeeds or ctx ends.
func (in *Ingest) insist(ctx context.Context, f func(context.Context) error) bool {
	pause := in.o.Retry
	for failed := false; ; failed = true {
		err := f(ctx)
		if err == nil {
			if failed {
				in.road.Present(true)
				in.o.Log.Info("the database answers again")
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		in.count(func(s *Stats) { s.StoreErrors++ })
		in.o.Log.Error("cannot store", "err", err, "again_in", pause)
		if !failed {
			in.road.Present(false)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		pause = min(2*pause, in.o.RetryMax)
	}
}

// answer sends the acks side by side: each takes a round trip to the broker.
func (in *Ingest) answer(ctx context.Context, receipts []Receipt) {
	var wg sync.WaitGroup
	for _, r := range receipts {
		in.tally(r)
		wg.Go(func() {
			err := in.road.Ack(ctx, r.Node, r.Stream, r.Ack)
			in.count(func(s *Stats) {
				if err != nil {
					s.AckErrors++
				} else {
					s.Acks++
				}
			})
			if err != nil && !errors.Is(err, context.Canceled) {
				in.o.Log.Warn("cannot acknowledge; the node will send again", "node", r.Node, "stream", r.Stream, "err", err)
			}
		})
	}
	wg.Wait()
}

func (in *Ingest) tally(r Receipt) {
	c := r.Counts
	in.count(func(s *Stats) {
		s.Stored += c.Stored
		s.Duplicates += c.Duplicates
		s.Conflicts += c.Conflicts
		s.Quarantined += c.Quarantined
		s.Breaks += c.Breaks
		s.LastCommit = in.o.Now()
	})
	if c.Conflicts+c.Quarantined+c.Breaks > 0 {
		in.o.Log.Error("records need a person", "node", r.Node, "stream", r.Stream, "epoch", r.Ack.Epoch,
			"conflicts", c.Conflicts, "quarantined", c.Quarantined, "breaks", c.Breaks)
	}
}
