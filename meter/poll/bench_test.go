package poll

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/quality"
	"tally/meter/quantity"
)

// instant is a meter that answers at once.
type instant struct {
	id    meter.ID
	count int64
	at    time.Time
}

func (m *instant) Read(context.Context) (meter.Reading, error) {
	m.count++
	m.at = m.at.Add(15 * time.Minute)
	return meter.Reading{Meter: m.id, At: m.at, Line: "a", Values: []meter.Value{
		{Name: meter.Volume, Number: quantity.Decimal{Unscaled: m.count, Scale: 2}, Unit: quantity.UnitCubicMetre},
		{Name: "battery", Number: quantity.Decimal{Unscaled: 36, Scale: 1}, Unit: "V"},
	}, Raw: make([]byte, 35)}, nil
}

// nowhere takes everything.
type nowhere struct{}

func (nowhere) Keep(context.Context, meter.Reading) error { return nil }
func (nowhere) Fail(context.Context, meter.Failure) error { return nil }

// blank is a Book that keeps nothing.
type blank struct{}

func (blank) Load(context.Context, string) (json.RawMessage, error) { return nil, quality.ErrNone }
func (blank) Save(context.Context, quality.Page) error              { return nil }

// concentrator is 2 000 meters on 64 lines, watched.
func concentrator(b *testing.B) (*Poller, *quality.Desk) {
	var watched []quality.Meter
	for i := range 2000 {
		watched = append(watched, quality.Meter{ID: meter.ID(fmt.Sprint(i)), Line: fmt.Sprint(i % 64), Class: quality.Residential, MaxFlow: 6_000})
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	desk, err := quality.New(b.Context(), blank{}, watched, quality.Options{Zone: utc8, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	p := New(nowhere{}, Options{Watch: desk, Zone: utc8, Log: log})
	from := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, m := range watched {
		if err := p.Add(Target{ID: m.ID, Line: m.Line, Meter: &instant{id: m.ID, at: from}, Every: 15 * time.Minute, Slow: time.Second}); err != nil {
			b.Fatal(err)
		}
	}
	return p, desk
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkRound is what the schedule and the watching cost for one reading, drivers and storage left out, and what 2 000
// meters on 64 lines take in memory when each has been read for a week of quarter hours.
func BenchmarkRound(b *testing.B) {
	before := heap()
	p, desk := concentrator(b)
	if err := p.start(time.Now()); err != nil {
		b.Fatal(err)
	}
	all := func() {
		for _, t := range p.order {
			p.round(b.Context(), t)
		}
		p.queue.items = nil
	}
	for range 100 {
		all()
	}
	held := heap() - before
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for _, l := range p.lanes {
			if p.next(l, l.targets[n%len(l.targets)].next).t == nil {
				b.Fatal("nothing is due")
			}
		}
		all()
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*len(p.order)), "µs/reading")
	b.ReportMetric(float64(held)/(1<<20), "MiB-heap")
	runtime.KeepAlive(desk)
}
