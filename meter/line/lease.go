package line

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"tally/meter"
)

// Priority says who goes first when several want the line.
type Priority int

// Priorities, the most urgent first.
const (
	Interactive Priority = iota // somebody waits in front of a screen
	Command                     // valve, clock, configuration
	Scheduled                   // the ordinary round
	Backfill                    // history that can wait
)

type priorityKey struct{}

// WithPriority makes drivers that are called with the returned context lease their line with p. Without it they lease
// as Scheduled.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// PriorityOf returns what WithPriority set, Scheduled otherwise.
func PriorityOf(ctx context.Context) Priority {
	if p, ok := ctx.Value(priorityKey{}).(Priority); ok {
		return p
	}
	return Scheduled
}

// Lease is the right to talk on the line, alone. It belongs to one goroutine and must be released.
type Lease struct {
	line     *Line
	released bool
}

// Lease waits for the line. It fails with an error matching meter.ErrLine when ctx ends first or the line is closed.
func (l *Line) Lease(ctx context.Context, p Priority) (*Lease, error) {
	if err := l.queue.acquire(ctx, p); err != nil {
		return nil, fmt.Errorf("wait for line %s: %w", l.name, err)
	}
	return &Lease{line: l}, nil
}

// Release gives the line to the next one. It may be called twice.
func (le *Lease) Release() {
	if !le.released {
		le.released = true
		le.line.queue.release()
	}
}

// Next returns a number that grows with each call on this line, for protocols that number their questions.
func (le *Lease) Next() uint16 {
	le.line.seq++
	return le.line.seq
}

// Owes tells whether an earlier question to peer was left without an answer that may still come.
func (le *Lease) Owes(peer string) bool {
	l := le.line
	_, owes := l.owes[peer]
	_, settled := l.settled[peer]
	return owes || l.owesAll && !settled
}

// Settle says that the driver has proven that no old answer of peer can come any more.
func (le *Lease) Settle(peer string) {
	l := le.line
	delete(l.owes, peer)
	if l.owesAll {
		l.settled[peer] = struct{}{}
	}
}

// everyOldest: each fourth turn goes to whoever has waited longest, whatever the priority, so that nobody starves.
const everyOldest = 4

// queue hands one token to one holder at a time, by priority, first come first served within one.
type queue struct {
	mu      sync.Mutex
	held    bool
	shutOff bool
	turns   int
	waiting []*waiter // oldest first
	idle    chan struct{}
}

type waiter struct {
	priority Priority
	granted  chan error // buffered; nil means that the token is yours
}

func (q *queue) acquire(ctx context.Context, p Priority) error {
	q.mu.Lock()
	if q.shutOff {
		q.mu.Unlock()
		return ErrClosed
	}
	if !q.held && ctx.Err() == nil {
		q.held = true
		q.mu.Unlock()
		return nil
	}
	w := &waiter{priority: p, granted: make(chan error, 1)}
	q.waiting = append(q.waiting, w)
	q.mu.Unlock()
	select {
	case err := <-w.granted:
		return err
	case <-ctx.Done():
	}
	q.mu.Lock()
	at := slices.Index(q.waiting, w)
	if at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
	}
	q.mu.Unlock()
	if at < 0 && <-w.granted == nil { // granted in the same instant: pass it on
		q.release()
	}
	return fmt.Errorf("%w: %w", meter.ErrLine, context.Cause(ctx))
}

func (q *queue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.held = false
		if q.idle != nil {
			close(q.idle)
			q.idle = nil
		}
		return
	}
	at := q.pick()
	w := q.waiting[at]
	q.waiting = slices.Delete(q.waiting, at, at+1)
	w.granted <- nil
}

// pick returns whose turn it is.
func (q *queue) pick() int {
	q.turns++
	if q.turns%everyOldest == 0 {
		return 0
	}
	best := 0
	for i, w := range q.waiting {
		if w.priority < q.waiting[best].priority {
			best = i
		}
	}
	return best
}

// shut refuses everybody who waits or comes, and returns when the last holder is gone.
func (q *queue) shut() {
	q.mu.Lock()
	q.shutOff = true
	for _, w := range q.waiting {
		w.granted <- ErrClosed
	}
	q.waiting = nil
	if !q.held {
		q.mu.Unlock()
		return
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	q.mu.Unlock()
	<-idle
}
