package poll

import "time"

// pace learns how long a meter thinks, the way TCP learns its retransmission timeout (RFC 6298): a smoothed time and its
// variation, kept within bounds.
type pace struct {
	fast, slow time.Duration
	mean, vary time.Duration
	n          int // answers so far
}

// learnt is after how many answers the estimate is used.
const learnt = 3

// think is how long the meter may think at a try within a round. From the second try on it may take as long as it is
// allowed at all: the estimate may be what was wrong.
func (p *pace) think(try int) time.Duration {
	if p.slow == 0 || try > 0 || p.n < learnt {
		return p.slow
	}
	return min(max(p.mean+4*p.vary, p.fast), p.slow)
}

// note takes the time that a right answer took.
func (p *pace) note(took time.Duration) {
	if took <= 0 {
		return
	}
	if p.n++; p.n == 1 {
		p.mean, p.vary = took, took/2
		return
	}
	p.vary += (abs(p.mean-took) - p.vary) / 4
	p.mean += (took - p.mean) / 8
}

func abs(d time.Duration) time.Duration { return max(d, -d) }
