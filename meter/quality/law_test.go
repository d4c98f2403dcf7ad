package quality

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tally/meter"
	"tally/meter/quantity"
)

// readings draws a series of a meter in the field: mostly in order, with everything that goes wrong.
func readings(t *rapid.T) []meter.Reading {
	at, n := time.Duration(0), rapid.Int64Range(0, 99_999_999).Draw(t, "start")
	var all []meter.Reading
	for range rapid.IntRange(1, 30).Draw(t, "length") {
		at += time.Duration(rapid.IntRange(1, 100_000).Draw(t, "seconds")) * time.Second
		unit := quantity.UnitCubicMetre
		switch rapid.IntRange(0, 11).Draw(t, "what") {
		case 0:
			n = rapid.Int64().Draw(t, "anything")
		case 1:
			n = rapid.Int64Range(0, 100).Draw(t, "again")
		case 2:
			unit = rapid.SampledFrom([]quantity.Unit{"L", "Cel", "", "kWh"}).Draw(t, "unit")
		case 3:
			at = time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, "clock"))
		default:
			n += rapid.Int64Range(0, 50).Draw(t, "used")
		}
		r := read(at, value(meter.Volume, n, uint8(rapid.SampledFrom([]int{2, 2, 2, 3, 18}).Draw(t, "scale")), unit))
		if rapid.Bool().Draw(t, "more") {
			r.Values = append(r.Values, value("flow", rapid.Int64().Draw(t, "flow"), 3, "m3/h"), value("valve", rapid.Int64Range(0, 3).Draw(t, "valve"), 0, ""),
				value("battery", rapid.Int64Range(0, 4000).Draw(t, "battery"), 3, "V"))
		}
		all = append(all, r)
	}
	return all
}

var known = []string{meter.Backwards, meter.Jump, meter.Rollover, meter.Replaced, meter.WrongUnit, meter.Stuck, meter.ClockDrift, meter.ClockUnsure}

// lawDesk is a desk for one meter as drawn.
func lawDesk(t *rapid.T, b *shelf) *Desk {
	m := Meter{ID: "1", Line: "a", Class: rapid.SampledFrom(Classes).Draw(t, "class"), MaxFlow: rapid.SampledFrom([]int64{0, 6_000}).Draw(t, "max flow")}
	d, err := New(t.Context(), b, []Meter{m}, Options{Zone: utc8})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestLawMarksChangeNothing: a reading is the same after it was judged, and has only marks that are known, each once.
func TestLawMarksChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := lawDesk(t, &shelf{})
		for _, r := range readings(t) {
			before, _ := json.Marshal(r)
			marks := d.Judge(r)
			if after, _ := json.Marshal(r); !cmp.Equal(before, after) {
				t.Fatalf("reading was changed:\n%s\n%s", before, after)
			}
			for i, m := range marks {
				if !slices.Contains(known, m) || slices.Contains(marks[:i], m) {
					t.Fatalf("marks %v", marks)
				}
			}
			if len(marks) > 0 {
				marks[0] = "mine" // the list is the caller's own: the law of doubles would see it
			}
		}
	})
}

// TestLawDoubledReadingsCountOnce: wherever the last readings come again, all marks and events stay the same, and the
// copies get the marks of the first.
func TestLawDoubledReadingsCountOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain, doubled := &shelf{}, &shelf{}
		a := lawDesk(t, plain)
		m := a.order[0].Meter
		b, err := New(t.Context(), doubled, []Meter{m}, Options{Zone: utc8})
		if err != nil {
			t.Fatal(err)
		}
		var past []meter.Reading
		var marks []meter.Quality
		for _, r := range readings(t) {
			if slices.ContainsFunc(past, func(o meter.Reading) bool { return o.At.Equal(r.At) }) {
				continue // the series itself has doubles now and then
			}
			q := a.Judge(r)
			if got := b.Judge(r); !cmp.Equal(q, got, cmpopts.EquateEmpty()) {
				t.Fatalf("marks %v, with doubles %v", q, got)
			}
			if late(&a.order[0].state, r) {
				continue // overtaken: it left no trace that a copy could meet
			}
			past, marks = append(past, r), append(marks, q)
			for range rapid.IntRange(0, 2).Draw(t, "copies") {
				i := len(past) - 1 - rapid.IntRange(0, min(len(past), remembered)-1).Draw(t, "which")
				if got := b.Judge(past[i]); !cmp.Equal(marks[i], got, cmpopts.EquateEmpty()) {
					t.Fatalf("copy has marks %v, the first had %v", got, marks[i])
				}
			}
		}
		for _, d := range []*Desk{a, b} {
			if err := d.flush(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(plain.page, doubled.page); diff != "" {
			t.Fatalf("what is told (-plain +with doubles):\n%s", diff)
		}
	})
}

// TestLawGoodSeriesHasNoMarks: a counter that only grows, within what its meter lets through, is never doubted.
func TestLawGoodSeriesHasNoMarks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := lawDesk(t, &shelf{})
		at, litres := time.Duration(0), rapid.Int64Range(0, 1e9).Draw(t, "start")
		for range rapid.IntRange(1, 50).Draw(t, "length") {
			seconds := rapid.Int64Range(1, 100_000).Draw(t, "seconds")
			at += time.Duration(seconds) * time.Second
			litres += rapid.Int64Range(0, seconds*6_000/3600).Draw(t, "used")
			if q := d.Judge(cubic(at, litres)); len(q) > 0 {
				t.Fatalf("%d L after %s: %v", litres, at, q)
			}
		}
	})
}

// TestLawEventsPairUp: each event that ends has begun, with the same beginning, and none begins twice; also over restarts
// at any place.
func TestLawEventsPairUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &shelf{}
		d := lawDesk(t, b)
		m := d.order[0].Meter
		for _, r := range readings(t) {
			d.Judge(r)
			if rapid.IntRange(0, 5).Draw(t, "restart") == 0 {
				if err := d.flush(t.Context(), rapid.Bool().Draw(t, "in order")); err != nil {
					t.Fatal(err)
				}
				var err error
				if d, err = New(t.Context(), b, []Meter{m}, Options{Zone: utc8}); err != nil {
					t.Fatal(err)
				}
				d.Resume(r)
			}
		}
		if err := d.flush(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		open := map[Kind]time.Time{}
		for _, e := range b.page.Events {
			began, on := open[e.Kind]
			switch {
			case e.Ended.IsZero() && on:
				t.Fatalf("%s begins twice", e.Kind)
			case e.Ended.IsZero():
				open[e.Kind] = e.Began
			case !on || !began.Equal(e.Began):
				t.Fatalf("%s ends, began %s, told %s", e.Kind, e.Began, began)
			default:
				delete(open, e.Kind)
			}
		}
	})
}
