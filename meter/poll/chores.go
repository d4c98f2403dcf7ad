package poll

import (
	"context"
	"slices"
	"time"
)

// chore is something that can wait: it is done beside the rounds, with a priority of its own on the line.
type chore struct {
	t    *target
	due  time.Time
	do   func(ctx context.Context) (again time.Duration) // 0 when it is over
	what string
}

// runChores does a line's chores one after the other until ctx ends. A line that is down has none.
func (p *Poller) runChores(ctx context.Context, l *lane) {
	p.planClocks(l, time.Now())
	for ctx.Err() == nil {
		c, wait := p.nextChore(l, time.Now())
		if c == nil {
			nap(ctx, wait, l.more)
			continue
		}
		again := c.do(ctx)
		p.mu.Lock()
		if at := slices.Index(l.chores, c); again <= 0 && at >= 0 {
			l.chores = slices.Delete(l.chores, at, at+1)
		}
		c.due = time.Now().Add(again)
		p.mu.Unlock()
	}
}

// Pauses of chores.
const (
	noChores   = time.Hour
	choreLater = 5 * time.Minute // while the line is down or the meter dead
)

// nextChore returns what is due, or how long nothing is.
func (p *Poller) nextChore(l *lane, now time.Time) (*chore, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := noChores
	var first *chore
	for _, c := range l.chores {
		if !c.due.After(now) && (l.down != nil || c.t.failed > 0) {
			c.due = now.Add(choreLater)
		}
		if first == nil || c.due.Before(first.due) {
			first = c
		}
	}
	if first == nil {
		return nil, wait
	}
	if due := first.due.Sub(now); due > 0 {
		return nil, min(wait, due)
	}
	return first, 0
}

// add puts a chore on a line's list.
func (p *Poller) add(c *chore) {
	p.mu.Lock()
	c.t.lane.chores = append(c.t.lane.chores, c)
	p.mu.Unlock()
	hint(c.t.lane.more)
}
