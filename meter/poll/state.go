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
	Last    *meter.Reading // the last one, with its own time; nil if there was none since the start
	Failure *meter.Failure // why the latest try failed; nil if it succeeded
	Failed  int            // failed rounds in a row
	Dead    bool           // given up for now, probed from time to time
	Next    time.Time      // when it is due
}

// States returns all meters in the order in which they were added. The caller must not change what they point to.
func (p *Poller) States() []State {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]State, 0, len(p.order))
	for _, t := range p.order {
		all = append(all, State{
			ID: t.ID, Line: t.Line, Model: t.Model, Every: t.Every, Last: t.last, Failure: t.failure,
			Failed: t.failed, Dead: t.failed >= p.opts.DeadAfter, Next: t.next,
		})
	}
	return all
}

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
