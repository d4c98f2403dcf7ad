package poll

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
)

func TestOrderIsKeptWhileTheSinkRefuses(t *testing.T) {
	m := &fakeMeter{id: "1", failNext: []error{nil, meter.ErrException, nil}}
	run(t, Options{}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		s.sink.set(errFull)
		pass(25 * time.Second)
		s.sink.set(nil)
		pass(30 * time.Second)
		want := []string{"reading 1", "failure 1", "reading 1"}
		if diff := cmp.Diff(want, s.sink.order[:3]); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

func TestWhatWaitsAtTheEndIsTriedOnceMore(t *testing.T) {
	m := &fakeMeter{id: "1"}
	run(t, Options{}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		s.sink.set(errFull)
		pass(35 * time.Second)
		s.sink.set(nil)
		s.stop()
		if n, _ := s.sink.counts(); n != 4 || s.Stats().Lost != 0 {
			t.Errorf("kept %d, stats %+v, want 4 kept", n, s.Stats())
		}
	})
}

func TestLossIsCounted(t *testing.T) {
	t.Run("still refused at the end", func(t *testing.T) {
		m := &fakeMeter{id: "1"}
		run(t, Options{}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
			s.sink.set(errFull)
			pass(35 * time.Second)
			s.stop()
			if st := s.Stats(); st.Lost != 4 || st.Waiting != 0 {
				t.Errorf("stats = %+v, want 4 lost", st)
			}
		})
	})
	t.Run("queue full", func(t *testing.T) {
		m := &fakeMeter{id: "1"}
		run(t, Options{Queue: 2}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
			s.sink.set(errFull)
			pass(45 * time.Second)
			if st := s.Stats(); st.Lost != 3 || st.Waiting != 2 {
				t.Errorf("stats = %+v, want 3 lost and 2 waiting", st)
			}
		})
	})
	t.Run("never accepted", func(t *testing.T) {
		m := &fakeMeter{id: "1"}
		run(t, Options{}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
			s.sink.set(ErrNever)
			pass(25 * time.Second)
			s.sink.set(nil)
			pass(10 * time.Second)
			if st := s.Stats(); st.Lost != 3 || st.Kept != 1 {
				t.Errorf("stats = %+v, want 3 lost, 1 kept", st)
			}
		})
	})
}
