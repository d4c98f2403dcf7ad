// Package poll decides which meter is read when, and hands over what came of it.
//
// Each line has one goroutine that reads its meters one after the other, the first readings spread over the interval so
// that lines do not burst together, and one for what can wait (history, clocks). A meter that fails is tried again
// within its round; one that fails round after round is called dead and asked less and less often, by a single probe
// that brings it back, in the line's idle time and for a small share of its busy time. When nobody on a line answers any
// more it is the line that is down: that is one alarm, its meters are not blamed, and single probes find out when it is
// back.
//
// Two rules. A reading keeps the time at which the meter answered, however long it waits for the [Sink]; nothing here
// ever writes to it. And a meter that did not answer gives a [meter.Failure], never a zero and never its last value.
//
// Failures are bounded: one when a meter stops answering or fails in another way than before, and one a local day as
// long as it lasts. A line that is down gives its meters none but the daily one. Who asks by ReadNow gets one each time.
package poll

import (
	"context"
	"errors"
	"fmt"
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

// Watch is told what happens, at once and before the Sink. Its methods are called from several goroutines, for one meter
// in the order in which it answered; they must not wait.
type Watch interface {
	// Judge returns the marks of a reading. It is called for each once, except for history.
	Judge(r meter.Reading) meter.Quality
	// Missed says that a meter did not answer in a round, on a line where others do.
	Missed(f meter.Failure)
	// LineDown says that nobody on a line of n meters has answered since; LineBack that somebody does again.
	LineDown(line string, since, at time.Time, code string, n int)
	LineBack(line string, at time.Time)
	// Clock says how far a meter's clock is ahead of the node's.
	Clock(id meter.ID, at time.Time, ahead time.Duration)
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

	// Fast and Slow bound how long the meter may think before its answer counts as missing. Within them the schedule
	// learns how long it needs; a question that went unanswered is asked again with Slow. 0 = the driver's own.
	Fast, Slow time.Duration

	Permit Permit    // what the node may do with its valve
	Seen   time.Time // when it last answered, as far as is known from before the start
}

// Permit says which ways a node may move a valve. The zero value permits none.
type Permit struct {
	Close bool // shut the customer off
	Open  bool // arm: allow the customer to open at the meter
}

// Poller is the schedule. Its methods may be called from several goroutines.
type Poller struct {
	opts  Options
	queue *queue

	mu      sync.Mutex
	targets map[meter.ID]*target
	order   []*target // as added
	lanes   []*lane   // in order of their first target
	running bool
}

// target is a Target and what is known of it. The Poller's mutex guards all but the Target itself.
type target struct {
	Target
	lane     *lane
	last     *meter.Reading
	failure  *meter.Failure
	told     string // code of the failure that was handed over since it last answered
	answered time.Time
	failed   int       // rounds in a row
	deadAt   time.Time // when it was given up; only while it is dead
	vouch    bool      // its silence says something about the line
	interval time.Duration
	next     time.Time
	freeze   bool          // the reading of this midnight is still to come,
	freezeAt time.Time     // not before
	cost     time.Duration // how long its last silence took
	pace     pace
	valve    valve
	clock    clockState

	judging sync.Mutex // held while a reading is judged and handed over, so that both happen in one order
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
	case t.Fast < 0 || t.Slow < t.Fast:
		return fmt.Errorf("add meter %s: bounds %s to %s of its time to think are no range", t.ID, t.Fast, t.Slow)
	case p.targets[t.ID] != nil:
		return fmt.Errorf("add meter %s: it is in the schedule already", t.ID)
	}
	n := &target{Target: t, lane: p.laneOf(t.Line), interval: t.Every, answered: t.Seen, vouch: true, pace: pace{fast: t.Fast, slow: t.Slow}}
	n.lane.targets = append(n.lane.targets, n)
	p.targets[t.ID] = n
	p.order = append(p.order, n)
	return nil
}

// laneOf finds or makes the lane of a line. Call with p.mu held.
func (p *Poller) laneOf(line string) *lane {
	for _, l := range p.lanes {
		if l.name == line {
			return l
		}
	}
	l := &lane{name: line, wake: make(chan struct{}, 1), more: make(chan struct{}, 1)}
	p.lanes = append(p.lanes, l)
	return l
}

// Run reads all meters until ctx ends, and then hands over what still waits, each value once. It may be called once.
func (p *Poller) Run(ctx context.Context) error {
	if err := p.start(time.Now()); err != nil {
		return err
	}
	var readers, keeper sync.WaitGroup
	keep, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	keeper.Go(func() { p.queue.run(keep) })
	for _, l := range p.lanes {
		readers.Go(func() { p.runLane(ctx, l) })
		readers.Go(func() { p.runChores(ctx, l) })
	}
	<-ctx.Done()
	readers.Wait()
	stop()
	keeper.Wait()
	return nil
}

// start gives every meter its first time.
func (p *Poller) start(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running {
		return errors.New("run schedule: it has been run before")
	}
	p.running = true
	for i, l := range p.lanes {
		l.day = p.day()
		p.spread(l, i, now)
	}
	return nil
}

// spread gives the meters of the i-th line their times: one after the other over the interval, each line a little later
// than the one before. Call with p.mu held.
func (p *Poller) spread(l *lane, i int, now time.Time) {
	slots := int64(len(l.targets)) * int64(len(p.lanes))
	for j, t := range l.targets {
		t.next = now.Add(time.Duration(int64(t.Every) / slots * int64(j*len(p.lanes)+i)))
	}
}

// find returns the target of a meter.
func (p *Poller) find(id meter.ID) (*target, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.targets[id]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("meter %.40q: %w", id, ErrUnknown)
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
