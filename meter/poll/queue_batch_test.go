package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter"
)

// batchSink lingers over a single value, as a store that waits for company does, and takes many at once.
type batchSink struct {
	calls []string
	fail  error
	never meter.ID
}

func (s *batchSink) Keep(_ context.Context, r meter.Reading) error {
	time.Sleep(500 * time.Millisecond)
	if r.Meter == s.never {
		return ErrNever
	}
	s.calls = append(s.calls, "one "+string(r.Meter))
	return nil
}

func (s *batchSink) Fail(_ context.Context, f meter.Failure) error {
	s.calls = append(s.calls, "failure "+string(f.Meter))
	return nil
}

func (s *batchSink) KeepAll(_ context.Context, values []Value) error {
	if s.fail != nil || slices.ContainsFunc(values, func(v Value) bool { return v.Reading != nil && v.Reading.Meter == s.never }) {
		return errors.Join(s.fail, ErrNever)
	}
	s.calls = append(s.calls, fmt.Sprintf("%d at once", len(values)))
	return nil
}

// TestWhatHasGatheredIsHandedOverAtOnce: a store that syncs for each value would be the slowest part of the node.
func TestWhatHasGatheredIsHandedOverAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		never meter.ID
		want  []string
		kept  uint64
		lost  uint64
	}{
		"all taken":       {"", []string{"one 0", "9 at once"}, 9, 0},
		"one is hopeless": {"3", []string{"one 0", "one 1", "one 2", "6 at once"}, 8, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &batchSink{never: c.never}
				q := newQueue(s, Options{}.withDefaults())
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { q.run(ctx); close(done) }()
				q.put(item{reading: &meter.Reading{Meter: "0"}})
				synctest.Wait() // it lingers
				for i := 1; i < 9; i++ {
					q.put(item{reading: &meter.Reading{Meter: meter.ID(fmt.Sprint(i))}})
				}
				q.put(item{failure: &meter.Failure{Meter: "9"}})
				time.Sleep(time.Minute)
				synctest.Wait()
				if !slices.Equal(s.calls, c.want) {
					t.Errorf("%v, want %v", s.calls, c.want)
				}
				if st := q.figures(); st.Kept != c.kept || st.Failed != 1 || st.Lost != c.lost || st.Waiting != 0 {
					t.Errorf("%+v", st)
				}
				cancel()
				<-done
			})
		})
	}
}
