// Package survey judges a line by many polls of one meter: how often it answered, how quickly, what went wrong, and what
// that tells about the wire.
package survey

import (
	"errors"
	"slices"
	"time"

	"tally/meter"
)

// Poll is what came of one question.
type Poll struct {
	Err   error         // nil or one of package meter's
	After time.Duration // from the end of the question to the end of the answer; 0 if none came
}

// Survey collects polls. The zero value is ready.
type Survey struct {
	Timeout time.Duration // how long an answer was waited for; 0 if that is not known

	counts Counts
	after  []time.Duration
}

// Counts says how many polls ended how. Sent is their sum.
type Counts struct {
	Sent      int `json:"sent"`
	OK        int `json:"ok"`
	Timeout   int `json:"timeout"`
	Checksum  int `json:"checksum"`  // damaged or broken off
	Foreign   int `json:"foreign"`   // somebody else answered
	Malformed int `json:"malformed"` // did not fit the question
	Exception int `json:"exception"` // refused or busy: the line is in order, the meter is not willing
	Lost      int `json:"lost"`      // port gone, or never silent
	Echo      int `json:"echo"`      // questions that the adapter handed back
	Stale     int `json:"stale"`     // bytes that nobody had asked for
}

// Add counts one poll.
func (s *Survey) Add(p Poll) {
	c := &s.counts
	c.Sent++
	switch {
	case p.Err == nil:
		c.OK++
	case errors.Is(p.Err, meter.ErrLine):
		c.Lost++
	case errors.Is(p.Err, meter.ErrSilent):
		c.Timeout++
	case errors.Is(p.Err, meter.ErrChecksum):
		c.Checksum++
	case errors.Is(p.Err, meter.ErrForeign):
		c.Foreign++
	case errors.Is(p.Err, meter.ErrException), errors.Is(p.Err, meter.ErrBusy):
		c.Exception++
	default:
		c.Malformed++
	}
	if p.After > 0 && (p.Err == nil || errors.Is(p.Err, meter.ErrException) || errors.Is(p.Err, meter.ErrBusy)) {
		s.after = append(s.after, p.After)
	}
}

// Overheard sets what only the line can tell: echoes, and bytes that nobody had asked for.
func (s *Survey) Overheard(echo, stale int) { s.counts.Echo, s.counts.Stale = echo, stale }

// Result is the judgement.
type Result struct {
	Counts
	Min     time.Duration `json:"-"`
	Median  time.Duration `json:"-"`
	P95     time.Duration `json:"-"`
	Max     time.Duration `json:"-"`
	Verdict Verdict       `json:"verdict"`
	Advice  []Advice      `json:"advice"` // what to look at, the likeliest first
}

// Verdict is the line's quality in one word.
type Verdict string

// Verdicts. The bounds are for questions that were answered whole: a refusal is an answer.
const (
	Good    Verdict = "good"    // none lost of up to 999, or fewer than one in a thousand
	Fair    Verdict = "fair"    // fewer than one in fifty lost: retries hide it
	Poor    Verdict = "poor"    // fewer than one in five lost: readings will be missing
	Bad     Verdict = "bad"     // more
	Dead    Verdict = "dead"    // no answer at all
	Nothing Verdict = "nothing" // nothing was asked
)

// Advice names a cause to check.
type Advice string

// Advice, each with what points to it.
const (
	CheckPower       Advice = "power"       // silence: meter without power, not connected, cable cut
	CheckPolarity    Advice = "polarity"    // silence or nothing but garbage: A and B swapped
	CheckAddress     Advice = "address"     // silence: another address or protocol
	CheckSpeed       Advice = "speed"       // nothing but garbage: baud or parity
	CheckTermination Advice = "termination" // some damaged: reflections, missing or doubled terminators
	CheckBias        Advice = "bias"        // bytes out of nothing: no fail-safe bias, interference
	CheckShield      Advice = "shield"      // some damaged: cable, shield, ground, contacts
	CheckCollision   Advice = "collision"   // foreign answers or stale bytes: a double address, a second master
	CheckContact     Advice = "contact"     // some silent: loose contact, a meter that sleeps
	RaiseTimeout     Advice = "timeout"     // answers come close to the end of the wait
	CheckGateway     Advice = "gateway"     // latency jumps: a gateway or USB adapter that keeps bytes back
	CheckModel       Advice = "model"       // refusals: another model than was thought
	CheckPort        Advice = "port"        // the port itself is lost
	NoteEcho         Advice = "echo"        // the adapter hands back what is sent; that is stripped
)

// Result judges what was added.
func (s *Survey) Result() Result {
	r := Result{Counts: s.counts, Advice: []Advice{}}
	if all := slices.Sorted(slices.Values(s.after)); len(all) > 0 {
		n := len(all)
		r.Min, r.Median, r.P95, r.Max = all[0], all[n/2], all[n*95/100], all[n-1]
	}
	r.Verdict = r.verdict()
	r.advise(s.Timeout)
	return r
}

// whole is how many polls proved the line.
func (c Counts) whole() int { return c.OK + c.Exception }

func (r *Result) verdict() Verdict {
	missing := r.Sent - r.whole()
	switch {
	case r.Sent == 0:
		return Nothing
	case r.whole() == 0:
		return Dead
	case missing*1000 < r.Sent:
		return Good
	case missing*50 < r.Sent:
		return Fair
	case missing*5 < r.Sent:
		return Poor
	}
	return Bad
}

// advise names causes by what was seen.
func (r *Result) advise(timeout time.Duration) {
	add := func(when bool, what ...Advice) {
		for _, a := range what {
			if when && !slices.Contains(r.Advice, a) {
				r.Advice = append(r.Advice, a)
			}
		}
	}
	garbled := r.Checksum + r.Malformed
	add(r.Lost > 0, CheckPort)
	if r.Verdict == Dead {
		add(garbled > 0, CheckSpeed, CheckPolarity, CheckCollision)
		add(r.Foreign > 0, CheckCollision, CheckAddress)
		add(garbled == 0 && r.Timeout > 0, CheckPower, CheckPolarity, CheckAddress, CheckSpeed)
		add(r.Echo > 0, NoteEcho)
		return
	}
	add(r.Foreign > 0, CheckCollision)
	add(garbled > 0, CheckTermination, CheckShield)
	add(r.Stale > 0, CheckBias, CheckCollision)
	add(timeout > 0 && r.P95 > timeout*4/5, RaiseTimeout)
	add(r.Timeout > 0, CheckContact)
	add(r.Median > 0 && r.Max > 5*r.Median && r.Max > 200*time.Millisecond, CheckGateway)
	add(r.Exception > 0, CheckModel)
	add(r.Echo > 0, NoteEcho)
}
