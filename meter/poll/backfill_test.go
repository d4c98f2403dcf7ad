package poll

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/quantity"
)

// diary is a meter that remembers each midnight.
type diary struct {
	fakeMeter
	asked [][2]time.Time
	prio  line.Priority
	errs  []error
	give  func(from, to time.Time) []meter.Memory
}

func (m *diary) ReadHistory(ctx context.Context, from, to time.Time) ([]meter.Memory, error) {
	m.asked = append(m.asked, [2]time.Time{from, to})
	m.prio = line.PriorityOf(ctx)
	if len(m.errs) > 0 {
		err := m.errs[0]
		m.errs = m.errs[1:]
		return nil, err
	}
	return m.give(from, to), nil
}

func midnights(id meter.ID) func(from, to time.Time) []meter.Memory {
	return func(from, to time.Time) []meter.Memory {
		var list []meter.Memory
		for at := to.Truncate(24 * time.Hour); !at.Before(from); at = at.Add(-24 * time.Hour) {
			list = append(list, meter.Memory{Answered: time.Now(), Reading: meter.Reading{Meter: id, At: at, Values: []meter.Value{
				{Name: meter.Volume, Number: quantity.Decimal{Unscaled: at.Unix()}, Unit: "L"}}}})
		}
		return list
	}
}

func remembering(t *testing.T, m *diary, seen func(now time.Time) time.Time, test func(t *testing.T, s *scene, j *journal)) {
	m.id = "1"
	if m.give == nil {
		m.give = midnights("1")
	}
	j := &journal{}
	o := Options{Backfill: 24 * time.Hour, Sound: func() bool { return true }, Watch: j}
	targets := func(now time.Time) []Target {
		return []Target{{ID: "1", Line: "a", Meter: m, Every: time.Hour, Seen: seen(now)}}
	}
	schedule(t, o, targets, func(t *testing.T, s *scene) { test(t, s, j) })
}

// TestHistoryFillsAnOutage: the node was down for five days and a half. Each value keeps the meter's own time, says that it is
// remembered, and is not judged as if it were measured now.
func TestHistoryFillsAnOutage(t *testing.T) {
	m := &diary{}
	remembering(t, m, func(now time.Time) time.Time { return now.Add(-132 * time.Hour) }, func(t *testing.T, s *scene, j *journal) {
		pass(10 * time.Minute)
		var at []time.Duration
		for _, r := range s.sink.kept() {
			if len(r.Quality) == 1 && r.Quality[0] == meter.Remembered {
				at = append(at, r.At.Sub(s.from)/time.Hour)
				if v, _ := r.Find(meter.Volume); v.Number.Unscaled != r.At.Unix() {
					t.Errorf("value of %s has the time %s", time.Unix(v.Number.Unscaled, 0), r.At)
				}
			}
		}
		// the last midnight is the instant of the reading that ended the outage: that one was measured
		if diff := cmp.Diff([]time.Duration{-120, -96, -72, -48, -24}, at); diff != "" {
			t.Errorf("hours (-want +got):\n%s", diff)
		}
		if len(j.judged) != 1 || m.prio != line.Backfill || len(m.asked) != 1 {
			t.Errorf("judged %d, priority %v, asked %d times", len(j.judged), m.prio, len(m.asked))
		}
	})
}

func TestHistoryIsLeftAlone(t *testing.T) {
	for name, seen := range map[string]func(time.Time) time.Time{
		"short outage": func(now time.Time) time.Time { return now.Add(-23 * time.Hour) },
		"new meter":    func(time.Time) time.Time { return time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			m := &diary{}
			remembering(t, m, seen, func(t *testing.T, s *scene, _ *journal) {
				pass(3 * time.Hour)
				if len(m.asked) != 0 {
					t.Errorf("asked for %v", m.asked)
				}
			})
		})
	}
}

func TestHistoryIsTriedAFewTimes(t *testing.T) {
	m := &diary{errs: []error{meter.ErrSilent, meter.ErrSilent}}
	remembering(t, m, func(now time.Time) time.Time { return now.Add(-72 * time.Hour) }, func(t *testing.T, s *scene, _ *journal) {
		pass(time.Hour + time.Minute)
		if n, _ := s.sink.counts(); len(m.asked) != 3 || n != 2+3 {
			t.Errorf("asked %d times, %d readings", len(m.asked), n)
		}
	})
	m = &diary{errs: []error{meter.ErrSilent, meter.ErrSilent, meter.ErrSilent, meter.ErrSilent}}
	remembering(t, m, func(now time.Time) time.Time { return now.Add(-72 * time.Hour) }, func(t *testing.T, s *scene, _ *journal) {
		pass(10 * time.Hour)
		if len(m.asked) != 3 {
			t.Errorf("asked %d times", len(m.asked))
		}
	})
	m = &diary{errs: []error{meter.ErrUnable}}
	remembering(t, m, func(now time.Time) time.Time { return now.Add(-72 * time.Hour) }, func(t *testing.T, s *scene, _ *journal) {
		pass(10 * time.Hour)
		if len(m.asked) != 1 {
			t.Errorf("one that cannot was asked %d times", len(m.asked))
		}
	})
}

// TestPromise4HistoryWithoutATimeIsLeftOut: nobody can say when it was, so it is no reading; nor is what lies outside the
// outage or is another meter's.
func TestPromise4HistoryWithoutATimeIsLeftOut(t *testing.T) {
	m := &diary{}
	m.give = func(from, to time.Time) []meter.Memory {
		list := midnights("1")(from, to)
		list[0].Reading.At, list[0].Back = time.Time{}, 1
		list[1].Reading.Meter = "2"
		early, late := midnights("1")(from.Add(-48*time.Hour), from), midnights("1")(to.Add(time.Hour), to.Add(26*time.Hour))
		return append(append(list, early...), late...)
	}
	remembering(t, m, func(now time.Time) time.Time { return now.Add(-50 * time.Hour) }, func(t *testing.T, s *scene, _ *journal) {
		pass(10 * time.Minute)
		for _, r := range s.sink.kept() {
			if r.At.IsZero() || r.Meter != "1" || r.At.Before(s.from.Add(-50*time.Hour)) {
				t.Errorf("kept %+v", r)
			}
		}
		if n, _ := s.sink.counts(); n != 2 {
			t.Errorf("%d readings, want the one measured and one remembered", n)
		}
	})
}
