package line

import (
	"errors"
	"math"
	"slices"
	"time"

	"tally/meter"
)

// Stats counts what happened on a line, or with one of its meters, since the line was made.
type Stats struct {
	Up        bool   // the connection is open
	Sent      uint64 // exchanges tried
	OK        uint64 // with a right answer
	Timeout   uint64 // nothing came
	Checksum  uint64 // damaged or broken off
	Foreign   uint64 // from somebody else
	Malformed uint64 // does not fit the question
	Exception uint64 // refused by the meter, busy included
	Lost      uint64 // the line itself could not be used
	Echo      uint64 // requests that the adapter handed back
	Stale     uint64 // bytes that nobody had asked for

	Min, Median, P95, Max time.Duration // of the last right answers, from the end of the request to the last byte
	Busy                  float64       // share of the time since the line was made in which it was in use, 0–1
}

// How many latencies the percentiles look back on.
const (
	remembered      = 256 // of a line
	rememberedOfOne = 32  // of a meter: a concentrator has thousands
)

// tally counts for a line or a meter.
type tally struct {
	Stats
	busy time.Duration
	ring []uint32 // latencies in microseconds
	seen int
}

// Stats returns the figures of this instant: of the whole line, Busy with respect to the time since it was made.
func (l *Line) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats.figures(time.Since(l.since), l.stats.Up)
}

// MeterStats returns the figures of those that use the line under a name of their own (For). Bytes that nobody asked for
// are counted for the line only.
func (l *Line) MeterStats() map[string]Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]Stats, len(l.users))
	for name, u := range l.users {
		all[name] = u.figures.figures(time.Since(l.since), l.stats.Up)
	}
	return all
}

func (t *tally) figures(since time.Duration, up bool) Stats {
	s := t.Stats
	s.Up = up
	if since > 0 {
		s.Busy = float64(t.busy) / float64(since)
	}
	last := slices.Sorted(slices.Values(t.ring[:min(t.seen, len(t.ring))]))
	if n := len(last); n > 0 {
		at := func(i int) time.Duration { return time.Duration(last[i]) * time.Microsecond }
		s.Min, s.Median, s.P95, s.Max = at(0), at(n/2), at(n*95/100), at(n-1)
	}
	return s
}

// note counts one exchange for the line and for its user.
func (l *Line) note(a Answer, err error, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.note(a, err, took)
	if t := l.user.figures; t != nil {
		if t.ring == nil {
			t.ring = make([]uint32, rememberedOfOne)
		}
		t.note(a, err, took)
	}
}

func (t *tally) note(a Answer, err error, took time.Duration) {
	t.Sent++
	t.busy += took
	if a.Echoed {
		t.Echo++
	}
	switch {
	case err == nil:
		t.OK++
		t.ring[t.seen%len(t.ring)] = uint32(min(a.After.Microseconds(), math.MaxUint32))
		t.seen++
	case errors.Is(err, meter.ErrLine):
		t.Lost++
	case errors.Is(err, meter.ErrSilent):
		t.Timeout++
	case errors.Is(err, meter.ErrChecksum):
		t.Checksum++
	case errors.Is(err, meter.ErrForeign):
		t.Foreign++
	case errors.Is(err, meter.ErrException), errors.Is(err, meter.ErrBusy):
		t.Exception++
	default:
		t.Malformed++
	}
}

func (l *core) stale(n int) {
	l.mu.Lock()
	l.stats.Stale += uint64(n)
	l.mu.Unlock()
}

func (l *core) setUp(up bool) {
	l.mu.Lock()
	l.stats.Up = up
	l.mu.Unlock()
}
