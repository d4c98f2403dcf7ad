package line

import (
	"errors"
	"slices"
	"time"

	"tally/meter"
)

// Stats counts what happened on a line since it was made.
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

// remembered is how many latencies the percentiles look back on.
const remembered = 256

type counters struct {
	Stats
	since time.Time
	busy  time.Duration
	ring  [remembered]time.Duration
	seen  int
}

// Stats returns the figures of this instant.
func (l *Line) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats.Stats
	if all := time.Since(l.stats.since); all > 0 {
		s.Busy = float64(l.stats.busy) / float64(all)
	}
	last := slices.Sorted(slices.Values(l.stats.ring[:min(l.stats.seen, remembered)]))
	if n := len(last); n > 0 {
		s.Min, s.Median, s.P95, s.Max = last[0], last[n/2], last[n*95/100], last[n-1]
	}
	return s
}

func (l *Line) note(a Answer, err error, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.stats
	s.Sent++
	s.busy += took
	switch {
	case err == nil:
		s.OK++
		s.ring[s.seen%remembered] = a.After
		s.seen++
	case errors.Is(err, meter.ErrLine):
		s.Lost++
	case errors.Is(err, meter.ErrSilent):
		s.Timeout++
	case errors.Is(err, meter.ErrChecksum):
		s.Checksum++
	case errors.Is(err, meter.ErrForeign):
		s.Foreign++
	case errors.Is(err, meter.ErrException), errors.Is(err, meter.ErrBusy):
		s.Exception++
	default:
		s.Malformed++
	}
}

func (l *Line) stale(n int) {
	l.mu.Lock()
	l.stats.Stale += uint64(n)
	l.mu.Unlock()
}

func (l *Line) echoes(yes bool) {
	if !yes {
		return
	}
	l.mu.Lock()
	l.stats.Echo++
	l.mu.Unlock()
}

func (l *Line) setUp(up bool) {
	l.mu.Lock()
	l.stats.Up = up
	l.mu.Unlock()
}
