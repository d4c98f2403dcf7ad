package poll

import (
	"time"

	"tally/meter"
)

// State is what is known of one meter at this instant.
type State struct {
	ID      meter.ID
	Line    string
	Model   string
	Every   time.Duration
	Last    *meter.Reading // the last one, with its own time and marks; nil if there was none since the start
	Failure *meter.Failure // why the latest try failed; nil if it succeeded
	Failed  int            // failed rounds in a row
	Dead    bool           // given up for now, probed from time to time
	Since   time.Time      // when it was given up; zero unless dead
	Next    time.Time      // when it is due
	Think   time.Duration  // how long it may think now, as learnt; 0 = the driver's own
	Valve   meter.ValveState
	Clock   *Clock // nil if it was never read
}

// Clock is how a meter's clock was when it was last read.
type Clock struct {
	At    time.Time
	Ahead time.Duration // of the node's clock
}

// States returns all meters in the order in which they were added. The caller must not change what they point to.
func (p *Poller) States() []State {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]State, 0, len(p.order))
	for _, t := range p.order {
		all = append(all, p.state(t))
	}
	return all
}

// state is one meter's. Call with p.mu held.
func (p *Poller) state(t *target) State {
	s := State{
		ID: t.ID, Line: t.Line, Model: t.Model, Every: t.Every, Last: t.last, Failure: t.failure,
		Failed: t.failed, Dead: t.failed >= p.opts.DeadAfter, Next: t.due(), Think: t.pace.think(0), Valve: t.valve.state,
	}
	if s.Dead {
		s.Since = t.deadAt
	}
	if t.valve.unknown {
		s.Valve = meter.ValveUnknown
	}
	if !t.clock.at.IsZero() {
		s.Clock = &Clock{At: t.clock.at, Ahead: t.clock.ahead}
	}
	if o := t.lane.down; o != nil {
		s.Failure, s.Next = o.failure(t), t.lane.hold
	}
	return s
}

// LineState is what is known of one line at this instant.
type LineState struct {
	Line   string
	Meters int
	Dead   int
	Down   bool      // nobody on it answers
	Since  time.Time // since when; zero unless down
	Code   string    // why; empty unless down
	Heard  time.Time // when somebody last answered; zero if nobody did since the start
	Next   time.Time // when it is asked again; zero unless down
}

// Lines returns all lines in the order of their first meters.
func (p *Poller) Lines() []LineState {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]LineState, 0, len(p.lanes))
	for _, l := range p.lanes {
		s := LineState{Line: l.name, Meters: len(l.targets), Heard: l.heardAt}
		for _, t := range l.targets {
			if t.failed >= p.opts.DeadAfter {
				s.Dead++
			}
		}
		if o := l.down; o != nil {
			s.Down, s.Since, s.Code, s.Next = true, o.since, o.code, l.hold
		}
		all = append(all, s)
	}
	return all
}

// nobody watches.
type nobody struct{}

func (nobody) Judge(meter.Reading) meter.Quality                    { return nil }
func (nobody) Missed(meter.Failure)                                 {}
func (nobody) LineDown(string, time.Time, time.Time, string, int)   {}
func (nobody) LineBack(string, time.Time)                           {}
func (nobody) Clock(id meter.ID, at time.Time, ahead time.Duration) {}

// Stats counts what happened between the schedule and its Sink.
type Stats struct {
	Kept    uint64 // readings that the Sink took
	Failed  uint64 // failures that the Sink took
	Refused uint64 // times that the Sink refused a value; it was tried again
	Lost    uint64 // values given up: the queue was full, refused for ever, or still waiting at the end
	Waiting int    // values that wait now
}

// Stats returns the figures of this instant.
func (p *Poller) Stats() Stats { return p.queue.figures() }
