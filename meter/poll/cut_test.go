package poll

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
)

// riser makes n meters that take 100 ms to answer and a second to be silent.
func riser(n int) []*fakeMeter {
	all := make([]*fakeMeter, n)
	for i := range all {
		all[i] = &fakeMeter{id: meter.ID(fmt.Sprintf("%03d", i)), takes: 100 * time.Millisecond, silence: time.Second}
	}
	return all
}

func all(meters []*fakeMeter, err error) {
	for _, m := range meters {
		m.set(err)
	}
}

func asked(meters []*fakeMeter) int {
	n := 0
	for _, m := range meters {
		n += len(m.times())
	}
	return n
}

// TestCutCableIsOneAlarm: 250 meters, the cable is cut for an hour and joined again.
func TestCutCableIsOneAlarm(t *testing.T) {
	j, meters := &journal{}, riser(250)
	every(time.Minute)(meters)
	run(t, Options{Watch: j}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(5 * time.Minute)
		if len(j.told()) != 0 || j.misses() != 0 {
			t.Fatalf("told %v, missed %d before anything happened", j.told(), j.misses())
		}
		before := asked(meters)
		all(meters, meter.ErrSilent)
		pass(time.Hour)
		if diff := cmp.Diff([]string{"a down, silent, 250 meters"}, j.told()); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
		if _, failures := s.sink.counts(); failures > 4 || j.misses() > 4 {
			t.Errorf("%d failures kept, %d meters blamed for a cut cable", failures, j.misses())
		}
		if n := asked(meters) - before; n > 150 {
			t.Errorf("asked %d times on a dead line within an hour", n)
		}
		for _, st := range s.States() {
			if st.Dead || st.Failure == nil || st.Failure.Code != "silent" {
				t.Fatalf("state in the outage: %+v", st)
			}
		}
		if l := s.Lines()[0]; !l.Down || l.Since.Sub(s.from) < 5*time.Minute || l.Since.Sub(s.from) > 5*time.Minute+15*time.Second || l.Next.IsZero() {
			t.Errorf("line state %+v", l)
		}
		all(meters, nil)
		readings, _ := s.sink.counts()
		pass(31*time.Second + 30*time.Second)
		if diff := cmp.Diff([]string{"a down, silent, 250 meters", "a back"}, j.told()); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
		if n, _ := s.sink.counts(); n-readings < 250 {
			t.Errorf("%d readings within half a minute after the cable was joined, want all 250", n-readings)
		}
		if l := s.Lines()[0]; l.Down || l.Dead > 0 {
			t.Errorf("line state %+v", l)
		}
	})
}

// TestLostPortIsOneAlarm: the adapter is unplugged.
func TestLostPortIsOneAlarm(t *testing.T) {
	j, meters := &journal{}, riser(50)
	run(t, Options{Watch: j}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(time.Minute)
		all(meters, meter.ErrLine)
		pass(3 * time.Second)
		all(meters, nil)
		pass(time.Minute)
		if len(j.told()) != 0 {
			t.Errorf("an alarm for three seconds: %v", j.told())
		}
		all(meters, fmt.Errorf("open: %w", meter.ErrLine))
		pass(time.Hour)
		all(meters, nil)
		pass(time.Minute)
		if diff := cmp.Diff([]string{"a down, line, 50 meters", "a back"}, j.told()); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
		if _, failures := s.sink.counts(); failures != 0 || j.misses() != 0 {
			t.Errorf("%d failures kept, %d meters blamed for a lost port", failures, j.misses())
		}
	})
}

// TestDeadShares: what is told and kept when a part of the meters is dead from the start, wherever they sit.
func TestDeadShares(t *testing.T) {
	for name, c := range map[string]struct {
		dead func(i int) bool
		n    int
		told []string
	}{
		"10 % spread":          {func(i int) bool { return i%10 == 3 }, 10, []string{}},
		"30 % spread":          {func(i int) bool { return i%10 < 3 }, 30, []string{}},
		"30 % at the far end":  {func(i int) bool { return i >= 70 }, 30, []string{}},
		"30 % at the near end": {func(i int) bool { return i < 30 }, 30, []string{}},
		"all":                  {func(int) bool { return true }, 100, []string{"a down, silent, 100 meters"}},
	} {
		t.Run(name, func(t *testing.T) {
			j, meters := &journal{}, riser(100)
			every(time.Minute)(meters)
			for i, m := range meters {
				if c.dead(i) {
					m.fail = meter.ErrSilent
				}
			}
			run(t, Options{Watch: j}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
				pass(4 * time.Hour)
				if diff := cmp.Diff(c.told, j.told()); diff != "" {
					t.Errorf("alarms (-want +got):\n%s", diff)
				}
				if _, failures := s.sink.counts(); failures > c.n {
					t.Errorf("%d failures kept for %d dead meters", failures, c.n)
				}
				dead := 0
				for _, st := range s.States() {
					if st.Dead {
						dead++
						if st.Since.IsZero() || st.Next.IsZero() {
							t.Errorf("dead meter without a time: %+v", st)
						}
					}
				}
				if len(c.told) == 0 && dead != c.n {
					t.Errorf("%d meters are called dead, want %d", dead, c.n)
				}
				all(meters, nil)
				pass(20 * time.Minute)
				for _, st := range s.States() {
					if st.Dead || st.Failure != nil || st.Last == nil {
						t.Fatalf("repaired, but: %+v", st)
					}
				}
			})
		})
	}
}

// TestAllButOneDead: the one that answers keeps the line up, with few alarms.
func TestAllButOneDead(t *testing.T) {
	j, meters := &journal{}, riser(50)
	every(time.Minute)(meters)
	all(meters, meter.ErrSilent)
	meters[33].fail = nil
	run(t, Options{Watch: j}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(6 * time.Hour)
		if n := len(j.told()); n > 4 {
			t.Errorf("%d alarms: %v", n, j.told())
		}
		if n := len(meters[33].times()); n < 300 {
			t.Errorf("the living one was asked %d times in 6 h, want once a minute", n)
		}
		if l := s.Lines()[0]; l.Down || l.Dead != 49 {
			t.Errorf("line state %+v", l)
		}
	})
}

// TestTwoMetersOneDies: on a small line too the one that answers proves that the line is there.
func TestTwoMetersOneDies(t *testing.T) {
	j, meters := &journal{}, riser(2)
	run(t, Options{Watch: j}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(time.Minute)
		meters[0].set(meter.ErrSilent)
		pass(time.Hour)
		if st := s.States(); len(j.told()) != 0 || !st[0].Dead || st[1].Dead {
			t.Errorf("told %v, states %+v", j.told(), st)
		}
		meters[1].set(meter.ErrSilent)
		pass(time.Hour)
		if diff := cmp.Diff([]string{"a down, silent, 2 meters"}, j.told()); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
		meters[1].set(nil)
		pass(time.Minute)
		if st := s.States(); len(j.told()) != 2 || !st[0].Dead || st[1].Dead {
			t.Errorf("told %v, states %+v", j.told(), st)
		}
	})
}

// TestSingleMeter: alone on its line a silent meter is a silent meter; a lost port is the line.
func TestSingleMeter(t *testing.T) {
	j, meters := &journal{}, riser(1)
	run(t, Options{Watch: j}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(time.Minute)
		meters[0].set(meter.ErrSilent)
		pass(time.Hour)
		if len(j.told()) != 0 || !s.States()[0].Dead {
			t.Errorf("told %v, state %+v", j.told(), s.States()[0])
		}
		meters[0].set(meter.ErrLine)
		pass(time.Hour)
		meters[0].set(meter.ErrSilent)
		pass(time.Hour)
		if diff := cmp.Diff([]string{"a down, line, 1 meters", "a back"}, j.told()); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
	})
}

// TestNoiseIsNoCutCable: what cannot be understood still proves that somebody is there.
func TestNoiseIsNoCutCable(t *testing.T) {
	j, meters := &journal{}, riser(20)
	run(t, Options{Watch: j}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(time.Minute)
		all(meters, meter.ErrChecksum)
		pass(time.Minute)
		if len(j.told()) != 0 {
			t.Errorf("told %v", j.told())
		}
	})
}

// TestDeadMeterIsToldOncePerReasonAndDay: failures are news, not a flood.
func TestDeadMeterIsToldOncePerReasonAndDay(t *testing.T) {
	meters := riser(3)
	every(10 * time.Minute)(meters)
	run(t, Options{Zone: time.UTC}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(time.Hour)
		meters[0].set(meter.ErrSilent)
		pass(20 * time.Hour)
		meters[0].set(meter.ErrChecksum)
		pass(2 * time.Hour) // 23:00
		var codes []string
		for _, f := range s.sink.failed() {
			codes = append(codes, f.Code)
		}
		if diff := cmp.Diff([]string{"silent", "checksum"}, codes); diff != "" {
			t.Errorf("failures of the first day (-want +got):\n%s", diff)
		}
		pass(5 * 24 * time.Hour)
		if n := len(s.sink.failed()); n != 2+5 {
			t.Errorf("%d failures after five midnights, want 7", n)
		}
		for i, f := range s.sink.failed()[2:] {
			if want := s.from.Add(time.Duration(i+1) * 24 * time.Hour); !f.At.Equal(want) {
				t.Errorf("reminder %d at %s, want %s", i, f.At, want)
			}
		}
	})
}

// TestLentLineIsNobodysFailure: somebody else has the line for longer than a read may wait.
func TestLentLineIsNobodysFailure(t *testing.T) {
	j, meters := &journal{}, riser(5)
	run(t, Options{Watch: j}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(time.Minute)
		all(meters, fmt.Errorf("wait for line: %w: %w", meter.ErrLine, errNoTurn))
		pass(10 * time.Minute)
		if _, failures := s.sink.counts(); len(j.told()) != 0 || j.misses() != 0 || failures != 0 {
			t.Errorf("told %v, %d missed, %d failures", j.told(), j.misses(), failures)
		}
		for _, st := range s.States() {
			if st.Dead || st.Failure == nil {
				t.Errorf("state %+v", st)
			}
		}
		all(meters, nil)
		pass(11 * time.Second)
		for _, st := range s.States() {
			if st.Failure != nil {
				t.Errorf("the line was given back, state %+v", st)
			}
		}
	})
}
