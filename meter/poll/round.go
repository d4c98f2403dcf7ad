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

// busyPause is how long a meter that says it is busy is left alone before the next try.
const busyPause = 500 * time.Millisecond

// round reads one meter, with retries, and decides when it is due again.
func (p *Poller) round(ctx context.Context, t *target) {
	dead, from := p.dead(t), time.Now()
	err := p.tries(ctx, t, dead)
	switch {
	case ctx.Err() != nil:
		return // stopped: that says nothing about the meter
	case err == nil:
	case noTurn(err):
		p.remember(t, err)
	case errors.Is(err, meter.ErrLine):
		p.lostLine(t, err)
		return // it stays due
	case !errors.Is(err, meter.ErrSilent):
		p.heard(t) // somebody talks on the line
		p.fail(t, err)
	case dead || p.silent(ctx, t, err):
		p.fail(t, err)
	}
	if dead && err != nil {
		p.spent(t, time.Since(from))
	}
	p.plan(t, time.Now())
}

// tries asks until there is a reading, no further try is left or none would help.
func (p *Poller) tries(ctx context.Context, t *target, dead bool) error {
	tries := 1 + p.opts.Retries
	if dead {
		tries = 1
	}
	var err error
	for try := range tries {
		if try > 0 && errors.Is(err, meter.ErrBusy) && !pause(ctx, busyPause) {
			return err
		}
		if dead {
			try++ // a single probe is patient
		}
		var r meter.Reading
		if r, err = p.read(ctx, t, line.Scheduled, try); err == nil {
			p.keep(t, r)
			return nil
		}
		if ctx.Err() != nil || !worthwhile(err) {
			return err
		}
	}
	return err
}

// worthwhile tells whether asking again at once could help: not if the line is down or the meter understood and said
// no.
func worthwhile(err error) bool {
	return !errors.Is(err, meter.ErrLine) && (!errors.Is(err, meter.ErrException) || errors.Is(err, meter.ErrBusy))
}

// read asks the meter once, within the limit.
func (p *Poller) read(ctx context.Context, t *target, priority line.Priority, try int) (meter.Reading, error) {
	ctx, cancel := context.WithTimeoutCause(line.WithPriority(ctx, priority), p.opts.Limit, errNoTurn)
	defer cancel()
	from, pace := time.Now(), line.Pace{Think: p.think(t, try)}
	r, err := t.Meter.Read(line.WithPace(ctx, &pace))
	if err == nil {
		err = sound(t, r)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		t.cost = time.Since(from)
		return meter.Reading{}, err
	}
	t.pace.note(pace.Took)
	return r, nil
}

func (p *Poller) think(t *target, try int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return t.pace.think(try)
}

// sound refuses a reading that is not of this meter or of no time.
func sound(t *target, r meter.Reading) error {
	switch {
	case r.Meter != t.ID:
		return fmt.Errorf("reading is of meter %s: %w", r.Meter, meter.ErrForeign)
	case r.At.IsZero():
		return fmt.Errorf("reading has no time: %w", meter.ErrMalformed)
	}
	return nil
}

// keep has a reading judged, notes it and hands it over, marks included. Nothing else of it is changed.
func (p *Poller) keep(t *target, r meter.Reading) meter.Reading {
	t.judging.Lock()
	defer t.judging.Unlock()
	r.Quality = marked(r.Quality, p.opts.Watch.Judge(r))
	p.mu.Lock()
	before := t.answered
	t.last, t.answered, t.freeze = &r, r.At, false
	t.failure, t.told, t.failed, t.interval = nil, "", 0, t.Every
	t.valve.read(r)
	p.mu.Unlock()
	p.queue.put(item{reading: &r})
	p.heard(t)
	p.fill(t, before, r.At)
	return r
}

// marked joins marks without touching either list.
func marked(have, more meter.Quality) meter.Quality {
	all := slices.Clip(slices.Clone(have))
	for _, m := range more {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}

// fail notes a failed round that is the meter's own, and hands the failure over when it is news.
func (p *Poller) fail(t *target, err error) {
	f := p.remember(t, err)
	p.mu.Lock()
	t.failed++
	if t.failed == p.opts.DeadAfter {
		t.deadAt = f.At
	}
	if t.failed >= p.opts.DeadAfter {
		t.interval = min(2*t.interval, max(p.opts.Slowest, t.Every))
	}
	news := t.told != f.Code
	t.told = f.Code
	all, since := p.allDead(t.lane), t.lane.heardAt
	if since.IsZero() {
		since = f.At
	}
	p.mu.Unlock()
	if news {
		p.queue.put(item{failure: &f})
	}
	p.opts.Watch.Missed(f)
	if all {
		p.lineDown(t.lane, since, err)
	}
}

// allDead tells whether a line has several meters and none that lives. Call with p.mu held.
func (p *Poller) allDead(l *lane) bool {
	return len(l.targets) > 1 && l.down == nil &&
		!slices.ContainsFunc(l.targets, func(t *target) bool { return t.failed < p.opts.DeadAfter })
}

func (p *Poller) remember(t *target, err error) meter.Failure {
	f := meter.Failure{Meter: t.ID, At: p.opts.Now(), Line: t.Line, Code: meter.Code(err), Text: err.Error()}
	p.mu.Lock()
	t.failure = &f
	p.mu.Unlock()
	return f
}

// plan sets the next time: on the meter's own grid, leaving out what has passed. A midnight reading moves no grid.
func (p *Poller) plan(t *target, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !t.next.After(now) {
		t.next = t.next.Add(t.interval)
		if late := now.Sub(t.next); late > 0 {
			t.next = t.next.Add((late/t.interval + 1) * t.interval)
		}
	}
	t.freeze = t.freeze && t.failed < p.opts.DeadAfter
	t.freezeAt = now.Add(freezeRetry)
}

func (p *Poller) dead(t *target) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return t.failed >= p.opts.DeadAfter
}
