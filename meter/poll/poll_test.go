package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
)

func TestPromise4OldValueNeverGetsANewTime(t *testing.T) {
	m := &fakeMeter{id: "1", takes: time.Second}
	run(t, Options{}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		s.sink.set(errFull)
		pass(65 * time.Second)
		m.set(meter.ErrSilent)
		pass(time.Hour)
		if n, _ := s.sink.counts(); n != 0 || s.Stats().Waiting == 0 || s.Stats().Refused == 0 {
			t.Fatalf("kept %d, stats %+v while the disk is full", n, s.Stats())
		}
		s.sink.set(nil)
		pass(time.Minute)
		if len(s.sink.kept()) != 7 {
			t.Fatalf("%d readings kept, want 7", len(s.sink.kept()))
		}
		for i, r := range s.sink.kept() {
			if want := s.from.Add(time.Duration(i)*10*time.Second + time.Second); !r.At.Equal(want) {
				t.Errorf("reading %d has time %s, it was measured at %s", i, r.At.Sub(s.from), want.Sub(s.from))
			}
			if v, _ := r.Find(meter.Volume); v.Number.Unscaled != int64(i+1) {
				t.Errorf("reading %d shows %s", i, v.Number)
			}
		}
		if st := s.Stats(); st.Lost != 0 || st.Waiting != 0 {
			t.Errorf("stats = %+v, want nothing lost or waiting", st)
		}
	})
}

// TestPromise4SilentMeterGivesAFailureNeverAZero: after its first reading the meter is silent for ever.
func TestPromise4SilentMeterGivesAFailureNeverAZero(t *testing.T) {
	m := &fakeMeter{id: "1"}
	run(t, Options{}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		pass(time.Second)
		m.set(fmt.Errorf("read: %w", meter.ErrSilent))
		pass(time.Hour)
		readings, failures := s.sink.counts()
		if readings != 1 || failures == 0 {
			t.Fatalf("%d readings and %d failures, want 1 and some", readings, failures)
		}
		f := s.sink.failed()[0]
		if f.Meter != "1" || f.Line != "a" || f.Code != "silent" || f.Text != "read: meter did not answer" || !f.At.Equal(s.from.Add(10*time.Second)) {
			t.Errorf("failure = %+v", f)
		}
		st := s.States()[0]
		if !st.Dead || st.Last == nil || !st.Last.At.Equal(s.from) || st.Failure == nil || st.Failure.Code != "silent" {
			t.Errorf("state = %+v", st)
		}
	})
}

func TestRoundsAreSpread(t *testing.T) {
	var all []*fakeMeter
	lines := map[string][]*fakeMeter{}
	for _, l := range []string{"a", "b"} {
		for i := range 5 {
			m := &fakeMeter{id: meter.ID(fmt.Sprint(l, i))}
			all = append(all, m)
			lines[l] = append(lines[l], m)
		}
	}
	run(t, Options{}, lines, func(t *testing.T, s *scene) {
		pass(10*time.Second - 1)
		var at []time.Duration
		for _, m := range all {
			if len(m.times()) != 1 {
				t.Fatalf("meter %s was asked %d times in the first round", m.id, len(m.times()))
			}
			at = append(at, m.times()[0].Sub(s.from))
		}
		slices.Sort(at)
		for i, d := range at {
			if d != time.Duration(i)*time.Second {
				t.Errorf("question %d at %s, want one each second", i, d)
			}
		}
		pass(100 * time.Second)
		for _, m := range all {
			if n := len(m.times()); n != 11 {
				t.Errorf("meter %s was asked %d times in 110 s, want 11", m.id, n)
			}
		}
	})
}

func TestSlowLineIsFairAndDoesNotPileUp(t *testing.T) {
	var meters []*fakeMeter
	for i := range 4 {
		meters = append(meters, &fakeMeter{id: meter.ID(fmt.Sprint(i)), takes: 5 * time.Second}) // 20 s for a round of 10 s
	}
	run(t, Options{}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(400 * time.Second)
		for _, m := range meters {
			if n := len(m.times()); n < 19 || n > 22 {
				t.Errorf("meter %s was asked %d times, want its fourth of 80", m.id, n)
			}
		}
	})
}

func TestRetriesWithinARound(t *testing.T) {
	refused := fmt.Errorf("x: %w", meter.ErrException)
	for _, c := range []struct {
		name  string
		errs  []error
		o     Options
		asked int
		kept  int
	}{
		{"comes right at the third try", []error{meter.ErrSilent, meter.ErrChecksum}, Options{}, 3, 1},
		{"three tries in all", []error{meter.ErrSilent, meter.ErrChecksum, meter.ErrSilent}, Options{}, 3, 0},
		{"no retries wanted", []error{meter.ErrSilent}, Options{Retries: -1}, 1, 0},
		{"no use after a refusal", []error{refused}, Options{}, 1, 0},
		{"a line that is gone for a moment is nobody's failure", []error{meter.ErrLine}, Options{}, 2, 1},
		{"busy is worth waiting for", []error{meter.ErrBusy}, Options{}, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &fakeMeter{id: "1", failNext: c.errs}
			run(t, c.o, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
				pass(5 * time.Second)
				readings, failures := s.sink.counts()
				if len(m.times()) != c.asked || readings != c.kept || failures != 1-c.kept {
					t.Errorf("asked %d, readings %d, failures %d, want %d, %d, %d", len(m.times()), readings, failures, c.asked, c.kept, 1-c.kept)
				}
			})
		})
	}
}

func TestDeadMeterBacksOffAndOneProbeBringsItBack(t *testing.T) {
	m := &fakeMeter{id: "1", fail: meter.ErrSilent}
	run(t, Options{Slowest: 2 * time.Minute}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		pass(21 * time.Second)
		if st := s.States()[0]; !st.Dead || st.Failed != 3 {
			t.Fatalf("after three rounds: %+v", st)
		}
		asked := len(m.times())
		pass(20 * time.Minute)
		probes := m.times()[asked:]
		for i, want := range []time.Duration{20, 40, 80} {
			if i == 0 {
				continue
			}
			if gap := probes[i].Sub(probes[i-1]); gap != want*time.Second {
				t.Errorf("probe %d after %s, want %ds", i, gap, want)
			}
		}
		if n := len(probes); n > 13 {
			t.Errorf("a dead meter was asked %d times in 20 min", n)
		}
		m.set(nil)
		pass(2 * time.Minute)
		if st := s.States()[0]; st.Dead || st.Failure != nil || st.Last == nil {
			t.Errorf("after the probe: %+v", st)
		}
		before := len(m.times())
		pass(time.Minute)
		if n := len(m.times()) - before; n != 6 {
			t.Errorf("asked %d times a minute after it came back, want 6", n)
		}
	})
}

// TestDeadMetersDoNotSlowTheAlive: ten meters that need a second, one of them silent for 5 s a try.
func TestDeadMetersDoNotSlowTheAlive(t *testing.T) {
	meters := []*fakeMeter{{id: "dead", takes: 5 * time.Second, fail: meter.ErrSilent}}
	for i := range 9 {
		meters = append(meters, &fakeMeter{id: meter.ID(fmt.Sprint(i)), takes: time.Second})
	}
	run(t, Options{}, map[string][]*fakeMeter{"a": meters}, func(t *testing.T, s *scene) {
		pass(2 * time.Minute) // until it is known
		before := len(meters[1].times())
		pass(10 * time.Minute)
		if n := len(meters[1].times()) - before; n < 54 { // 60 rounds without dead ones
			t.Errorf("%d rounds of the alive in 10 min, want at least 54 of 60", n)
		}
	})
}

func TestLostLineMakesNoMeterDead(t *testing.T) {
	m := &fakeMeter{id: "1", fail: meter.ErrLine}
	run(t, Options{}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		pass(10 * time.Minute)
		if st := s.States()[0]; st.Dead || st.Failure == nil || st.Failure.Code != "line" {
			t.Errorf("state = %+v", st)
		}
		m.set(nil)
		pass(10 * time.Second)
		if st := s.States()[0]; st.Last == nil || st.Failure != nil {
			t.Errorf("line is back, state = %+v", st)
		}
	})
}

func TestReadNow(t *testing.T) {
	m := &fakeMeter{id: "1", fail: meter.ErrSilent}
	run(t, Options{}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		pass(time.Hour)
		if _, err := s.ReadNow(t.Context(), "1"); !errors.Is(err, meter.ErrSilent) {
			t.Errorf("silent meter: %v", err)
		}
		m.set(nil)
		r, err := s.ReadNow(t.Context(), "1")
		if err != nil || r.Meter != "1" {
			t.Fatalf("ReadNow = %+v, %v", r, err)
		}
		if p := m.prios[len(m.prios)-1]; p != line.Interactive {
			t.Errorf("priority = %v, want Interactive", p)
		}
		pass(0)
		if n, _ := s.sink.counts(); n != 1 {
			t.Errorf("%d readings handed over, want 1", n)
		}
		if st := s.States()[0]; st.Dead || time.Until(st.Next) > 10*time.Second {
			t.Errorf("state after it answered: %+v", st)
		}
		if _, err := s.ReadNow(t.Context(), "2"); !errors.Is(err, ErrUnknown) {
			t.Errorf("unknown meter: %v", err)
		}
	})
}

func TestStopIsPromptAndSaysNothingAboutMeters(t *testing.T) {
	m := &fakeMeter{id: "1", takes: time.Hour}
	run(t, Options{Limit: time.Hour}, map[string][]*fakeMeter{"a": {m}}, func(t *testing.T, s *scene) {
		pass(5 * time.Second)
		from := time.Now()
		s.stop()
		if took := time.Since(from); took > 0 {
			t.Errorf("stopped after %s", took)
		}
		if _, failures := s.sink.counts(); failures != 0 {
			t.Errorf("%d failures handed over for a read that was stopped", failures)
		}
	})
}

func TestForeignOrTimelessReadingIsAFailure(t *testing.T) {
	m := &fakeMeter{id: "2"}
	run(t, Options{Retries: -1}, nil, func(t *testing.T, s *scene) {})
	p := New(&memory{}, Options{})
	if err := p.Add(Target{ID: "1", Line: "a", Meter: m, Every: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadNow(t.Context(), "1"); !errors.Is(err, meter.ErrForeign) {
		t.Errorf("reading of meter 2 for meter 1: %v", err)
	}
	timeless := readFunc(func(context.Context) (meter.Reading, error) { return meter.Reading{Meter: "3"}, nil })
	if err := p.Add(Target{ID: "3", Line: "a", Meter: timeless, Every: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadNow(t.Context(), "3"); !errors.Is(err, meter.ErrMalformed) {
		t.Errorf("reading without a time: %v", err)
	}
}

type readFunc func(context.Context) (meter.Reading, error)

func (f readFunc) Read(ctx context.Context) (meter.Reading, error) { return f(ctx) }

func TestAddRefuses(t *testing.T) {
	p := New(&memory{}, Options{})
	m := &fakeMeter{id: "1"}
	good := Target{ID: "1", Line: "a", Meter: m, Every: time.Minute}
	if err := p.Add(good); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]Target{
		"twice": good, "no number": {Line: "a", Meter: m, Every: time.Minute}, "no driver": {ID: "2", Every: time.Minute},
		"too often": {ID: "2", Meter: m, Every: time.Millisecond},
	} {
		if err := p.Add(bad); err == nil {
			t.Errorf("%s: added", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx); err != nil {
		t.Error(err)
	}
	if err := p.Run(ctx); err == nil {
		t.Error("ran twice")
	}
	if err := p.Add(Target{ID: "9", Meter: m, Every: time.Minute}); err == nil {
		t.Error("added after the start")
	}
}
