package poll_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/cjt188"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/poll"
)

// BenchmarkDead reads 90 living meters on a line that is never idle, in real time at 115200 8E1 with 2 ms of turnaround
// and 1 ms between exchanges, with and without 10 dead ones that are known: round is the time for the living, slower_% what
// the dead cost them.
func BenchmarkDead(b *testing.B) {
	for b.Loop() {
		without, with := benchRound(b, 90, 0), benchRound(b, 100, 10)
		b.ReportMetric(float64(with.Microseconds())/1000, "ms/round")
		b.ReportMetric(100*float64(with-without)/float64(without), "slower_%")
	}
}

// benchRound returns how long a round over the living takes.
func benchRound(b *testing.B, n, dead int) time.Duration {
	pace := metersim.Pacing{Baud: 115200, CharBits: 11, Turnaround: 2 * time.Millisecond, Gap: 900 * time.Microsecond}
	bus, speech := metersim.NewBus(pace), &metersim.CJT188{}
	bus.Speech = speech
	ctx, cancel := context.WithCancel(b.Context())
	var group sync.WaitGroup
	l := line.New("bench", func(context.Context) (line.Conn, error) {
		ours, theirs := newWire(pace.Char(), &group)
		group.Go(func() { bus.Serve(ctx, theirs) }) //nolint:errcheck // it ends when the line does
		return ours, nil
	}, line.Options{Gap: time.Millisecond, Quiet: 5 * time.Millisecond})
	count := &counting{marks: make(chan struct{}, 1)}
	p := poll.New(count, poll.Options{Retries: -1, DeadAfter: 2, Slowest: time.Minute, Log: slog.New(slog.DiscardHandler)})
	for i := range n {
		a, err := cjt188.ParseAddress(fmt.Sprintf("%014d", i))
		if err != nil {
			b.Fatal(err)
		}
		sim := &metersim.CJT188Meter{Kind: 0x30, Address: a}
		if i%10 == 5 && i/10 < dead {
			sim.Always(&metersim.Fault{Silent: true})
		}
		speech.Add(sim)
		m, err := cjt188.New(l, cjt188.Gas, a, name(i), cjt188.Options{})
		if err != nil {
			b.Fatal(err)
		}
		tg := poll.Target{ID: name(i), Line: "bench", Meter: m, Every: time.Second, Fast: 50 * time.Millisecond, Slow: 100 * time.Millisecond}
		if err := p.Add(tg); err != nil {
			b.Fatal(err)
		}
	}
	group.Go(func() { l.Run(ctx) }) //nolint:errcheck // always nil
	group.Go(func() { p.Run(ctx) }) //nolint:errcheck // cannot fail the first time
	for p.Lines()[0].Dead < dead {
		count.wait(n)
	}
	count.wait(2 * n)
	from := time.Now()
	const rounds = 10
	count.wait(rounds * (n - dead))
	took := time.Since(from) / rounds
	cancel()
	l.Close()
	group.Wait()
	return took
}

// counting is a Sink that tells when so many readings have come.
type counting struct {
	mu    sync.Mutex
	n     int
	marks chan struct{}
}

func (c *counting) Keep(context.Context, meter.Reading) error {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	select {
	case c.marks <- struct{}{}:
	default:
	}
	return nil
}

func (*counting) Fail(context.Context, meter.Failure) error { return nil }

func (c *counting) wait(more int) {
	c.mu.Lock()
	until := c.n + more
	c.mu.Unlock()
	for {
		c.mu.Lock()
		n := c.n
		c.mu.Unlock()
		if n >= until {
			return
		}
		<-c.marks
	}
}
