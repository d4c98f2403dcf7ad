package quality

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tally/meter"
	"tally/meter/quantity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the instant from which tests count; it has no monotonic clock, like a time that was stored.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// cubic is a reading of so many litres on a counter of cubic metres with three decimals, at noon and a while.
func cubic(after time.Duration, litres int64, more ...meter.Value) meter.Reading {
	return read(after, meter.Value{Name: meter.Volume, Number: quantity.Decimal{Unscaled: litres, Scale: 3}, Unit: quantity.UnitCubicMetre}, more...)
}

func read(after time.Duration, v meter.Value, more ...meter.Value) meter.Reading {
	return meter.Reading{Meter: "1", Line: "a", At: noon.Add(after), Values: append([]meter.Value{v}, more...)}
}

func value(name string, unscaled int64, scale uint8, unit quantity.Unit) meter.Value {
	return meter.Value{Name: name, Number: quantity.Decimal{Unscaled: unscaled, Scale: scale}, Unit: unit}
}

// shelf is a Book in memory that refuses while told to.
type shelf struct {
	mu     sync.Mutex
	refuse error
	states map[string]json.RawMessage
	page   Page // everything that was told
	saves  int
}

func (b *shelf) Load(_ context.Context, name string) (json.RawMessage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if raw, ok := b.states[name]; ok {
		return raw, nil
	}
	return nil, ErrNone
}

func (b *shelf) Save(_ context.Context, p Page) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return b.refuse
	}
	b.saves++
	if b.states == nil {
		b.states = map[string]json.RawMessage{}
	}
	for k, v := range p.States {
		b.states[k] = v
	}
	b.page.Events = append(b.page.Events, p.Events...)
	b.page.Lines = append(b.page.Lines, p.Lines...)
	b.page.Days = append(b.page.Days, p.Days...)
	return nil
}

var errRefused = errors.New("disk is full")

// desk looks at meter 1 of class c with a maximum flow of 6 m³/h.
func desk(t *testing.T, b *shelf, change func(*Meter, *Options)) *Desk {
	t.Helper()
	m := Meter{ID: "1", Line: "a", Class: Residential, MaxFlow: 6_000}
	o := Options{Zone: time.UTC, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&m, &o)
	}
	d, err := New(t.Context(), b, []Meter{m}, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// tell flushes and returns the events so far as kind and phase.
func tell(t *testing.T, d *Desk, b *shelf) []string {
	t.Helper()
	if err := d.flush(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range b.page.Events {
		phase := " begins"
		if !e.Ended.IsZero() {
			phase = " ends"
		}
		out = append(out, string(e.Kind)+phase)
	}
	return out
}
