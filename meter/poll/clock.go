package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// ErrClock says that the node's own clock is not to be trusted: no meter is measured by it, and none is set.
var ErrClock = errors.New("clock of this node is not sound")

// clockState is what is known of a meter's clock. The Poller's mutex guards it.
type clockState struct {
	at    time.Time // when it was read; zero if never
	ahead time.Duration
	set   time.Time // when it was last set, or tried to
}

// planClocks spreads the first checks of a line over the interval, at most an hour.
func (p *Poller) planClocks(l *lane, now time.Time) {
	if p.opts.ClockEvery <= 0 {
		return
	}
	over := min(p.opts.ClockEvery, time.Hour)
	for i, t := range l.targets {
		if _, ok := t.Meter.(meter.ClockReader); !ok {
			continue
		}
		due := now.Add(over / time.Duration(len(l.targets)) * time.Duration(i+1))
		p.add(&chore{t: t, due: due, what: "clock", do: func(ctx context.Context) time.Duration { return p.tendClock(ctx, t) }})
	}
}

// tendClock compares a meter's clock and sets it right where that is wanted. It returns when to look again, 0 for never.
func (p *Poller) tendClock(ctx context.Context, t *target) time.Duration {
	ahead, err := p.checkClock(ctx, t, line.Backfill)
	switch {
	case errors.Is(err, meter.ErrUnable) || errors.Is(err, meter.ErrException):
		return 0
	case err != nil:
		return max(p.opts.ClockEvery/8, choreLater)
	case abs(ahead) > p.opts.ClockLimit && p.maySet(t, ahead):
		if err := p.setClock(ctx, t); err != nil {
			p.opts.Log.Warn("clock of the meter could not be set", "meter", t.ID, "ahead", ahead, "err", err)
		}
	}
	return p.opts.ClockEvery
}

// aroundMidnight is how long before and after local midnight no clock is set: a meter that freezes its own values must
// pass it once.
const aroundMidnight = 15 * time.Minute

// maySet tells whether the node may set a clock by itself now: not too often, and not across a midnight of either clock.
func (p *Poller) maySet(t *target, ahead time.Duration) bool {
	p.mu.Lock()
	set := t.clock.set
	p.mu.Unlock()
	if !p.opts.SetClocks || !set.IsZero() && time.Since(set) < p.opts.SetEvery {
		return false
	}
	zone := p.opts.Zone
	if zone == nil {
		zone = time.UTC
	}
	now := p.opts.Now().In(zone)
	since := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute
	if since < aroundMidnight || since > 24*time.Hour-aroundMidnight {
		return false
	}
	return abs(ahead) > 12*time.Hour || dateOf(now.Add(ahead)) == dateOf(now) // a clock that is days off has no midnight to lose
}

// CheckClock reads a meter's clock and returns how far it is ahead of the node's. It does not retry.
func (p *Poller) CheckClock(ctx context.Context, id meter.ID) (time.Duration, error) {
	t, err := p.find(id)
	if err != nil {
		return 0, fmt.Errorf("check clock: %w", err)
	}
	return p.checkClock(ctx, t, line.Command)
}

func (p *Poller) checkClock(ctx context.Context, t *target, priority line.Priority) (time.Duration, error) {
	c, ok := t.Meter.(meter.ClockReader)
	if !ok {
		return 0, fmt.Errorf("check clock of meter %s: %w", t.ID, meter.ErrUnable)
	}
	if !p.opts.Sound() {
		return 0, fmt.Errorf("check clock of meter %s: %w", t.ID, ErrClock)
	}
	ctx, cancel := context.WithTimeout(line.WithPriority(ctx, priority), p.opts.Limit)
	defer cancel()
	shows, at, err := c.ReadClock(ctx)
	if err != nil {
		return 0, fmt.Errorf("check clock of meter %s: %w", t.ID, err)
	}
	ahead := shows.Round(0).Sub(at.Round(0)) // wall clocks: the meter has no other
	p.mu.Lock()
	t.clock.at, t.clock.ahead = at, ahead
	p.mu.Unlock()
	p.opts.Watch.Clock(t.ID, at, ahead)
	return ahead, nil
}

// SetClock sets a meter's clock to the node's, once. A nil error proves that the meter shows it; an error matching
// meter.ErrOutcomeUnknown that only reading the clock tells. It is never repeated here.
func (p *Poller) SetClock(ctx context.Context, id meter.ID) error {
	t, err := p.find(id)
	if err != nil {
		return fmt.Errorf("set clock: %w", err)
	}
	return p.setClock(ctx, t)
}

func (p *Poller) setClock(ctx context.Context, t *target) error {
	c, ok := t.Meter.(meter.ClockSetter)
	switch {
	case !ok:
		return fmt.Errorf("set clock of meter %s: %w", t.ID, meter.ErrUnable)
	case !p.opts.Sound():
		return fmt.Errorf("set clock of meter %s: %w", t.ID, ErrClock)
	}
	p.mu.Lock()
	t.clock.set = time.Now() // also when it fails: it is not tried again and again
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(line.WithPriority(context.WithoutCancel(ctx), line.Command), p.opts.Limit)
	defer cancel()
	if err := c.SetClock(ctx, p.opts.Now); err != nil {
		return fmt.Errorf("set clock of meter %s: %w", t.ID, err)
	}
	p.opts.Log.Info("clock of the meter set", "meter", t.ID)
	if _, err := p.checkClock(ctx, t, line.Command); err != nil { // it is set all the same
		p.opts.Log.Warn("clock of the meter could not be read again", "meter", t.ID, "err", err)
	}
	return nil
}
