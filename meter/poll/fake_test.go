package poll

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/quantity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeMeter answers from a counter that grows with each read, after some time, or fails.
type fakeMeter struct {
	id      meter.ID
	takes   time.Duration
	silence time.Duration // how long a failed read takes; 0 = as long as a good one
	every   time.Duration // 0 = 10 s

	mu       sync.Mutex
	fail     error // what every read ends with
	failNext []error
	count    int64
	asked    []time.Time
	prios    []line.Priority
}

func (f *fakeMeter) Read(ctx context.Context) (meter.Reading, error) {
	f.mu.Lock()
	f.asked = append(f.asked, time.Now())
	f.prios = append(f.prios, line.PriorityOf(ctx))
	err := f.fail
	if len(f.failNext) > 0 {
		err = f.failNext[0]
		f.failNext = f.failNext[1:]
	}
	takes := f.takes
	if err != nil && f.silence > 0 {
		takes = f.silence
	}
	f.mu.Unlock()
	if errors.Is(err, meter.ErrLine) {
		takes = 0
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return meter.Reading{}, meter.ErrSilent
	}
	if err != nil {
		return meter.Reading{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	return meter.Reading{Meter: f.id, At: time.Now(), Values: []meter.Value{
		{Name: meter.Volume, Number: quantity.Decimal{Unscaled: f.count}, Unit: quantity.UnitCubicMetre},
	}}, nil
}

func (f *fakeMeter) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *fakeMeter) times() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Time(nil), f.asked...)
}

// every sets the interval of meters.
func every(d time.Duration) func([]*fakeMeter) {
	return func(meters []*fakeMeter) {
		for _, m := range meters {
			m.every = d
		}
	}
}

// memory is a Sink that remembers, and refuses while told to.
type memory struct {
	mu       sync.Mutex
	refuse   error
	readings []meter.Reading
	failures []meter.Failure
	order    []string
}

func (m *memory) Keep(_ context.Context, r meter.Reading) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.readings = append(m.readings, r)
	m.order = append(m.order, "reading "+string(r.Meter))
	return nil
}

func (m *memory) Fail(_ context.Context, f meter.Failure) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.failures = append(m.failures, f)
	m.order = append(m.order, "failure "+string(f.Meter))
	return nil
}

func (m *memory) set(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = err
}

func (m *memory) kept() []meter.Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]meter.Reading{}, m.readings...)
}

func (m *memory) failed() []meter.Failure {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]meter.Failure{}, m.failures...)
}

func (m *memory) counts() (readings, failures int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.readings), len(m.failures)
}

var errFull = errors.New("disk is full")

// scene is a running schedule under a clock that turns by itself.
type scene struct {
	*Poller
	sink *memory
	from time.Time
	stop func() // ends Run and waits for it
}

// run starts the schedule with the meters on the named lines, every 10 s each where they do not say otherwise.
func run(t *testing.T, o Options, lines map[string][]*fakeMeter, test func(t *testing.T, s *scene)) {
	t.Helper()
	var targets []Target
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		for _, m := range lines[name] {
			targets = append(targets, Target{ID: m.id, Line: name, Meter: m, Every: cmp.Or(m.every, 10*time.Second), Model: "fake"})
		}
	}
	schedule(t, o, func(time.Time) []Target { return targets }, test)
}

// schedule runs targets, which are made when the bubble's clock is there.
func schedule(t *testing.T, o Options, targets func(now time.Time) []Target, test func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Log = slog.New(slog.DiscardHandler)
		s := &scene{sink: &memory{}, from: time.Now()}
		s.Poller = New(s.sink, o)
		for _, target := range targets(s.from) {
			if err := s.Add(target); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		s.stop = sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
		defer s.stop()
		test(t, s)
	})
}

// alone is one meter on a line.
func alone(target Target) func(time.Time) []Target {
	target.ID, target.Line = "1", "a"
	return func(time.Time) []Target { return []Target{target} }
}

// pass turns the clock and lets everything that is due happen.
func pass(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}
