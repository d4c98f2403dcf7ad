package quality

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tally/meter"
	"tally/meter/quantity"
)

// ErrNone says that a Book has nothing under a name.
var ErrNone = errors.New("nothing is kept under that name")

// Book keeps what is known over a restart.
type Book interface {
	// Load returns what was saved last under a name, or an error matching ErrNone.
	Load(ctx context.Context, name string) (json.RawMessage, error)
	// Save keeps everything of a page in one durable step, or nothing. It is called from one goroutine, and again with the
	// same page after an error.
	Save(ctx context.Context, p Page) error
}

// Page is what belongs together: events and days, and the states after which they are not told again.
type Page struct {
	States map[string]json.RawMessage
	Events []Event
	Lines  []LineEvent
	Days   []Day
}

// Options of a Desk; the zero value is useful.
type Options struct {
	Zone       *time.Location       // local time of the utility; nil = no daily ledger
	Classes    map[Class]Thresholds // nil = Defaults
	ClockLimit time.Duration        // how far a meter's clock may be off; 0 = 2 min
	SaveEvery  time.Duration        // how often what has only moved on is saved; 0 = 1 h. Events are saved at once
	Log        *slog.Logger         // nil = slog.Default
}

// Desk looks at all meters of a node. Its methods may be called from several goroutines. It implements what the
// schedule calls a Watch.
type Desk struct {
	book Book
	opts Options
	more chan struct{} // a hint that there is something to tell

	mu     sync.Mutex
	meters map[meter.ID]*entry
	order  []*entry
	lines  map[string]*lineEntry
	lost   uint64
}

// entry is one meter with what is to be told of it.
type entry struct {
	Meter
	limits Thresholds
	state  state
	moves  uint64 // counts what changed the state
	saved  uint64 // of them
	events []Event
	days   []Day
}

// maxTold bounds what waits to be told of one meter or line while the book refuses.
const maxTold = 64

// New makes a desk for the meters and loads what is known of them. A state that cannot be read is left out, with a word in
// the log: what is known begins anew.
func New(ctx context.Context, book Book, meters []Meter, opts Options) (*Desk, error) {
	if opts.Classes == nil {
		opts.Classes = Defaults()
	}
	if opts.ClockLimit <= 0 {
		opts.ClockLimit = 2 * time.Minute
	}
	if opts.SaveEvery <= 0 {
		opts.SaveEvery = time.Hour
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	d := &Desk{book: book, opts: opts, more: make(chan struct{}, 1), meters: map[meter.ID]*entry{}, lines: map[string]*lineEntry{}}
	for _, m := range meters {
		limits, ok := opts.Classes[m.Class]
		if !ok {
			return nil, fmt.Errorf("meter %s: class %q has no thresholds", m.ID, m.Class)
		}
		e := &entry{Meter: m, limits: limits}
		var err error
		if e.state, err = load(ctx, d, e.key(), (*state).sane); err != nil {
			return nil, err
		}
		d.meters[m.ID] = e
		d.order = append(d.order, e)
		if err := d.loadLine(ctx, m.Line); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (e *entry) key() string { return "meter/" + string(e.ID) }

// load reads what is kept under a name. What is not sane is left out.
func load[T any](ctx context.Context, d *Desk, name string, sane func(*T) bool) (T, error) {
	var v, none T
	raw, err := d.book.Load(ctx, name)
	switch {
	case errors.Is(err, ErrNone):
		return none, nil
	case err != nil:
		return none, fmt.Errorf("load what is known of %s: %w", name, err)
	}
	if err := json.Unmarshal(raw, &v); err != nil || !sane(&v) {
		d.opts.Log.Error("what was known cannot be read and begins anew", "name", name, "err", err)
		return none, nil
	}
	return v, nil
}

// Resume shows the desk a reading that was stored before the start: the newest of its meter may be younger than what the
// book knows.
func (d *Desk) Resume(r meter.Reading) {
	d.mu.Lock()
	e := d.meters[r.Meter]
	known := e == nil || e.state.Last != nil && !r.At.After(e.state.Last.At) || has(r.Quality, meter.Remembered)
	odd := e != nil && e.state.Good == nil && len(r.Quality) > 0 // no ground to begin on
	d.mu.Unlock()
	if !known && !odd {
		d.Judge(r)
	}
}

// Judge returns the marks of a reading, notes what it says, and changes nothing of it. A reading that comes twice gets the
// same marks twice and counts once.
func (d *Desk) Judge(r meter.Reading) meter.Quality {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.meters[r.Meter]
	if e == nil || has(r.Quality, meter.Remembered) {
		return nil
	}
	s, sum := &e.state, sumOf(r)
	if marks, again := s.twice(r, sum); again {
		return slices.Clone(marks)
	}
	if late(s, r) {
		return nil
	}
	if l := d.lines[e.Line]; l != nil && r.At.After(l.state.Since) { // it answers: also ends an outage from before the start
		d.back(l, r.At)
	}
	v := e.check(s, r)
	if abs(s.Ahead) > d.opts.ClockLimit {
		v.mark(meter.ClockDrift)
	}
	s.saw(r, sum, v.marks)
	events := e.answered(s, e.limits, r)
	events = append(events, e.counted(s, e.limits, r, v)...)
	day, more := e.closeDay(s, e.limits, r, v, d.opts.Zone)
	events = append(append(events, more...), e.running(s, e.limits, v)...)
	d.tell(e, events, day)
	return slices.Clone(v.marks)
}

// overtaken is how far behind the newest a reading may be that was overtaken on its way; what is older comes from a clock
// that was set back.
const overtaken = time.Minute

// late tells whether a younger reading was judged already: nothing can be said by comparing with it.
func late(s *state, r meter.Reading) bool {
	behind := time.Duration(0)
	if s.Last != nil {
		behind = s.Last.At.Sub(r.At)
	}
	return behind > 0 && behind <= overtaken
}

// Missed notes that a meter did not answer in a round, on a line where others do.
func (d *Desk) Missed(f meter.Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.meters[f.Meter]; e != nil && f.At.Year() >= firstSound {
		d.tell(e, e.missed(&e.state, e.limits, f.At, f.Code), nil)
	}
}

// Clock notes how far a meter's clock is ahead of the node's.
func (d *Desk) Clock(id meter.ID, at time.Time, ahead time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.meters[id]
	if e == nil {
		return
	}
	e.state.Ahead = ahead
	off := abs(ahead) > d.opts.ClockLimit
	what := Evidence{At: at, Name: "clock_ahead", Value: fmt.Sprint(int64(ahead / time.Second)), Unit: "s"}
	d.tell(e, e.turn(&e.state, Drift, off, !off, at, at, what), nil)
}

// tell queues what is to be told. Call with d.mu held.
func (d *Desk) tell(e *entry, events []Event, day *Day) {
	e.moves++
	for _, ev := range events {
		if len(e.events) == maxTold {
			d.lost++
			continue
		}
		e.events = append(e.events, ev)
	}
	if day != nil {
		if len(e.days) == maxTold {
			d.lost++
		} else {
			e.days = append(e.days, *day)
		}
	}
	if len(events) > 0 || day != nil {
		d.hint()
	}
}

func (d *Desk) hint() {
	select {
	case d.more <- struct{}{}:
	default:
	}
}

// Open lists what is going on, meter by meter in their order, oldest first.
func (d *Desk) Open() []Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Event
	for _, e := range d.order {
		from := len(all)
		for k, ep := range e.state.Events {
			all = append(all, e.event(k, ep, time.Time{}))
		}
		slices.SortFunc(all[from:], func(a, b Event) int {
			return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Kind, b.Kind))
		})
	}
	return all
}

// Ledger is what is remembered of a meter's days.
type Ledger struct {
	Meter     meter.ID
	Class     Class
	Unit      quantity.Unit // in which the meter counts
	Days      []DayUse      // whole days, oldest first, in the base unit
	Compared  bool          // Mean and Deviation are known: there is a week of days
	Mean      int64
	Deviation int64
	Today     int64 // used since the last freeze
	Known     bool  // Today is
}

// Ledger returns the daily ledger of a meter; false for one that is not looked at.
func (d *Desk) Ledger(id meter.ID) (Ledger, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.meters[id]
	if e == nil {
		return Ledger{}, false
	}
	s := &e.state
	l := Ledger{Meter: id, Class: e.Class, Days: slices.Clone(s.Days)}
	if len(s.Days) >= leastDays {
		l.Compared = true
		l.Mean, l.Deviation = spread(s.uses())
	}
	if s.Good != nil {
		l.Unit = s.Good.Unit
		if s.Open0 != nil && s.Open0.Unit == s.Good.Unit && s.Good.N >= s.Open0.N {
			l.Today, l.Known = s.Good.N-s.Open0.N, true
		}
	}
	return l, true
}

// Lost counts what could not be told because the book refused for too long.
func (d *Desk) Lost() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}
