package quality

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
)

// walk reads once a step, so many litres more each time.
func walk(d *Desk, from *time.Duration, litres *int64, step time.Duration, each int64, times int, more ...meter.Value) {
	for range times {
		*from += step
		*litres += each
		d.Judge(cubic(*from, *litres, more...))
	}
}

// TestEvents: each begins once and ends once, whatever lies between.
func TestEvents(t *testing.T) {
	type steps func(d *Desk, walk func(step time.Duration, each int64, times int, more ...meter.Value))
	quarter := 15 * time.Minute
	for name, c := range map[string]struct {
		change func(*Meter, *Options)
		do     steps
		want   []string
	}{
		"no use, until something is used": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(24*time.Hour, 0, 100)
				walk(24*time.Hour, 5, 2)
			},
			want: []string{"no_use begins", "no_use ends"},
		},
		"no use for a little less": {
			do:   func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) { walk(24*time.Hour, 0, 89) },
			want: []string{},
		},
		"leak: no pause for a day": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(quarter, 3, 4*24+8)
				walk(quarter, 0, 3)
			},
			want: []string{"leak begins", "leak ends"},
		},
		"no leak: a pause each night": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				for range 3 {
					walk(quarter, 3, 4*23)
					walk(quarter, 0, 4)
				}
			},
			want: []string{},
		},
		"no leak: read too seldom to know": {
			do:   func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) { walk(12*time.Hour, 100, 20) },
			want: []string{},
		},
		"burst: an hour at the maximum": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(quarter, 1_500, 6)
				walk(quarter, 100, 2)
			},
			want: []string{"burst begins", "burst ends"},
		},
		"no burst: three quarters of an hour": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(quarter, 1_500, 3)
				walk(quarter, 0, 1)
			},
			want: []string{},
		},
		"flow through a closed valve": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(quarter, 50, 2, value("valve", 0, 0, ""))
				walk(quarter, 50, 1, value("valve", 1, 0, "")) // may have gone through before it closed
				walk(quarter, 50, 3, value("valve", 1, 0, ""))
				walk(quarter, 0, 4, value("valve", 1, 0, "")) // it drips
				walk(quarter, 1, 2, value("valve", 1, 0, ""))
				walk(quarter, 0, 96, value("valve", 1, 0, ""))
			},
			want: []string{"closed_flow begins", "closed_flow ends"},
		},
		"a valve that drips": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				for range 110 {
					walk(quarter, 1, 1, value("valve", 1, 0, ""))
					walk(quarter, 0, 3, value("valve", 1, 0, ""))
				}
				walk(quarter, 30, 2, value("valve", 0, 0, ""))
			},
			want: []string{"closed_flow begins", "closed_flow ends"},
		},
		"a closed valve that holds": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(quarter, 0, 50, value("valve", 1, 0, ""))
			},
			want: []string{},
		},
		"reverse": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(quarter, 1_000, 2)
				walk(quarter, -20, 2)
				walk(quarter, 100, 1)
			},
			want: []string{"reverse begins", "reverse ends"},
		},
		"a meter that says so itself": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(quarter, 10, 1, value("flow", -5, 0, "L/h"))
				walk(quarter, 10, 1, value("flow", 5, 0, "L/h"))
			},
			want: []string{"reverse begins", "reverse ends"},
		},
		"battery in volts": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				for _, mv := range []int64{3600, 3299, 3301, 3290, 3349, 3350} {
					walk(quarter, 1, 1, value("battery", mv, 3, "V"))
				}
			},
			want: []string{"battery_low begins", "battery_low ends"},
		},
		"battery as a flag": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				for _, low := range []int64{0, 1, 1, 0} {
					walk(quarter, 1, 1, value("battery", low, 0, ""))
				}
			},
			want: []string{"battery_low begins", "battery_low ends"},
		},
		"tamper": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				for _, on := range []int64{0, 1, 1, 0} {
					walk(quarter, 1, 1, value("magnet", on, 0, ""))
				}
			},
			want: []string{"tamper begins", "tamper ends"},
		},
		"another meter, until it is taken for the truth": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(time.Hour, 1_000, 2)
				walk(time.Hour, -101_000, 1)
				walk(time.Hour, 10, 3)
			},
			want: []string{"replaced begins", "replaced ends"},
		},
		"sudden use, while the day runs": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(8*time.Hour, 400, 3*10)
				walk(time.Hour, 1_000, 10)
				walk(8*time.Hour, 400, 3*2)
			},
			want: []string{"sudden_use begins", "sudden_use ends"},
		},
		"nothing is sudden after three days": {
			do: func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(8*time.Hour, 400, 3*3)
				walk(time.Hour, 1_000, 10)
			},
			want: []string{},
		},
		"silence, and back again": {
			do: func(d *Desk, walk func(time.Duration, int64, int, ...meter.Value)) {
				walk(time.Hour, 1, 1)
				for h := range 60 {
					d.Missed(meter.Failure{Meter: "1", At: noon.Add(time.Duration(h+2) * time.Hour), Code: "silent"})
				}
				walk(70*time.Hour, 1, 2)
			},
			want: []string{"silence begins", "silence ends"},
		},
		"silence of a meter that never answered": {
			do: func(d *Desk, _ func(time.Duration, int64, int, ...meter.Value)) {
				for h := range 60 {
					d.Missed(meter.Failure{Meter: "1", At: noon.Add(time.Duration(h+200) * time.Hour), Code: "silent"})
				}
			},
			want: []string{"silence begins"},
		},
		"clock": {
			do: func(d *Desk, _ func(time.Duration, int64, int, ...meter.Value)) {
				for _, s := range []int{5, 300, 310, -400, 100} {
					d.Clock("1", noon, time.Duration(s)*time.Second)
				}
			},
			want: []string{"clock_drift begins", "clock_drift ends"},
		},
		"a large customer never pauses": {
			change: func(m *Meter, _ *Options) { m.Class = Large1 },
			do:     func(_ *Desk, walk func(time.Duration, int64, int, ...meter.Value)) { walk(quarter, 300, 4*24*3) },
			want:   []string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := &shelf{}
			d := desk(t, b, c.change)
			at, litres := time.Duration(0), int64(100_000)
			d.Judge(cubic(at, litres))
			c.do(d, func(step time.Duration, each int64, times int, more ...meter.Value) {
				walk(d, &at, &litres, step, each, times, more...)
			})
			if diff := cmp.Diff(c.want, tell(t, d, b)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, e := range b.page.Events {
				if e.Meter != "1" || e.Line != "a" || e.Class == "" || e.Began.IsZero() || len(e.Evidence) == 0 {
					t.Errorf("event without what it stands on: %+v", e)
				}
			}
		})
	}
}

// TestEventsOverARestart: killed at any moment, an event is told once when it begins and once when it ends.
func TestEventsOverARestart(t *testing.T) {
	for kill := range 110 {
		b := &shelf{}
		d := desk(t, b, nil)
		at, litres := time.Duration(0), int64(100_000)
		var stored meter.Reading
		for i := range 110 {
			at += 24 * time.Hour
			if i == 100 {
				litres += 5
			}
			stored = cubic(at, litres)
			d.Judge(stored)
			if err := d.flush(t.Context(), false); err != nil { // as Run does when something is to be told
				t.Fatal(err)
			}
			if i == kill {
				d = desk(t, b, nil)
				d.Resume(stored)
			}
		}
		got := tell(t, d, b)
		want := []string{"no_use begins", "no_use ends"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("killed after reading %d (-want +got):\n%s", kill, diff)
		}
	}
}

func TestEventHasItsEvidence(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, nil)
	d.Judge(cubic(0, 100_000))
	d.Judge(cubic(time.Hour, 99_000))
	d.Judge(cubic(2*time.Hour, 100_500))
	tell(t, d, b)
	want := []Event{
		{Meter: "1", Line: "a", Class: Residential, Kind: Reverse, Began: noon.Add(time.Hour), Evidence: []Evidence{
			{noon, "volume", "100.000", "m3"}, {noon.Add(time.Hour), "volume", "99.000", "m3"}}},
		{Meter: "1", Line: "a", Class: Residential, Kind: Reverse, Began: noon.Add(time.Hour), Ended: noon.Add(2 * time.Hour), Evidence: []Evidence{
			{noon, "volume", "100.000", "m3"}, {noon.Add(time.Hour), "volume", "99.000", "m3"},
			{noon, "volume", "100.000", "m3"}, {noon.Add(2 * time.Hour), "volume", "100.500", "m3"}}},
	}
	if diff := cmp.Diff(want, b.page.Events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpenListsWhatIsGoingOn(t *testing.T) {
	d := desk(t, &shelf{}, nil)
	d.Judge(cubic(0, 100_000, value("battery", 3000, 3, "V")))
	d.Judge(cubic(time.Hour, 99_000))
	open := d.Open()
	if len(open) != 2 || open[0].Kind != BatteryLow || open[1].Kind != Reverse || !open[0].Ended.IsZero() {
		t.Errorf("open = %+v", open)
	}
}
