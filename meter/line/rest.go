package line

import (
	"context"
	"time"
)

// A serial driver hands an answer over in portions, and every portion wakes the process. A meter that takes the same time
// again and again is therefore not looked at before that time. One answer in so many is timed exactly again, and an
// answer that is not there when it should be is waited for as ever.
const (
	even    = 700 * time.Microsecond // times that differ by less are the same
	margin  = 100 * time.Microsecond // later than the usual time
	settled = 3                      // exact times in a row before they are relied on
	relied  = 15                     // answers before the next exact time
)

// habit is how long a meter usually takes for one kind of question.
type habit struct {
	request, answer int // lengths of that kind's frames
	after           time.Duration
	alike           int // exact times in a row
	left            int // answers that may still be waited for by the habit
}

// wake is how long after the request nobody needs to look, 0 if the habit does not tell.
func (h *habit) wake(x Exchange) time.Duration {
	if h.request == len(x.Request) && h.answer == x.Length && h.alike >= settled && h.left > 0 {
		return h.after + margin
	}
	return 0
}

// note learns from an exchange; exact tells whether the answer was seen when it came.
func (h *habit) note(x Exchange, after time.Duration, exact bool, err error) {
	if h.request != len(x.Request) || h.answer != x.Length {
		*h = habit{request: len(x.Request), answer: x.Length}
	}
	switch {
	case err != nil:
		h.alike, h.left = 0, 0
		return
	case !exact:
		h.left--
		return
	case h.alike > 0 && (after-h.after).Abs() <= even:
		h.alike++
	default:
		h.alike = 1
	}
	h.after, h.left = after, relied
}

// rest waits until the given time or the end of ctx.
func (l *core) rest(ctx context.Context, until time.Time) {
	wait := time.Until(until)
	if wait < look {
		return
	}
	if l.alarm == nil {
		l.alarm = time.NewTimer(wait)
	} else {
		l.alarm.Reset(wait)
	}
	select {
	case <-l.alarm.C:
	case <-ctx.Done():
		l.alarm.Stop()
	}
}
