package poll

import (
	"context"
	"time"
)

// lane is one line with its meters. The Poller's mutex guards everything but the name and the channel.
type lane struct {
	name    string
	targets []*target

	quiet   []*target // were silent one after the other, with no answer of anybody in between
	quietAt time.Time // when the first of them was
	lost    time.Time // since when the port or connection cannot be used; zero if it can
	heardAt time.Time // when somebody last answered
	down    *outage   // nil while somebody answers
	hold    time.Time // nothing is asked before
	budget  time.Time // a dead meter is not probed before if others are due
	day     date
	wake    chan struct{} // a hint that times have changed

	chores []*chore
	more   chan struct{} // a hint that there are chores
}

// turn is what a line does next: ask t, or wait.
type turn struct {
	t    *target
	wait time.Duration
}

// longestNap bounds how long a line sleeps where the local day counts: the wall clock may be set meanwhile.
const longestNap = time.Minute

// runLane reads the meters of one line until ctx ends.
func (p *Poller) runLane(ctx context.Context, l *lane) {
	for ctx.Err() == nil {
		now := p.next(l, time.Now())
		switch {
		case now.t == nil:
			nap(ctx, now.wait, l.wake)
		case p.isDown(l):
			p.probeLine(ctx, l, now.t)
		default:
			p.round(ctx, now.t)
		}
	}
}

// nap waits until the time is over, a hint comes or ctx ends.
func nap(ctx context.Context, d time.Duration, hint <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-hint:
	case <-ctx.Done():
	}
}

// next decides what a line does.
func (p *Poller) next(l *lane, now time.Time) turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := longestNap
	if p.opts.Zone != nil {
		wait = min(wait, p.turnDay(l, now))
	} else {
		wait = time.Hour
	}
	if hold := l.hold.Sub(now); hold > 0 {
		return turn{wait: min(wait, hold)}
	}
	if l.down != nil {
		return turn{t: l.down.candidate(l, p.opts.DeadAfter)}
	}
	alive, dead := p.first(l)
	if t := p.choose(l, alive, dead, now); t != nil {
		return turn{t: t}
	}
	for _, t := range []*target{alive, dead} {
		if t != nil {
			wait = min(wait, max(t.due().Sub(now), l.budgetFor(t, dead, now)))
		}
	}
	return turn{wait: max(wait, 0)}
}

// budgetFor is how long a dead meter that is due has to wait although nobody else is.
func (l *lane) budgetFor(t, dead *target, now time.Time) time.Duration {
	if t != dead || t.due().After(now) {
		return 0
	}
	return max(l.budget.Sub(now), 0)
}

// due is when a meter is to be asked: on its own grid, and after midnight.
func (t *target) due() time.Time {
	if t.freeze {
		return earlier(t.next, t.freezeAt)
	}
	return t.next
}

// first returns which of the living and which of the dead is due first; nil where there is none.
func (p *Poller) first(l *lane) (alive, dead *target) {
	for _, t := range l.targets {
		best := &alive
		if t.failed >= p.opts.DeadAfter {
			best = &dead
		}
		if *best == nil || t.due().Before((*best).due()) {
			*best = t
		}
	}
	return alive, dead
}

// choose decides between the living and a dead meter that is due: a probe goes where the line would be idle for as long
// as it may take, and otherwise when the share of a busy line allows it.
func (p *Poller) choose(l *lane, alive, dead *target, now time.Time) *target {
	probe := dead != nil && !dead.due().After(now)
	if probe && (alive == nil || alive.due().After(now.Add(dead.cost)) || !l.budget.After(now)) {
		return dead
	}
	if alive != nil && !alive.due().After(now) {
		return alive
	}
	return nil
}

// spent notes how long a probe of a dead meter took, so that the next one comes no sooner than the line's share allows.
func (p *Poller) spent(t *target, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.lane.budget = time.Now().Add(took * time.Duration(100/p.opts.Share))
}

func (p *Poller) isDown(l *lane) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.down != nil
}

// hint wakes whoever waits on c.
func hint(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
