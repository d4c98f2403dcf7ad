package poll

import (
	"fmt"
	"time"

	"tally/meter"
)

// date is a local day.
type date struct {
	year int
	yday int
}

func dateOf(t time.Time) date { return date{t.Year(), t.YearDay()} }

func (d date) before(o date) bool { return d.year < o.year || d.year == o.year && d.yday < o.yday }

// day is the local day by the wall clock.
func (p *Poller) day() date {
	if p.opts.Zone == nil {
		return date{}
	}
	return dateOf(p.opts.Now().In(p.opts.Zone))
}

// freezeRetry is how soon a living meter whose midnight reading failed is asked again.
const freezeRetry = 10 * time.Minute

// turnDay begins a local day on a line when it has come: every living meter is due at once, for the daily freeze, and the
// failures that last are told again. It returns how long it is to the next one. A clock that is set back begins no day.
// Call with p.mu held.
func (p *Poller) turnDay(l *lane, now time.Time) time.Duration {
	wall := p.opts.Now().In(p.opts.Zone)
	today := dateOf(wall)
	if l.day.before(today) {
		for i, t := range l.targets {
			p.remind(t, wall)
			if t.failed < p.opts.DeadAfter {
				t.freeze, t.freezeAt = true, now.Add(time.Duration(i)) // one after the other, in their order
			}
		}
	}
	l.day = today
	midnight := time.Date(wall.Year(), wall.Month(), wall.Day()+1, 0, 0, 0, 0, p.opts.Zone)
	return max(midnight.Sub(wall), time.Millisecond)
}

// remind hands over a failure that lasts. Call with p.mu held.
func (p *Poller) remind(t *target, at time.Time) {
	f := t.failure
	if o := t.lane.down; o != nil {
		f = o.failure(t)
	}
	if f == nil || t.told == "" && t.lane.down == nil {
		return
	}
	again := *f
	again.At, again.Text = at, fmt.Sprintf("%s (it lasts; last asked %s)", f.Text, f.At.UTC().Format(time.RFC3339))
	p.queue.put(item{failure: &again})
}

// failure is what is known of a meter while its line is down.
func (o *outage) failure(t *target) *meter.Failure {
	at := o.asked
	if at.IsZero() {
		at = o.since
	}
	return &meter.Failure{Meter: t.ID, At: at, Line: t.Line, Code: o.code, Text: "nobody on the line answers since " + o.since.UTC().Format(time.RFC3339)}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
