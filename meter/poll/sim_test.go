package poll_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter"
	"tally/meter/cjt188"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/poll"
)

// The tests of this file stand on a simulated RS-485 line with the times of a real one: CJ/T 188 meters at 2400 8E1, 100 ms
// of turnaround and 50 ms between exchanges, through the real driver and line, in a clock that turns by itself.

const gap = 50 * time.Millisecond

var pacing = metersim.Pacing{Baud: 2400, CharBits: 11, Turnaround: 100 * time.Millisecond, Gap: gap - time.Millisecond}

// street is a line with n meters on it.
type street struct {
	t      *testing.T
	sims   []*metersim.CJT188Meter
	line   *line.Line
	poller *poll.Poller
	sink   *drawer
	stop   func() time.Duration // ends the schedule; returns how long that took
}

// drawer is a Sink that keeps everything.
type drawer struct {
	mu       sync.Mutex
	readings map[meter.ID][]meter.Reading
	failures map[meter.ID][]meter.Failure
}

func (d *drawer) Keep(_ context.Context, r meter.Reading) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readings[r.Meter] = append(d.readings[r.Meter], r)
	return nil
}

func (d *drawer) Fail(_ context.Context, f meter.Failure) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures[f.Meter] = append(d.failures[f.Meter], f)
	return nil
}

func (d *drawer) of(id meter.ID) ([]meter.Reading, []meter.Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]meter.Reading{}, d.readings[id]...), append([]meter.Failure{}, d.failures[id]...)
}

func name(i int) meter.ID { return meter.ID(fmt.Sprintf("%08d", i)) }

// live runs test on a street of n meters; change may alter a meter and its place in the schedule.
func live(t *testing.T, n int, o poll.Options, change func(i int, m *metersim.CJT188Meter, tg *poll.Target), test func(t *testing.T, s *street)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Log = slog.New(slog.DiscardHandler)
		s := &street{t: t, sink: &drawer{readings: map[meter.ID][]meter.Reading{}, failures: map[meter.ID][]meter.Failure{}}}
		bus, speech := metersim.NewBus(pacing), &metersim.CJT188{}
		bus.Speech = speech
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		open := func(context.Context) (line.Conn, error) {
			ours, theirs := newWire(pacing.Char(), &group)
			group.Go(func() {
				if err := bus.Serve(ctx, theirs); err != nil && !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("simulator: %v", err)
				}
			})
			return ours, nil
		}
		s.line = line.New("street", open, line.Options{Gap: gap})
		s.poller = poll.New(s.sink, o)
		for i := range n {
			s.add(i, speech, change)
		}
		group.Go(func() {
			if err := s.line.Run(ctx); err != nil {
				t.Errorf("line: %v", err)
			}
		})
		running, halt := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- s.poller.Run(running) }()
		s.stop = func() time.Duration {
			from := time.Now()
			halt()
			if err := <-done; err != nil {
				t.Errorf("schedule: %v", err)
			}
			done <- nil
			return time.Since(from)
		}
		test(t, s)
		s.stop()
		cancel()
		group.Wait()
		if bus.Rushed() > 0 {
			t.Errorf("%d requests came too early", bus.Rushed())
		}
	})
}

// add puts the i-th meter on the line and into the schedule.
func (s *street) add(i int, speech *metersim.CJT188, change func(int, *metersim.CJT188Meter, *poll.Target)) {
	a, err := cjt188.ParseAddress(fmt.Sprintf("%014d", i))
	if err != nil {
		s.t.Fatal(err)
	}
	sim := &metersim.CJT188Meter{Kind: 0x30, Address: a}
	tg := poll.Target{ID: name(i), Line: "street", Every: time.Second, Fast: 250 * time.Millisecond, Slow: time.Second}
	months := 0
	if change != nil {
		change(i, sim, &tg)
		months = len(sim.History)
	}
	speech.Add(sim)
	s.sims = append(s.sims, sim)
	m, err := cjt188.New(s.line, cjt188.Gas, a, tg.ID, cjt188.Options{Months: months})
	if err != nil {
		s.t.Fatal(err)
	}
	tg.Meter = m
	if err := s.poller.Add(tg); err != nil {
		s.t.Fatal(err)
	}
}

// round is the mean time between readings of a meter since some instant.
func (s *street) round(i int, since time.Time) time.Duration {
	all, _ := s.sink.of(name(i))
	var in []meter.Reading
	for _, r := range all {
		if r.At.After(since) {
			in = append(in, r)
		}
	}
	if len(in) < 2 {
		s.t.Fatalf("meter %d was read %d times", i, len(in))
	}
	return in[len(in)-1].At.Sub(in[0].At) / time.Duration(len(in)-1)
}

func turn(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

var silent = &metersim.Fault{Silent: true}

// TestRoundOfTheLivingWithDeadOnes: 250 meters on a line that is never idle. Once the dead are known, a round over the living
// is no more than 10 % longer than it would be without them.
func TestRoundOfTheLivingWithDeadOnes(t *testing.T) {
	if testing.Short() {
		t.Skip("hours of line time")
	}
	rounds := map[int]time.Duration{}
	for _, percent := range []int{0, 10, 30} {
		living := 225 // as many are read in each run; the dead come on top
		n := living * 100 / (100 - percent)
		live(t, n, poll.Options{}, func(i int, m *metersim.CJT188Meter, _ *poll.Target) {
			if percent > 0 && i%10 < percent/10 && i > 0 {
				m.Always(silent)
			}
		}, func(t *testing.T, s *street) {
			turn(90 * time.Minute) // until they are known
			dead := s.poller.Lines()[0].Dead
			since := time.Now()
			turn(30 * time.Minute)
			rounds[percent] = s.round(5, since) * 225 / time.Duration(n-dead)
			t.Logf("%d %% dead: %d meters, %d known as dead, a round over 225 living takes %s", percent, n, dead, rounds[percent])
			if want := n * percent / 100; dead < want-2 || dead > want {
				t.Errorf("%d are called dead, %d are", dead, want)
			}
		})
	}
	for _, percent := range []int{10, 30} {
		if slower := 100 * (rounds[percent] - rounds[0]) / rounds[0]; slower > 10 {
			t.Errorf("with %d %% dead meters a round over the living is %d %% longer, at most 10 are wanted", percent, slower)
		}
	}
	const request, answer = 4 + 16, 4 + 35 // with preamble
	if limit := 225 * (pacing.Char()*(request+answer) + pacing.Turnaround + gap); rounds[0] > limit*103/100 {
		t.Errorf("a round takes %s, the line's limit is %s", rounds[0], limit)
	}
}

// TestMeterThatNeedsThreeSeconds is read all the same, and does not keep the others waiting longer than it must.
func TestMeterThatNeedsThreeSeconds(t *testing.T) {
	live(t, 10, poll.Options{}, func(i int, m *metersim.CJT188Meter, tg *poll.Target) {
		tg.Every, tg.Slow = 15*time.Second, 4*time.Second
		if i == 4 {
			m.Always(&metersim.Fault{Late: 3 * time.Second})
		}
	}, func(t *testing.T, s *street) {
		turn(10 * time.Minute)
		for i := range 10 {
			readings, failures := s.sink.of(name(i))
			if len(readings) < 39 || len(failures) > 0 {
				t.Errorf("meter %d: %d readings, %d failures", i, len(readings), len(failures))
			}
		}
		for i, st := range s.poller.States() {
			if slow := st.Think > 3*time.Second; slow != (i == 4) {
				t.Errorf("meter %d may think %s", i, st.Think)
			}
		}
	})
}

// TestPromise5SlowMeterNeverSpeaksForAnother: one meter answers after its time is up, in the middle of the others' turns. No
// reading carries another meter's value, and none an old one.
func TestPromise5SlowMeterNeverSpeaksForAnother(t *testing.T) {
	live(t, 10, poll.Options{}, func(i int, m *metersim.CJT188Meter, tg *poll.Target) {
		tg.Every = 7 * time.Second
		if i == 4 {
			m.Always(&metersim.Fault{Late: 1400 * time.Millisecond})
		}
	}, func(t *testing.T, s *street) {
		for step := range 100 {
			for i, m := range s.sims {
				m.Turn(uint32(1_000_000*(i+1) + step))
			}
			turn(9 * time.Second)
		}
		for i := range s.sims {
			readings, _ := s.sink.of(name(i))
			last := int64(0)
			for _, r := range readings {
				v, _ := r.Find(meter.Volume)
				if v.Number.Unscaled/1_000_000 != int64(i+1) || v.Number.Unscaled < last {
					t.Fatalf("meter %d reads %s after %d", i, v.Number, last)
				}
				last = v.Number.Unscaled
			}
			if i != 4 && len(readings) < 100 {
				t.Errorf("meter %d was read %d times", i, len(readings))
			}
		}
	})
}

// TestCutAndJoinedCable on the simulated line: all meters fall silent and come back.
func TestCutAndJoinedCable(t *testing.T) {
	j := &told{}
	live(t, 60, poll.Options{Watch: j}, func(_ int, _ *metersim.CJT188Meter, tg *poll.Target) { tg.Every = time.Minute }, func(t *testing.T, s *street) {
		turn(5 * time.Minute)
		for _, m := range s.sims {
			m.Always(silent)
		}
		turn(3 * time.Hour)
		for _, m := range s.sims {
			m.Always(nil)
		}
		turn(2 * time.Minute)
		if j.down != 1 || j.back != 1 {
			t.Errorf("%d alarms, %d all-clears, want one of each", j.down, j.back)
		}
		failures := 0
		for i := range s.sims {
			_, f := s.sink.of(name(i))
			failures += len(f)
		}
		if failures > 4 {
			t.Errorf("%d failures kept for a cut cable", failures)
		}
		for _, st := range s.poller.States() {
			if st.Dead || st.Last == nil || time.Since(st.Last.At) > 90*time.Second {
				t.Fatalf("two minutes after the cable was joined: %+v", st)
			}
		}
	})
}

// told counts alarms of lines.
type told struct{ down, back int }

func (*told) Judge(meter.Reading) meter.Quality                    { return nil }
func (*told) Missed(meter.Failure)                                 {}
func (j *told) LineDown(string, time.Time, time.Time, string, int) { j.down++ }
func (j *told) LineBack(string, time.Time)                         { j.back++ }
func (*told) Clock(id meter.ID, at time.Time, ahead time.Duration) {}

// TestWhoIsInAHurryGoesFirst: the line is never idle. Somebody in front of a screen waits for the exchange that is under
// way and not longer; history still gets its turn.
func TestWhoIsInAHurryGoesFirst(t *testing.T) {
	o := poll.Options{Backfill: time.Hour, Sound: func() bool { return true }}
	live(t, 60, o, func(i int, m *metersim.CJT188Meter, tg *poll.Target) {
		if i == 7 {
			m.Settles = 1
			for range 12 {
				m.History = append(m.History, 500)
			}
			tg.Seen = time.Now().AddDate(-1, 0, 0)
		}
	}, func(t *testing.T, s *street) {
		turn(10 * time.Minute)
		remembered := 0
		all, _ := s.sink.of(name(7))
		for _, r := range all {
			for _, q := range r.Quality {
				if q == meter.Remembered {
					remembered++
				}
			}
		}
		if remembered != 12 {
			t.Errorf("%d months of history came through in ten minutes, want 12", remembered)
		}
		exchange := s.round(3, time.Now().Add(-5*time.Minute)) / 60
		for _, p := range []line.Priority{line.Interactive, line.Command} {
			for i := range 20 {
				from := time.Now()
				if _, err := s.poller.ReadNow(line.WithPriority(t.Context(), p), name(i*3)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(from); took > 2*exchange {
					t.Errorf("priority %d waited %s, an exchange takes %s: want at most the one under way and its own", p, took, exchange)
				}
				turn(1234 * time.Millisecond)
			}
		}
	})
}

// TestStopInAnExchange: SIGTERM comes while a meter is being asked.
func TestStopInAnExchange(t *testing.T) {
	live(t, 20, poll.Options{}, nil, func(t *testing.T, s *street) {
		turn(time.Minute + 123*time.Millisecond)
		if took := s.stop(); took > 0 {
			t.Errorf("stopped after %s", took)
		}
		for i := range 20 {
			if _, failures := s.sink.of(name(i)); len(failures) > 0 {
				t.Errorf("meter %d is blamed for the stop: %+v", i, failures)
			}
		}
	})
}

// TestValveOnTheLine: through schedule, driver and line the meter gets one command, also when its answer is lost.
func TestValveOnTheLine(t *testing.T) {
	live(t, 5, poll.Options{}, func(_ int, _ *metersim.CJT188Meter, tg *poll.Target) {
		tg.Every, tg.Permit = 10*time.Second, poll.Permit{Close: true}
	}, func(t *testing.T, s *street) {
		turn(30 * time.Second)
		if state, err := s.poller.Valve(t.Context(), name(1), meter.ValveClosed, string(name(1))); err != nil || state != meter.ValveClosed {
			t.Fatalf("Valve = %v, %v", state, err)
		}
		s.sims[2].Next(*silent, *silent) // the command's answer and the reading behind it
		if _, err := s.poller.Valve(t.Context(), name(2), meter.ValveClosed, string(name(2))); !errors.Is(err, meter.ErrOutcomeUnknown) {
			t.Errorf("lost answer: %v", err)
		}
		turn(time.Minute)
		for i, want := range []int{0, 1, 1, 0, 0} {
			if got := s.sims[i].Commands(); got != want {
				t.Errorf("meter %d got %d commands, want %d", i, got, want)
			}
		}
	})
}
