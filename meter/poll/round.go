package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// busyPause is how long a meter that says it is busy is left alone before the next try.
const busyPause = 500 * time.Millisecond

// round reads one meter, with retries, and decides when it is due again.
func (p *Poller) round(ctx context.Context, t *target) {
	tries := 1 + p.opts.Retries
	if p.dead(t) {
		tries = 1
	}
	var err error
	for try := range tries {
		if try > 0 && errors.Is(err, meter.ErrBusy) && !pause(ctx, busyPause) {
			return
		}
		var r meter.Reading
		if r, err = p.read(ctx, t, line.Scheduled); err == nil {
			p.keep(t, r)
			break
		}
		if ctx.Err() != nil {
			return // stopped: that says nothing about the meter
		}
		if !worthwhile(err) {
			break
		}
	}
	if err != nil {
		p.fail(t, err)
	}
	p.plan(t, time.Now())
}

// worthwhile tells whether asking again at once could help: not if the line is down or the meter understood and said
// no.
func worthwhile(err error) bool {
	return !errors.Is(err, meter.ErrLine) && (!errors.Is(err, meter.ErrException) || errors.Is(err, meter.ErrBusy))
}

// read asks the meter once, within the limit.
func (p *Poller) read(ctx context.Context, t *target, priority line.Priority) (meter.Reading, error) {
	ctx, cancel := context.WithTimeout(line.WithPriority(ctx, priority), p.opts.Limit)
	defer cancel()
	r, err := t.Meter.Read(ctx)
	switch {
	case err != nil:
		return meter.Reading{}, err
	case r.Meter != t.ID:
		return meter.Reading{}, fmt.Errorf("reading is of meter %s: %w", r.Meter, meter.ErrForeign)
	case r.At.IsZero():
		return meter.Reading{}, fmt.Errorf("reading has no time: %w", meter.ErrMalformed)
	}
	return r, nil
}

// ReadNow reads one meter at once, before everything scheduled, and hands the reading to the Sink as well. It does not
// retry. A failure is returned and remembered, but not handed over: the schedule does that if it lasts.
func (p *Poller) ReadNow(ctx context.Context, id meter.ID) (meter.Reading, error) {
	p.mu.Lock()
	t := p.targets[id]
	p.mu.Unlock()
	if t == nil {
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", id, ErrUnknown)
	}
	r, err := p.read(ctx, t, line.Interactive)
	if err != nil {
		if ctx.Err() == nil {
			p.remember(t, err)
		}
		return meter.Reading{}, err
	}
	p.keep(t, r)
	p.mu.Lock()
	if t.next.After(time.Now().Add(t.Every)) { // it was dead: back to its own interval
		t.next = time.Now().Add(t.Every)
	}
	p.mu.Unlock()
	return r, nil
}

// keep notes a reading and hands it over.
func (p *Poller) keep(t *target, r meter.Reading) {
	p.mu.Lock()
	t.last, t.failure, t.failed, t.interval = &r, nil, 0, t.Every
	p.mu.Unlock()
	p.queue.put(item{reading: &r})
}

// fail notes a failed round and hands the failure over. A line that is down says nothing about its meters: that alone
// makes none of them dead.
func (p *Poller) fail(t *target, err error) {
	f := p.remember(t, err)
	p.mu.Lock()
	if !errors.Is(err, meter.ErrLine) {
		t.failed++
	}
	if t.failed >= p.opts.DeadAfter {
		t.interval = min(2*t.interval, max(p.opts.Slowest, t.Every))
	}
	p.mu.Unlock()
	p.queue.put(item{failure: &f})
}

func (p *Poller) remember(t *target, err error) meter.Failure {
	f := meter.Failure{Meter: t.ID, At: time.Now(), Line: t.Line, Code: meter.Code(err), Text: err.Error()}
	p.mu.Lock()
	t.failure = &f
	p.mu.Unlock()
	return f
}

// plan sets the next time: on the meter's own grid, leaving out what has passed.
func (p *Poller) plan(t *target, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.next = t.next.Add(t.interval)
	if late := now.Sub(t.next); late > 0 {
		t.next = t.next.Add((late/t.interval + 1) * t.interval)
	}
}

func (p *Poller) dead(t *target) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return t.failed >= p.opts.DeadAfter
}
