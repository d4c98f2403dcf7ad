package poll

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
	"tally/meter/line"
)

// valveMeter has a valve that answers as told.
type valveMeter struct {
	fakeMeter
	got    []meter.ValveState
	prios  []line.Priority
	answer meter.ValveState
	err    error
	takes  time.Duration
}

func (m *valveMeter) SetValve(ctx context.Context, want meter.ValveState) (meter.ValveState, error) {
	m.got = append(m.got, want)
	m.prios = append(m.prios, line.PriorityOf(ctx))
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return meter.ValveUnknown, meter.ErrSilent
	}
	return m.answer, m.err
}

// moving runs a schedule with one meter that has a valve.
func moving(t *testing.T, m *valveMeter, permit Permit, test func(t *testing.T, s *scene)) {
	m.id = "1"
	schedule(t, Options{}, alone(Target{Meter: m, Every: time.Hour, Permit: permit}), test)
}

var both = Permit{Close: true, Open: true}

func TestPromise7ValveCommandIsSentOnceAndIsUnknownUntilTheMeterIsRead(t *testing.T) {
	for name, failure := range map[string]error{
		"said so":      meter.ErrOutcomeUnknown,
		"timed out":    meter.ErrSilent,
		"damaged":      meter.ErrChecksum,
		"line lost":    errors.Join(meter.ErrOutcomeUnknown, meter.ErrLine),
		"no known one": errors.New("something else"),
	} {
		t.Run(name, func(t *testing.T) {
			m := &valveMeter{answer: meter.ValveUnknown, err: failure}
			moving(t, m, both, func(t *testing.T, s *scene) {
				if _, err := s.Valve(t.Context(), "1", meter.ValveClosed, "1"); !errors.Is(err, meter.ErrOutcomeUnknown) {
					t.Errorf("first command: %v", err)
				}
				if st := s.States()[0]; st.Valve != meter.ValveUnknown {
					t.Errorf("valve is called %q", st.Valve)
				}
				if _, err := s.Valve(t.Context(), "1", meter.ValveClosed, "1"); !errors.Is(err, ErrUnread) {
					t.Errorf("second command before the meter was read: %v", err)
				}
				if len(m.got) != 1 {
					t.Fatalf("the meter got %d commands, want 1", len(m.got))
				}
				pass(time.Second)
				if _, err := s.ReadNow(t.Context(), "1"); err != nil {
					t.Fatal(err)
				}
				m.answer, m.err = meter.ValveClosed, nil
				if state, err := s.Valve(t.Context(), "1", meter.ValveClosed, "1"); err != nil || state != meter.ValveClosed {
					t.Errorf("after the meter was read: %v, %v", state, err)
				}
				if st := s.States()[0]; st.Valve != meter.ValveClosed {
					t.Errorf("valve is called %q", st.Valve)
				}
				if len(m.got) != 2 || m.prios[0] != line.Command {
					t.Errorf("commands %v with priorities %v", m.got, m.prios)
				}
			})
		})
	}
}

func TestValveIsNotMovedWithoutLeave(t *testing.T) {
	for name, c := range map[string]struct {
		permit Permit
		want   meter.ValveState
		typed  string
		err    error
	}{
		"number of another meter": {both, meter.ValveClosed, "2", ErrTyped},
		"no number":               {both, meter.ValveClosed, "", ErrTyped},
		"may not close":           {Permit{Open: true}, meter.ValveClosed, "1", ErrForbidden},
		"may not open":            {Permit{Close: true}, meter.ValveOpen, "1", ErrForbidden},
		"neither":                 {Permit{}, meter.ValveClosed, "1", ErrForbidden},
		"half open":               {both, meter.ValveFault, "1", ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			m := &valveMeter{answer: c.want}
			moving(t, m, c.permit, func(t *testing.T, s *scene) {
				if _, err := s.Valve(t.Context(), "1", c.want, c.typed); !errors.Is(err, c.err) {
					t.Errorf("error = %v, want %v", err, c.err)
				}
				if len(m.got) != 0 {
					t.Errorf("the meter got %v", m.got)
				}
			})
		})
	}
	moving(t, &valveMeter{}, both, func(t *testing.T, s *scene) {
		if _, err := s.Valve(t.Context(), "9", meter.ValveClosed, "9"); !errors.Is(err, ErrUnknown) {
			t.Errorf("a meter that is not there: %v", err)
		}
	})
	schedule(t, Options{}, alone(Target{Meter: &fakeMeter{id: "1"}, Every: time.Hour, Permit: both}), func(t *testing.T, s *scene) {
		if _, err := s.Valve(t.Context(), "1", meter.ValveClosed, "1"); !errors.Is(err, meter.ErrUnable) {
			t.Errorf("a meter without a valve: %v", err)
		}
	})
}

func TestValveRefusalIsKnown(t *testing.T) {
	m := &valveMeter{answer: meter.ValveUnknown, err: meter.ErrException}
	moving(t, m, both, func(t *testing.T, s *scene) {
		for range 2 {
			if _, err := s.Valve(t.Context(), "1", meter.ValveOpen, "1"); !errors.Is(err, meter.ErrException) || errors.Is(err, meter.ErrOutcomeUnknown) {
				t.Errorf("refusal: %v", err)
			}
		}
	})
}

// TestValveCommandIsNotBrokenOff: who asked goes away, or a second one comes.
func TestValveCommandIsNotBrokenOff(t *testing.T) {
	m := &valveMeter{answer: meter.ValveClosed, takes: 5 * time.Second}
	moving(t, m, both, func(t *testing.T, s *scene) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := s.Valve(ctx, "1", meter.ValveClosed, "1")
			done <- err
		}()
		pass(time.Second)
		cancel()
		if _, err := s.Valve(t.Context(), "1", meter.ValveOpen, "1"); !errors.Is(err, ErrMoving) {
			t.Errorf("a second command meanwhile: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("command of somebody who went away: %v", err)
		}
	})
}

// clockMeter has a clock that runs right but was set wrong.
type clockMeter struct {
	fakeMeter
	ahead  time.Duration
	sets   int
	setErr error
	reads  int
	err    error
}

func (m *clockMeter) ReadClock(context.Context) (shows, at time.Time, err error) {
	m.reads++
	return time.Now().Add(m.ahead), time.Now(), m.err
}

func (m *clockMeter) SetClock(_ context.Context, now func() time.Time) error {
	m.sets++
	if m.setErr == nil {
		m.ahead = time.Until(now())
	}
	return m.setErr
}

func timing(t *testing.T, m *clockMeter, o Options, test func(t *testing.T, s *scene, j *journal)) {
	m.id = "1"
	j := &journal{}
	o.Watch, o.ClockEvery, o.Zone = j, 6*time.Hour, utc8
	if o.Sound == nil {
		o.Sound = func() bool { return true }
	}
	schedule(t, o, alone(Target{Meter: m, Every: time.Hour}), func(t *testing.T, s *scene) { test(t, s, j) })
}

func TestClocksAreComparedAndSetWithinBounds(t *testing.T) {
	t.Run("compared only", func(t *testing.T) {
		m := &clockMeter{ahead: 5 * time.Minute}
		timing(t, m, Options{}, func(t *testing.T, s *scene, j *journal) {
			pass(25 * time.Hour)
			if m.sets != 0 || m.reads != 5 || j.clocks[0] != 5*time.Minute {
				t.Errorf("read %d times, set %d times, told %v", m.reads, m.sets, j.clocks)
			}
			if c := s.States()[0].Clock; c == nil || c.Ahead != 5*time.Minute {
				t.Errorf("state %+v", c)
			}
		})
	})
	t.Run("set once, and then it is right", func(t *testing.T) {
		m := &clockMeter{ahead: -20 * time.Minute}
		timing(t, m, Options{SetClocks: true}, func(t *testing.T, s *scene, j *journal) {
			pass(72 * time.Hour)
			if m.sets != 1 || m.ahead != 0 || j.clocks[1] != 0 {
				t.Errorf("set %d times, is %s ahead, told %v", m.sets, m.ahead, j.clocks)
			}
		})
	})
	t.Run("a clock that does not keep it is set once a day", func(t *testing.T) {
		m := &clockMeter{ahead: time.Hour, setErr: meter.ErrOutcomeUnknown}
		timing(t, m, Options{SetClocks: true}, func(t *testing.T, s *scene, j *journal) {
			pass(10 * 24 * time.Hour)
			if m.sets < 8 || m.sets > 10 {
				t.Errorf("set %d times in ten days", m.sets)
			}
		})
	})
	t.Run("within the limit it is left alone", func(t *testing.T) {
		m := &clockMeter{ahead: 119 * time.Second}
		timing(t, m, Options{SetClocks: true}, func(t *testing.T, s *scene, j *journal) {
			pass(72 * time.Hour)
			if m.sets != 0 {
				t.Errorf("set %d times", m.sets)
			}
		})
	})
	t.Run("not while the node's own clock is not sound", func(t *testing.T) {
		m := &clockMeter{ahead: time.Hour}
		timing(t, m, Options{SetClocks: true, Sound: func() bool { return false }}, func(t *testing.T, s *scene, j *journal) {
			pass(72 * time.Hour)
			if m.sets != 0 || len(j.clocks) != 0 {
				t.Errorf("set %d times, told %v", m.sets, j.clocks)
			}
			if err := s.SetClock(t.Context(), "1"); !errors.Is(err, ErrClock) {
				t.Errorf("by hand: %v", err)
			}
		})
	})
	t.Run("one that has none is not asked again", func(t *testing.T) {
		m := &clockMeter{err: meter.ErrUnable}
		timing(t, m, Options{}, func(t *testing.T, s *scene, j *journal) {
			pass(72 * time.Hour)
			if m.reads != 1 {
				t.Errorf("read %d times", m.reads)
			}
		})
	})
}

// TestNoClockIsSetAroundMidnight: a meter that freezes its own values must pass it once.
func TestNoClockIsSetAroundMidnight(t *testing.T) {
	p := New(&memory{}, Options{SetClocks: true, Zone: utc8})
	tg := &target{}
	for _, c := range []struct {
		at    string
		ahead time.Duration
		may   bool
	}{
		{"12:00", time.Hour, true}, {"12:00", -time.Hour, true}, {"00:10", time.Minute, false}, {"23:50", time.Minute, false},
		{"23:00", 2 * time.Hour, false}, {"01:00", -2 * time.Hour, false}, {"23:00", 40 * 24 * time.Hour, true},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-20 "+c.at, utc8)
		if err != nil {
			t.Fatal(err)
		}
		p.opts.Now = func() time.Time { return at }
		if got := p.maySet(tg, c.ahead); got != c.may {
			t.Errorf("at %s, %s ahead: may be set %v, want %v", c.at, c.ahead, got, c.may)
		}
	}
}

func TestClockByHand(t *testing.T) {
	m := &clockMeter{ahead: time.Hour}
	timing(t, m, Options{}, func(t *testing.T, s *scene, j *journal) {
		if ahead, err := s.CheckClock(t.Context(), "1"); err != nil || ahead != time.Hour {
			t.Errorf("CheckClock = %s, %v", ahead, err)
		}
		if err := s.SetClock(t.Context(), "1"); err != nil || m.sets != 1 {
			t.Errorf("SetClock: %v, set %d times", err, m.sets)
		}
		if diff := cmp.Diff([]time.Duration{time.Hour, 0}, j.clocks); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if _, err := s.CheckClock(t.Context(), "9"); !errors.Is(err, ErrUnknown) {
			t.Errorf("unknown meter: %v", err)
		}
		if err := s.SetClock(t.Context(), "9"); !errors.Is(err, ErrUnknown) {
			t.Errorf("unknown meter: %v", err)
		}
	})
	run(t, Options{}, map[string][]*fakeMeter{"a": {{id: "1"}}}, func(t *testing.T, s *scene) {
		if _, err := s.CheckClock(t.Context(), "1"); !errors.Is(err, meter.ErrUnable) {
			t.Errorf("a meter without a clock: %v", err)
		}
		if err := s.SetClock(t.Context(), "1"); !errors.Is(err, meter.ErrUnable) {
			t.Errorf("a meter without a clock: %v", err)
		}
	})
}
