package line

import (
	"context"
	"time"
)

// Pace is how patient the exchanges of one reading are, and how long the meter took. It belongs to one goroutine.
type Pace struct {
	Think time.Duration // how long the meter may think, instead of what its driver wants; 0 = the driver's
	Took  time.Duration // out: the longest time from the end of a request to the end of its right answer
}

type paceKey struct{}

// WithPace makes exchanges under the returned context keep to p, and note in it how long right answers took.
func WithPace(ctx context.Context, p *Pace) context.Context {
	return context.WithValue(ctx, paceKey{}, p)
}

// paced applies the pace that ctx carries to a question.
func paced(ctx context.Context, x Exchange) (Exchange, *Pace) {
	p, _ := ctx.Value(paceKey{}).(*Pace)
	if p != nil && p.Think > 0 {
		x.Timeout = p.Think
	}
	return x, p
}

// took notes a right answer.
func (p *Pace) took(a Answer, err error) {
	if p != nil && err == nil {
		p.Took = max(p.Took, a.After)
	}
}
