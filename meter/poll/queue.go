package poll

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tally/meter"
)

// item is a reading or a failure.
type item struct {
	reading *meter.Reading
	failure *meter.Failure
}

// queue holds values until the Sink has taken them, so that a slow or full disk holds up no line.
type queue struct {
	sink Sink
	most int
	log  *slog.Logger
	more chan struct{} // a hint that something was put

	mu    sync.Mutex
	items []item
	stats Stats
}

func newQueue(sink Sink, o Options) *queue {
	return &queue{sink: sink, most: o.Queue, log: o.Log, more: make(chan struct{}, 1)}
}

func (q *queue) put(it item) {
	q.mu.Lock()
	full := len(q.items) >= q.most
	if full {
		q.stats.Lost++
	} else {
		q.items = append(q.items, it)
	}
	q.mu.Unlock()
	if full {
		q.log.Error("value lost, too many wait to be stored", "meter", it.id(), "waiting", q.most)
	}
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// Pauses after a refusal.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
	lastChance   = 2 * time.Second // for what waits at the end
)

// run hands values over in order until ctx ends, and then tries what waits once more.
func (q *queue) run(ctx context.Context) {
	wait := firstPause
	for ctx.Err() == nil {
		it, ok := q.head()
		if !ok {
			select {
			case <-q.more:
			case <-ctx.Done():
			}
			continue
		}
		if q.handMany(ctx) || q.hand(ctx, it) {
			wait = firstPause
			continue
		}
		pause(ctx, wait)
		wait = min(2*wait, longestPause)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastChance)
	defer cancel()
	for it, ok := q.head(); ok && q.hand(ctx, it); it, ok = q.head() {
	}
	q.giveUp()
}

// BatchSink is a Sink that can take several values at once, in their order: all of them or, with an error, none.
type BatchSink interface {
	KeepAll(ctx context.Context, values []Value) error
}

// Value is a reading or a failure: one of the two is set.
type Value struct {
	Reading *meter.Reading
	Failure *meter.Failure
}

// mostAtOnce bounds a batch.
const mostAtOnce = 500

// handMany offers all that waits to a BatchSink at once. What it refuses is then offered one by one.
func (q *queue) handMany(ctx context.Context) bool {
	sink, ok := q.sink.(BatchSink)
	if !ok {
		return false
	}
	q.mu.Lock()
	batch := make([]Value, min(len(q.items), mostAtOnce))
	var read, failed uint64
	for i := range batch {
		batch[i] = Value{q.items[i].reading, q.items[i].failure}
		if batch[i].Reading != nil {
			read++
		} else {
			failed++
		}
	}
	q.mu.Unlock()
	if len(batch) < 2 || sink.KeepAll(ctx, batch) != nil {
		return false
	}
	q.mu.Lock()
	q.items = q.items[len(batch):]
	q.stats.Kept += read
	q.stats.Failed += failed
	q.mu.Unlock()
	return true
}

// hand offers the head to the Sink and tells whether it is out of the queue.
func (q *queue) hand(ctx context.Context, it item) bool {
	var err error
	if it.reading != nil {
		err = q.sink.Keep(ctx, *it.reading)
	} else {
		err = q.sink.Fail(ctx, *it.failure)
	}
	never := errors.Is(err, ErrNever)
	q.mu.Lock()
	switch {
	case err == nil && it.reading != nil:
		q.stats.Kept++
	case err == nil:
		q.stats.Failed++
	case never:
		q.stats.Lost++
	default:
		q.stats.Refused++
	}
	out := err == nil || never
	if out {
		q.items = q.items[1:]
	}
	q.mu.Unlock()
	if err != nil && (never || ctx.Err() == nil) { // at the end of Run the value is handed over once more
		q.log.Error("value not stored", "meter", it.id(), "lost", never, "err", err)
	}
	return out
}

func (q *queue) head() (item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return item{}, false
	}
	return q.items[0], true
}

func (q *queue) giveUp() {
	q.mu.Lock()
	n := len(q.items)
	q.stats.Lost += uint64(n)
	q.items = nil
	q.mu.Unlock()
	if n > 0 {
		q.log.Error("values lost at the end, they could not be stored", "count", n)
	}
}

func (q *queue) figures() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Waiting = len(q.items)
	return s
}

func (it item) id() meter.ID {
	if it.reading != nil {
		return it.reading.Meter
	}
	return it.failure.Meter
}
