package cjt188_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter/cjt188"
	"tally/meter/line"
	"tally/meter/metersim"
)

// pacedPipe is a serial line without a machine: its times are those of the pacing, and nothing else takes any.
type pacedPipe struct {
	net.Conn
	char time.Duration
}

func (p pacedPipe) Traits() line.Traits { return line.Traits{Char: p.char} }

// TestLineLimit: 250 meters at 2400 8E1 with 100 ms turnaround and 50 ms between exchanges, on a line where only the wire
// takes time: what the driver adds of its own is what is missing to 1.
func TestLineLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const gap, meters, request, answer = 50 * time.Millisecond, 250, 4 + 16, 4 + 35 // with preamble
		bus, speech := metersim.NewBus(metersim.Pacing{Baud: 2400, CharBits: 11, Turnaround: 100 * time.Millisecond, Gap: gap}), &metersim.CJT188{}
		bus.Speech = speech
		ours, theirs := net.Pipe()
		var serving sync.WaitGroup
		serving.Go(func() { _ = bus.Serve(context.Background(), theirs) })
		l := line.New("limit", func(context.Context) (line.Conn, error) { return pacedPipe{ours, bus.Pacing.Char()}, nil }, line.Options{Gap: gap})
		defer func() {
			l.Close()
			theirs.Close()
			serving.Wait()
		}()
		var from time.Time
		for n := range 2 * meters {
			a := cjt188.Address{byte(n/10%10<<4 | n%10), byte(n % meters / 100)}
			if n < meters {
				speech.Add(&metersim.CJT188Meter{Kind: 0x30, Address: a})
			} else if n == meters {
				from = time.Now() // the first round opened the port
			}
			i := n % meters
			m, err := cjt188.New(l, cjt188.Gas, cjt188.Address{byte(i/10%10<<4 | i%10), byte(i / 100)}, "1", cjt188.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		limit := meters * (bus.Pacing.Char()*(request+answer) + bus.Pacing.Turnaround + gap)
		ratio := float64(limit) / float64(time.Since(from))
		if t.Logf("%.4f of the line's limit", ratio); ratio < 0.97 || ratio > 1.001 {
			t.Errorf("%.4f of the line's limit, want at least 0.97", ratio)
		}
		if bus.Rushed() > 0 {
			t.Errorf("%d requests came too early for real meters", bus.Rushed())
		}
	})
}
