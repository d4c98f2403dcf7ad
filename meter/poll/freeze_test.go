package poll

import (
	"sync/atomic"
	"testing"
	"time"

	"tally/meter"
)

var utc8 = time.FixedZone("UTC+8", 8*3600) // the bubble begins at 08:00 there

// TestMidnightReadings: every meter is read right after local midnight, whatever its own interval, in the order of the
// line, and each value has the time at which it was measured.
func TestMidnightReadings(t *testing.T) {
	meters := riser(50)
	every(24 * time.Hour)(meters)
	run(t, Options{Zone: utc8}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(16*time.Hour + 10*time.Second)
		midnight := s.from.Add(16 * time.Hour)
		for i, m := range meters {
			at := m.times()
			if last := at[len(at)-1]; !last.Equal(midnight.Add(time.Duration(i) * 100 * time.Millisecond)) {
				t.Fatalf("meter %d was asked at %s, want right after midnight", i, last.Sub(midnight))
			}
		}
		for _, r := range s.sink.kept() {
			if r.At.Equal(midnight) {
				t.Errorf("reading of %s was moved to midnight", r.Meter)
			}
		}
	})
}

// TestMidnightReadingThatFailsIsTriedAgain: a meter that is read once a day must not lose its day to one bad answer.
func TestMidnightReadingThatFailsIsTriedAgain(t *testing.T) {
	m := &fakeMeter{id: "1", every: 24 * time.Hour}
	run(t, Options{Zone: utc8}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		pass(16*time.Hour - time.Second)
		m.mu.Lock()
		m.failNext = []error{meter.ErrChecksum, meter.ErrChecksum, meter.ErrChecksum}
		m.mu.Unlock()
		before, _ := s.sink.counts()
		pass(11 * time.Minute)
		if n, _ := s.sink.counts(); n != before+1 {
			t.Errorf("%d readings in the eleven minutes around midnight, want 1", n-before)
		}
		pass(4 * time.Hour)
		if n, _ := s.sink.counts(); n != before+1 {
			t.Errorf("%d readings until morning, want 1", n-before)
		}
	})
}

// TestClockSteps: the wall clock is set while the schedule runs; readings go on at their interval, and midnight comes by
// the clock.
func TestClockSteps(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		step time.Duration
		days int // midnight readings that the step itself brings
	}{
		"to 1970":          {-30 * year, 0},
		"ten years on":     {10 * year, 1},
		"an hour back":     {-time.Hour, 0},
		"two minutes on":   {2 * time.Minute, 0},
		"a day on":         {24 * time.Hour, 1},
		"past midnight on": {16 * time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var step atomic.Int64
			meters := riser(10)
			every(time.Hour)(meters)
			now := func() time.Time { return time.Now().Add(time.Duration(step.Load())) }
			run(t, Options{Zone: utc8, Now: now}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
				pass(2*time.Hour + 5*time.Minute)
				before := asked(meters)
				step.Store(int64(c.step))
				pass(2 * time.Hour)
				if got, want := asked(meters)-before, 20+10*c.days; got != want {
					t.Errorf("%d questions in two hours after the step, want %d", got, want)
				}
				for i, m := range meters {
					at := m.times()
					if gap := at[len(at)-1].Sub(at[len(at)-2]); gap > time.Hour {
						t.Errorf("meter %d was left alone for %s", i, gap)
					}
				}
				before = asked(meters)
				pass(24 * time.Hour)
				if got := asked(meters) - before; got < 250-1 || got > 250+10 { // 24 rounds, one midnight
					t.Errorf("%d questions in the day after, want 250", got)
				}
			})
		})
	}
}
