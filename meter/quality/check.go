package quality

import (
	"hash/fnv"
	"math"
	"math/bits"
	"slices"
	"time"

	"tally/meter"
	"tally/meter/quantity"
)

// verdict is what comes of comparing a reading with what was known before.
type verdict struct {
	marks   meter.Quality
	now     *point        // nil when it counts nothing
	before  *point        // last good value; nil when there was none
	good    bool          // no doubt about the counter
	used    int64         // since before, where good
	elapsed time.Duration // since before; 0 when nobody can say
}

// What makes odd values that agree with each other the new truth: so many, over so long; or many more where no clock tells
// how long it was.
const (
	confirm      = 3
	confirmOver  = 10 * time.Minute
	confirmBlind = 10
)

// check compares a reading with the last good one and moves the state on. It looks only; the reading stays as it is.
func (m *Meter) check(s *state, r meter.Reading) verdict {
	c, ok := counter(r)
	if !ok {
		return verdict{}
	}
	n, ok := amount(c)
	if !ok {
		return verdict{marks: meter.Quality{meter.WrongUnit}}
	}
	v := verdict{now: &point{At: r.At, N: n, Value: c.Number, Unit: c.Unit}, before: s.Good}
	other := m.other(s, r)
	if s.Good == nil {
		v.good = true
		if r.At.Year() < firstSound {
			v.mark(meter.ClockUnsure)
		}
		s.accept(v.now)
		return v
	}
	var sure bool
	if v.elapsed, sure = between(s.Good.At, r.At); !sure {
		v.mark(meter.ClockUnsure)
	}
	m.compare(&v, other)
	m.stuck(s, &v, r)
	switch {
	case v.good || other:
		s.accept(v.now)
	default:
		m.doubt(s, v.now)
	}
	s.Last = v.now
	return v
}

func (v *verdict) mark(mark string) {
	if !slices.Contains(v.marks, mark) {
		v.marks = append(v.marks, mark)
	}
}

// compare finds what is odd about the counter.
func (m *Meter) compare(v *verdict, other bool) {
	was, is := v.before, v.now
	switch used, over := m.rolled(*v); {
	case other:
		v.mark(meter.Replaced)
	case was.Unit != is.Unit:
		v.mark(meter.WrongUnit)
	case over:
		v.mark(meter.Rollover)
		v.good, v.used = true, used
	case is.N < was.N:
		v.mark(meter.Backwards)
		if is.N >= 0 && is.N <= was.N/20 { // it began again
			v.mark(meter.Replaced)
		}
	case !m.possible(is.N-was.N, v.elapsed, *was):
		v.mark(meter.Jump)
	default:
		v.good, v.used = true, is.N-was.N
	}
}

// possible tells whether so much can have gone through the meter in that time: its maximum flow, a tenth more, and two
// steps of its counter. Where time or maximum are not known everything is.
func (m *Meter) possible(used int64, elapsed time.Duration, was point) bool {
	if m.MaxFlow <= 0 || elapsed <= 0 {
		return true
	}
	hi, lo := bits.Mul64(uint64(m.MaxFlow), uint64(elapsed/time.Second)+1)
	if hi > 0 || lo > math.MaxInt64/2 {
		return true
	}
	return used <= int64(lo)/3600*11/10+2*was.step()
}

// step is the smallest difference that the counter shows, at least one base unit.
func (p point) step() int64 {
	step := int64(1)
	for i := int(p.Value.Scale); i < bases[p.Unit].places; i++ {
		step *= 10
	}
	return step
}

// binary are the ends of counters that are not decimal.
var binary = []int64{1 << 16, 1 << 24, 1 << 31, 1 << 32}

// rolled tells whether the counter passed its end, and what was used then: the old value lies right before an end that
// a counter can have, the new one right behind, and no more is between them than can have gone through.
func (m *Meter) rolled(v verdict) (used int64, ok bool) {
	was, is := v.before, v.now
	if is.N >= was.N || is.N < 0 || is.Unit != was.Unit || is.Value.Scale != was.Value.Scale {
		return 0, false
	}
	ends := append([]int64{}, binary...)
	for e, digits := int64(1_000_000), 6; digits <= 14; e, digits = e*10, digits+1 {
		ends = append(ends, e)
	}
	if m.Digits > 0 && m.Digits <= 18 {
		ends = ends[:0]
		e := int64(1)
		for range m.Digits {
			e *= 10
		}
		ends = append(ends, e)
	}
	near := int64(100) // a hundredth before and behind, where the maximum flow is not known
	if m.MaxFlow > 0 && v.elapsed > 0 || m.Digits > 0 {
		near = 10
	}
	for _, end := range ends {
		a, b := was.Value.Unscaled, is.Value.Unscaled
		if a >= end || a < end-end/near || b > end/near {
			continue
		}
		whole, fits := shift(quantity.Decimal{Unscaled: end, Scale: was.Value.Scale}, bases[was.Unit].places)
		if used = whole - was.N + is.N; fits && m.possible(used, v.elapsed, *was) {
			return used, true
		}
	}
	return 0, false
}

// other tells whether the meter says another number than before.
func (m *Meter) other(s *state, r meter.Reading) bool {
	for _, name := range []string{"serial_number", "serial", "meter_number"} {
		if v, ok := r.Find(name); ok {
			was := s.Number
			s.Number = v.Number.String()
			return was != "" && was != s.Number
		}
	}
	return false
}

// stuck looks whether the counter stands while the meter itself says that something flows.
func (m *Meter) stuck(s *state, v *verdict, r meter.Reading) {
	f, ok := flow(r)
	switch {
	case !v.good || v.elapsed <= 0:
		return
	case v.used != 0 || !ok || f <= 0:
		s.Stuck = 0
		return
	}
	hi, lo := bits.Mul64(uint64(f), uint64(v.elapsed/time.Second))
	if hi > 0 || lo > math.MaxInt64/2 {
		lo = math.MaxInt64 / 2
	}
	s.Stuck = min(s.Stuck+int64(lo)/3600, limit)
	if s.Stuck >= max(2*v.now.step(), 10) {
		v.mark(meter.Stuck)
	}
}

// accept takes a value as the last good one.
func (s *state) accept(p *point) {
	s.Good, s.Last, s.Suspect, s.Suspects, s.Doubted = p, p, nil, 0, time.Time{}
}

// doubt keeps an odd value beside the good one, and takes it for the truth when enough in a row agree.
func (m *Meter) doubt(s *state, p *point) {
	agrees := s.Suspect != nil && s.Suspect.Unit == p.Unit && p.N >= s.Suspect.N
	if agrees {
		elapsed, _ := between(s.Suspect.At, p.At)
		agrees = m.possible(p.N-s.Suspect.N, elapsed, *p)
	}
	if !agrees {
		s.Suspects, s.Doubted = 0, p.At
	}
	s.Suspect = p
	s.Suspects++
	if over, _ := between(s.Doubted, p.At); s.Suspects >= confirm && over >= confirmOver || s.Suspects >= confirmBlind && over == 0 {
		s.accept(p)
	}
}

// firstSound is the first year in which this program can run.
const firstSound = 2026

// longestGap is more than any outage that a counter is compared over by time.
const longestGap = 400 * day

// between returns how long it was from a to b, 0 if nobody can say, and whether the clock was sound and not set meanwhile.
// Within one run the monotonic clock tells, whatever was done to the other.
func between(a, b time.Time) (elapsed time.Duration, sure bool) {
	mono, wall := b.Sub(a), b.Round(0).Sub(a.Round(0))
	set := abs(mono-wall) > 5*time.Second
	sure = !set && a.Year() >= firstSound && b.Year() >= firstSound
	if mono <= 0 || mono > longestGap {
		return 0, sure && mono == 0
	}
	return mono, sure
}

func abs(d time.Duration) time.Duration { return max(d, -d) }

// twice looks for a reading that was judged before, and returns its marks.
func (s *state) twice(r meter.Reading, sum uint64) (meter.Quality, bool) {
	for _, j := range s.seen {
		if j.sum == sum && j.at.Equal(r.At) {
			return j.marks, true
		}
	}
	return nil, false
}

func (s *state) saw(r meter.Reading, sum uint64, marks meter.Quality) {
	if len(s.seen) == remembered {
		s.seen = slices.Delete(s.seen, 0, 1)
	}
	s.seen = append(s.seen, judged{r.At, sum, marks})
}

// sumOf is a hash of what a reading says.
func sumOf(r meter.Reading) uint64 {
	h := fnv.New64a()
	for _, v := range r.Values {
		h.Write([]byte(v.Name))
		h.Write([]byte(v.Number.String()))
		h.Write([]byte(v.Unit))
	}
	return h.Sum64()
}
