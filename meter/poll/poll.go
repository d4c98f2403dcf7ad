// Package poll decides which meter is read when, and hands over what came of it.
//
// Each line has one goroutine that reads its meters one after the other, the first readings spread over the interval so
// that lines do not burst together. A meter that fails is tried again within its round; one that fails round after
// round is called dead and asked less and less often, by a single probe that brings it back.
//
// Two rules. A reading keeps the time at which the meter answered, however long it waits for the [Sink]; nothing here
// ever writes to it. And a meter that did not answer gives a [meter.Failure], never a zero and never its last value.
package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tally/meter"
)

// Sink keeps what the schedule brings. Its methods are called from one goroutine, one after the other, in the order in
// which things happened. A nil error proves that the value is kept for good. After an error the same value comes again,
// with growing pauses, and nothing else before it, unless the error matches ErrNever.
type Sink interface {
	Keep(ctx context.Context, r meter.Reading) error
	Fail(ctx context.Context, f meter.Failure) error
}

// ErrNever is returned by a Sink that will not take this value at any time. It is counted as lost and logged.
var ErrNever = errors.New("value will never be accepted")

// ErrUnknown says that no target has that ID.
var ErrUnknown = errors.New("meter is not in the schedule")

// Target is one meter in the schedule.
type Target struct {
	ID    meter.ID
	Line  string // name of the line; meters of one line are read one after the other
	Meter meter.Meter
	Every time.Duration // interval, at least a second
	Model string        // for people
}

// Options tune a Poller; the zero value is useful.
type Options struct {
	Retries   int           // further tries within a round; 0 = 2, negative = none
	DeadAfter int           // failed rounds after which a meter is dead; 0 = 3
	Slowest   time.Duration // longest interval between probes of a dead meter; 0 = 15 min
	Limit     time.Duration // longest time for one read, the wait for the line included; 0 = 30 s
	Queue     int           // values that wait for a Sink which refuses; 0 = 10 000
	Log       *slog.Logger  // nil = slog.Default()
}

func (o Options) withDefaults() Options {
	o.Retries = max(cmp.Or(o.Retries, 2), 0)
	o.DeadAfter = cmp.Or(o.DeadAfter, 3)
	o.Slowest = cmp.Or(o.Slowest, 15*time.Minute)
	o.Limit = cmp.Or(o.Limit, 30*time.Second)
	o.Queue = cmp.Or(o.Queue, 10_000)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Poller is the schedule. Its methods may be called from several goroutines.
type Poller struct {
	opts  Options
	queue *queue

	mu      sync.Mutex
	targets map[meter.ID]*target
	order   []*target // as added
	running bool
}

// target is a Target and what is known of it. The Poller's mutex guards all but the Target itself.
type target struct {
	Target
	last     *meter.Reading
	failure  *meter.Failure
	failed   int // rounds in a row
	interval time.Duration
	next     time.Time
}

// New makes an empty schedule that hands over to sink.
func New(sink Sink, opts Options) *Poller {
	opts = opts.withDefaults()
	return &Poller{opts: opts, queue: newQueue(sink, opts), targets: map[meter.ID]*target{}}
}

// Add puts a meter into the schedule. It must be called before Run.
func (p *Poller) Add(t Target) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.running:
		return fmt.Errorf("add meter %s: the schedule is running", t.ID)
	case t.ID == "" || t.Meter == nil:
		return fmt.Errorf("add meter %q: number and driver are needed", t.ID)
	case t.Every < time.Second:
		return fmt.Errorf("add meter %s: interval %s is below a second", t.ID, t.Every)
	case p.targets[t.ID] != nil:
		return fmt.Errorf("add meter %s: it is in the schedule already", t.ID)
	}
	n := &target{Target: t, interval: t.Every}
	p.targets[t.ID] = n
	p.order = append(p.order, n)
	return nil
}

// Run reads all meters until ctx ends, and then hands over what still waits, each value once. It may be called once.
func (p *Poller) Run(ctx context.Context) error {
	lines, err := p.start(time.Now())
	if err != nil {
		return err
	}
	var readers, keeper sync.WaitGroup
	keep, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	keeper.Go(func() { p.queue.run(keep) })
	for _, targets := range lines {
		readers.Go(func() { p.runLine(ctx, targets) })
	}
	<-ctx.Done()
	readers.Wait()
	stop()
	keeper.Wait()
	return nil
}

// start gives every meter its first time, and returns the meters by line.
func (p *Poller) start(now time.Time) ([][]*target, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running {
		return nil, errors.New("run schedule: it has been run before")
	}
	p.running = true
	at := map[string]int{}
	var lines [][]*target
	for _, t := range p.order {
		i, ok := at[t.Line]
		if !ok {
			i = len(lines)
			at[t.Line] = i
			lines = append(lines, nil)
		}
		lines[i] = append(lines[i], t)
	}
	for i, targets := range lines {
		for j, t := range targets {
			// j-th of the line's meters, and the i-th line a little later than the one before.
			slots := int64(len(targets)) * int64(len(lines))
			t.next = now.Add(time.Duration(int64(t.Every) / slots * int64(j*len(lines)+i)))
		}
	}
	return lines, nil
}

// runLine reads the meters of one line, always the one that is due first.
func (p *Poller) runLine(ctx context.Context, targets []*target) {
	for {
		p.mu.Lock()
		t := slices.MinFunc(targets, func(a, b *target) int { return a.next.Compare(b.next) })
		wait := time.Until(t.next)
		p.mu.Unlock()
		if !pause(ctx, wait) {
			return
		}
		p.round(ctx, t)
	}
}

// pause waits, and returns false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
