package quality

import (
	"time"

	"tally/meter"
)

// turn begins or ends an event. on and off are both false while nothing can be said.
func (m *Meter) turn(s *state, k Kind, on, off bool, began, at time.Time, what ...Evidence) []Event {
	open := s.Events[k]
	switch {
	case on && open == nil:
		if s.Events == nil {
			s.Events = map[Kind]*episode{}
		}
		e := &episode{Began: began, Evidence: what[:min(len(what), maxEvidence)]}
		s.Events[k] = e
		return []Event{m.event(k, e, time.Time{})}
	case off && open != nil:
		delete(s.Events, k)
		all := append(append([]Evidence{}, open.Evidence...), what...)
		return []Event{m.event(k, &episode{Began: open.Began, Evidence: all[:min(len(all), maxEvidence)]}, at)}
	}
	return nil
}

func (m *Meter) event(k Kind, e *episode, ended time.Time) Event {
	return Event{Meter: m.ID, Line: m.Line, Class: m.Class, Kind: k, Began: e.Began, Ended: ended, Evidence: e.Evidence}
}

// answered looks at what a reading says beside its counter, and ends a silence.
func (m *Meter) answered(s *state, t Thresholds, r meter.Reading) []Event {
	s.Answered = r.At
	at := r.At
	events := m.turn(s, Silence, false, true, at, at, first(r)...)
	if v, ok := r.Find("battery"); ok {
		low, good := battery(v, t.BatteryMin)
		events = append(events, m.turn(s, BatteryLow, low, good, at, at, shown(r, v))...)
	}
	for _, name := range []string{"tamper", "magnet", "cover_open"} {
		if v, ok := r.Find(name); ok {
			on := v.Number.Unscaled != 0
			events = append(events, m.turn(s, Tamper, on, !on, at, at, shown(r, v))...)
			break
		}
	}
	return events
}

// recovered is how many millivolts above its limit a battery has to be before it is called good again: its voltage moves
// with the temperature.
const recovered = 50

// battery judges a battery's voltage, or the flag that a meter has instead.
func battery(v meter.Value, least int64) (low, good bool) {
	if v.Unit != "V" {
		return v.Number.Unscaled > 0, v.Number.Unscaled == 0
	}
	mv, ok := shift(v.Number, 3)
	return ok && least > 0 && mv < least, ok && mv >= least+recovered
}

// first shows the counter of a reading, if it has one.
func first(r meter.Reading) []Evidence {
	if v, ok := counter(r); ok {
		return []Evidence{shown(r, v)}
	}
	return nil
}

func shown(r meter.Reading, v meter.Value) Evidence {
	return Evidence{At: r.At, Name: v.Name, Value: v.Number.String(), Unit: v.Unit}
}

// counted looks at how the counter moved.
func (m *Meter) counted(s *state, t Thresholds, r meter.Reading, v verdict) []Event {
	if v.now == nil || v.before == nil {
		return nil
	}
	name := first(r)[0].Name
	was, is := v.before.evidence(name), v.now.evidence(name)
	f, says := flow(r)
	back := has(v.marks, meter.Backwards) && !has(v.marks, meter.Replaced) && v.before.N-v.now.N >= max(t.ReverseMin, 1)
	events := m.turn(s, Reverse, t.ReverseMin > 0 && (back || says && f < 0), v.good && f >= 0, r.At, r.At, was, is)
	events = append(events, m.turn(s, Swapped, has(v.marks, meter.Replaced), false, r.At, r.At, was, is)...)
	if s.Good == v.now { // taken for the truth: nothing is being compared with another meter any more
		events = append(events, m.turn(s, Swapped, false, true, r.At, r.At, is)...)
	}
	if !v.good || v.elapsed <= 0 {
		return events
	}
	s.count(t, m.MaxFlow, v)
	began := func(d time.Duration) time.Time { return r.At.Add(-d) }
	used := v.used > 0
	events = append(events, m.turn(s, NoUse, t.NoUse > 0 && s.Idle >= t.NoUse, used, began(s.Idle), r.At, was, is)...)
	events = append(events, m.turn(s, Leak, t.Leak > 0 && s.Flowing >= t.Leak, v.used == 0, began(s.Flowing), r.At, was, is)...)
	events = append(events, m.turn(s, Burst, s.Bursting > 0 && s.Bursting >= t.BurstFor, s.Bursting == 0, began(s.Bursting), r.At, was, is)...)
	return append(events, m.closed(s, t, r, v, was, is)...)
}

// count keeps account of for how long the meter has been doing what it does.
func (s *state) count(t Thresholds, most int64, v verdict) {
	s.Idle += v.elapsed
	if v.used > 0 {
		s.Idle = 0
	}
	switch {
	case v.used == 0 || v.elapsed > t.Leak/4: // what happened between readings so far apart nobody knows
		s.Flowing = 0
	default:
		s.Flowing += v.elapsed
	}
	if t.Burst > 0 && most > 0 && atLeast(v.used, v.elapsed, most*t.Burst/100) {
		s.Bursting += v.elapsed
	} else {
		s.Bursting = 0
	}
}

// atLeast tells whether used in elapsed is a flow of at least rate an hour.
func atLeast(used int64, elapsed time.Duration, rate int64) bool {
	seconds := int64(max(elapsed/time.Second, 1))
	return used > 0 && used >= rate/3600*seconds+rate%3600*min(seconds, 1<<32)/3600
}

// Numbers of the value valve, as the drivers give them.
const valveClosed = 1

// tight is how long nothing has to flow before a closed valve is taken to hold: what drips stands still now and then.
const tight = day

// closed looks whether something flows through a closed valve.
func (m *Meter) closed(s *state, t Thresholds, r meter.Reading, v verdict, what ...Evidence) []Event {
	valve, ok := r.Find("valve")
	if !ok {
		return nil
	}
	was := s.Closed
	s.Closed = valve.Number.Unscaled == valveClosed
	switch {
	case !s.Closed || !was || s.Idle >= tight:
		s.Leaked = 0
	default:
		s.Leaked = min(s.Leaked+v.used, limit)
	}
	on := s.Closed && t.ClosedMin > 0 && s.Leaked >= t.ClosedMin
	return m.turn(s, ClosedFlow, on, !s.Closed || s.Idle >= tight, r.At, r.At, append(what, shown(r, valve))...)
}

func has(marks meter.Quality, mark string) bool {
	for _, m := range marks {
		if m == mark {
			return true
		}
	}
	return false
}

// missed looks for how long a meter has not answered.
func (m *Meter) missed(s *state, t Thresholds, at time.Time, code string) []Event {
	if s.Answered.Year() < firstSound {
		s.Answered = at // nobody knows how long before
		return nil
	}
	long := t.Silence > 0 && at.Sub(s.Answered) >= t.Silence
	what := []Evidence{{At: at, Name: "failure", Value: code}}
	if s.Last != nil {
		what = append(what, s.Last.evidence(meter.Volume))
	}
	return m.turn(s, Silence, long, false, s.Answered, at, what...)
}
