package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// outage is a line on which nobody answers.
type outage struct {
	since time.Time // first question without an answer, by the wall clock
	code  string    // meter.Code of what is wrong: line, silent
	pause time.Duration
	turn  int // whom to ask next
	asked time.Time
}

// Pauses between probes of a line that is down.
const (
	firstProbe   = time.Second
	longestProbe = 30 * time.Second
	lostPause    = time.Second // before a lost port is tried again
)

// candidate is the next meter to be asked on a line that is down: each in its turn, the dead ones only if there are no
// others.
func (o *outage) candidate(l *lane, deadAfter int) *target {
	for range l.targets {
		t := l.targets[o.turn%len(l.targets)]
		o.turn++
		if t.failed < deadAfter {
			return t
		}
	}
	o.turn++
	return l.targets[o.turn%len(l.targets)]
}

// noTurn tells whether a read failed only because somebody else had the line all the time: that says nothing about the
// line or the meter.
func noTurn(err error) bool {
	return errors.Is(err, meter.ErrLine) && errors.Is(err, errNoTurn)
}

// errNoTurn is why a read ends that took longer than the limit.
var errNoTurn = errors.New("no turn or no end within the limit of a read")

// heard notes that somebody on the line answered, if only with noise. A line that was down is back.
func (p *Poller) heard(t *target) {
	p.mu.Lock()
	l := t.lane
	l.quiet, l.lost = nil, time.Time{}
	was := l.down
	if was != nil {
		p.revive(l, t)
	}
	t.vouch, l.heardAt = true, p.opts.Now()
	p.mu.Unlock()
	if was != nil {
		now := p.opts.Now()
		p.opts.Watch.LineBack(l.name, now)
		p.opts.Log.Info("line is back", "line", l.name, "since", was.since, "meter", t.ID)
		hint(l.wake)
	}
}

// revive ends an outage. Until they have answered, the other meters are no witnesses for another one; and those that were
// called dead because of this one are not. Call with p.mu held.
func (p *Poller) revive(l *lane, t *target) {
	l.down, l.hold = nil, time.Time{}
	for _, other := range l.targets {
		other.vouch = other == t
		if other.failed >= p.opts.DeadAfter && !other.deadAt.Before(l.heardAt) {
			other.failed, other.interval = 0, other.Every
		}
	}
}

// lostLine notes that the port or connection could not be used. It is tried again soon; if that lasts, the line is down.
func (p *Poller) lostLine(t *target, err error) {
	p.remember(t, err)
	p.mu.Lock()
	l, now := t.lane, time.Now()
	if l.lost.IsZero() {
		l.lost = now
	}
	l.hold = now.Add(lostPause)
	long := now.Sub(l.lost) >= p.opts.LostAfter && l.down == nil
	since := p.opts.Now().Add(-now.Sub(l.lost))
	p.mu.Unlock()
	if long {
		p.lineDown(l, since, err)
	}
}

// silent notes that a meter did not answer, and tells whether that is the meter's own doing: not if the line is down.
func (p *Poller) silent(ctx context.Context, t *target, err error) (blame bool) {
	l := t.lane
	p.mu.Lock()
	l.lost = time.Time{}
	if t.vouch && !slices.Contains(l.quiet, t) {
		if len(l.quiet) == 0 {
			l.quietAt = p.opts.Now()
		}
		l.quiet = append(l.quiet, t)
	}
	since := l.quietAt
	suspicious := len(l.quiet) >= p.enough(l)
	p.mu.Unlock()
	if !suspicious || p.anybody(ctx, l) {
		return true
	}
	if ctx.Err() == nil {
		p.lineDown(l, since, err)
	}
	return false
}

// enough is how many silent witnesses make a line suspicious. Call with p.mu held.
func (p *Poller) enough(l *lane) int {
	witnesses := 0
	for _, t := range l.targets {
		if t.vouch && t.failed < p.opts.DeadAfter {
			witnesses++
		}
	}
	return max(min(witnesses, p.opts.CutAfter), 2)
}

// anybody asks some of the other witnesses once each, spread over the line: a riser whose lower half lost its power is
// not cut.
func (p *Poller) anybody(ctx context.Context, l *lane) bool {
	p.mu.Lock()
	others := slices.DeleteFunc(slices.Clone(l.targets), func(t *target) bool {
		return !t.vouch || t.failed >= p.opts.DeadAfter || slices.Contains(l.quiet, t)
	})
	l.quiet = nil
	p.mu.Unlock()
	n := min(len(others), p.opts.CutAfter)
	for i := range n {
		t := others[i*len(others)/n]
		if err := p.once(ctx, t, line.Scheduled, 1); !errors.Is(err, meter.ErrSilent) && !errors.Is(err, meter.ErrLine) {
			p.heard(t)
			return true
		}
	}
	return false
}

// lineDown begins an outage: one alarm for the line, none for its meters.
func (p *Poller) lineDown(l *lane, since time.Time, err error) {
	p.mu.Lock()
	if l.down != nil {
		p.mu.Unlock()
		return
	}
	l.down = &outage{since: since, code: meter.Code(err), pause: firstProbe}
	l.quiet, l.hold = nil, time.Now().Add(firstProbe)
	for _, t := range l.targets {
		if t.failed < p.opts.DeadAfter {
			t.failed = 0
		}
	}
	n := len(l.targets)
	p.mu.Unlock()
	p.opts.Watch.LineDown(l.name, since, p.opts.Now(), meter.Code(err), n)
	p.opts.Log.Error("line is down, nobody on it answers", "line", l.name, "since", since, "meters", n, "err", err)
}

// probeLine asks one meter of a line that is down, once.
func (p *Poller) probeLine(ctx context.Context, l *lane, t *target) {
	err := p.once(ctx, t, line.Scheduled, 1)
	if ctx.Err() != nil {
		return
	}
	alone := len(l.targets) == 1 && errors.Is(err, meter.ErrSilent) // the port is back; whether the meter is, its rounds tell
	if alone || !errors.Is(err, meter.ErrSilent) && !errors.Is(err, meter.ErrLine) {
		p.heard(t)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.down != nil {
		l.down.code, l.down.asked = meter.Code(err), p.opts.Now()
		l.down.pause = min(2*l.down.pause, longestProbe)
		l.hold = time.Now().Add(l.down.pause)
	}
}

// once asks a meter a single time outside its rounds, and keeps what it says.
func (p *Poller) once(ctx context.Context, t *target, priority line.Priority, try int) error {
	r, err := p.read(ctx, t, priority, try)
	if err == nil {
		p.keep(t, r)
		return nil
	}
	if ctx.Err() == nil {
		p.remember(t, err)
	}
	return fmt.Errorf("probe line: %w", err)
}
