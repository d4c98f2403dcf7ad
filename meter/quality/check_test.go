package quality

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tally/meter"
	"tally/meter/quantity"
)

// TestMarks: what each reading of a series is marked with.
func TestMarks(t *testing.T) {
	bcd := func(after time.Duration, unscaled int64) meter.Reading { // the counter of CJ/T 188: XXXXXX.XX m³
		return read(after, value(meter.Volume, unscaled, 2, "m3"))
	}
	u32 := func(after time.Duration, litres int64) meter.Reading {
		return read(after, value(meter.Volume, litres, 0, "L"))
	}
	for name, c := range map[string]struct {
		change func(*Meter, *Options)
		series []meter.Reading
		want   []meter.Quality
	}{
		"in order": {series: []meter.Reading{cubic(0, 1_000), cubic(time.Hour, 1_500), cubic(2*time.Hour, 1_500)}, want: []meter.Quality{nil, nil, nil}},
		"backwards, and the last good value stands": {
			series: []meter.Reading{cubic(0, 50_000), cubic(time.Hour, 49_000), cubic(2*time.Hour, 49_900), cubic(3*time.Hour, 50_100)},
			want:   []meter.Quality{nil, {meter.Backwards}, {meter.Backwards}, nil},
		},
		"a digit that flips is a jump, and what follows is not": {
			series: []meter.Reading{cubic(0, 1_000), cubic(time.Hour, 801_000), cubic(2*time.Hour, 1_100)},
			want:   []meter.Quality{nil, {meter.Jump}, nil},
		},
		"just what the meter lets through": {
			series: []meter.Reading{cubic(0, 0), cubic(time.Hour, 6_600), cubic(2*time.Hour, 13_203)},
			want:   []meter.Quality{nil, nil, nil},
		},
		"a litre and the tolerance more": {
			series: []meter.Reading{cubic(0, 0), cubic(time.Hour, 6_606)}, want: []meter.Quality{nil, {meter.Jump}},
		},
		"a jump is possible when it took long": {
			series: []meter.Reading{cubic(0, 0), cubic(100*24*time.Hour, 10_000_000)}, want: []meter.Quality{nil, nil},
		},
		"nothing is a jump where no maximum is known": {
			change: func(m *Meter, _ *Options) { m.MaxFlow = 0 },
			series: []meter.Reading{cubic(0, 0), cubic(time.Second, 10_000_000)}, want: []meter.Quality{nil, nil},
		},
		"three that agree are the truth": {
			series: []meter.Reading{cubic(0, 0), cubic(time.Hour, 90_000), cubic(2*time.Hour, 90_100), cubic(3*time.Hour, 90_100), cubic(4*time.Hour, 90_300)},
			want:   []meter.Quality{nil, {meter.Jump}, {meter.Jump}, {meter.Jump}, nil},
		},
		"three within seconds are not": {
			series: []meter.Reading{cubic(0, 1_000), cubic(time.Hour, 90_000), cubic(time.Hour+2*time.Second, 90_000), cubic(time.Hour+4*time.Second, 90_000), cubic(2*time.Hour, 1_100)},
			want:   []meter.Quality{nil, {meter.Jump}, {meter.Jump}, {meter.Jump}, nil},
		},
		"three that do not agree are not": {
			series: []meter.Reading{cubic(0, 1_000), cubic(time.Hour, 90_000), cubic(2*time.Hour, 70_000), cubic(3*time.Hour, 500_000), cubic(4*time.Hour, 1_200)},
			want:   []meter.Quality{nil, {meter.Jump}, {meter.Jump}, {meter.Jump}, nil},
		},
		"rollover of eight digits": {
			series: []meter.Reading{bcd(0, 99_999_999), bcd(time.Hour, 5), bcd(2*time.Hour, 50)}, want: []meter.Quality{nil, {meter.Rollover}, nil},
		},
		"rollover of 32 bits": {
			series: []meter.Reading{u32(0, math.MaxUint32-10), u32(time.Hour, 100)}, want: []meter.Quality{nil, {meter.Rollover}},
		},
		"no rollover: more than can have gone through": {
			series: []meter.Reading{bcd(0, 99_999_999), bcd(time.Hour, 5_000)}, want: []meter.Quality{nil, {meter.Backwards, meter.Replaced}},
		},
		"no rollover: the counter has other digits": {
			change: func(m *Meter, _ *Options) { m.Digits = 9 },
			series: []meter.Reading{bcd(0, 99_999_999), bcd(time.Hour, 5)}, want: []meter.Quality{nil, {meter.Backwards, meter.Replaced}},
		},
		"rollover of a counter whose digits are known": {
			change: func(m *Meter, _ *Options) { m.Digits = 5 },
			series: []meter.Reading{bcd(0, 99_999), bcd(time.Hour, 5)}, want: []meter.Quality{nil, {meter.Rollover}},
		},
		"a register that begins again is another meter": {
			series: []meter.Reading{cubic(0, 800_000), cubic(time.Hour, 0), cubic(2*time.Hour, 10), cubic(3*time.Hour, 20), cubic(4*time.Hour, 30)},
			want:   []meter.Quality{nil, {meter.Backwards, meter.Replaced}, {meter.Backwards, meter.Replaced}, {meter.Backwards, meter.Replaced}, nil},
		},
		"another number is another meter, at once": {
			series: []meter.Reading{cubic(0, 800_000, value("serial_number", 7, 0, "")), cubic(time.Hour, 900_000, value("serial_number", 8, 0, "")),
				cubic(2*time.Hour, 900_100, value("serial_number", 8, 0, ""))},
			want: []meter.Quality{nil, {meter.Replaced}, nil},
		},
		"another unit": {
			series: []meter.Reading{cubic(0, 5_000), read(time.Hour, value(meter.Volume, 5_001, 0, "L")), cubic(2*time.Hour, 5_002)},
			want:   []meter.Quality{nil, {meter.WrongUnit}, nil},
		},
		"a unit that counts nothing": {
			series: []meter.Reading{cubic(0, 5_000), read(time.Hour, value(meter.Volume, 5_001, 0, "Cel")), cubic(2*time.Hour, 5_002)},
			want:   []meter.Quality{nil, {meter.WrongUnit}, nil},
		},
		"more than anybody counts": {
			series: []meter.Reading{cubic(0, 5_000), read(time.Hour, value(meter.Volume, math.MaxInt64, 0, "m3")), cubic(2*time.Hour, 5_002)},
			want:   []meter.Quality{nil, {meter.WrongUnit}, nil},
		},
		"it stands although it says that it flows": {
			series: []meter.Reading{
				cubic(0, 5_000, value("flow", 12, 3, "m3/h")), cubic(30*time.Minute, 5_000, value("flow", 12, 3, "m3/h")),
				cubic(time.Hour, 5_000, value("flow", 12, 3, "m3/h")), cubic(90*time.Minute, 5_006, value("flow", 12, 3, "m3/h")),
			},
			want: []meter.Quality{nil, nil, {meter.Stuck}, nil},
		},
		"energy is a counter too": {
			change: func(m *Meter, _ *Options) { m.MaxFlow = 10_000 }, // W
			series: []meter.Reading{read(0, value("energy", 100, 2, "kWh")), read(time.Hour, value("energy", 1100, 2, "kWh")), read(2*time.Hour, value("energy", 5000, 2, "kWh"))},
			want:   []meter.Quality{nil, nil, {meter.Jump}},
		},
		"the node's clock is not set": {
			series: []meter.Reading{cubic(-56*365*24*time.Hour, 10), cubic(0, 20), cubic(time.Hour, 30)}, want: []meter.Quality{{meter.ClockUnsure}, {meter.ClockUnsure}, nil},
		},
		"the node's clock went back over a restart": {
			series: []meter.Reading{cubic(0, 10), cubic(-time.Hour, 20), cubic(0, 30)}, want: []meter.Quality{nil, {meter.ClockUnsure}, nil},
		},
		"ten years at once": {
			series: []meter.Reading{cubic(0, 10), cubic(3653*24*time.Hour, 20), cubic(time.Hour, 30), cubic(2*time.Hour, 40)},
			want:   []meter.Quality{nil, {meter.ClockUnsure}, {meter.ClockUnsure}, nil},
		},
		"overtaken by a younger one": {
			series: []meter.Reading{cubic(0, 10), cubic(time.Minute, 30), cubic(30*time.Second, 20), cubic(2*time.Minute, 40)},
			want:   []meter.Quality{nil, nil, nil, nil},
		},
		"history is not compared": {
			series: []meter.Reading{cubic(0, 10), withMark(cubic(-40*24*time.Hour, 5), meter.Remembered), cubic(time.Hour, 20)}, want: []meter.Quality{nil, nil, nil},
		},
		"nothing that counts": {series: []meter.Reading{read(0, value("temperature", 20, 0, "Cel"))}, want: []meter.Quality{nil}},
	} {
		t.Run(name, func(t *testing.T) {
			d := desk(t, &shelf{}, c.change)
			for i, r := range c.series {
				if diff := cmp.Diff(c.want[i], d.Judge(r), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("reading %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func withMark(r meter.Reading, mark string) meter.Reading {
	r.Quality = meter.Quality{mark}
	return r
}

func TestMarksStayOverARestart(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, nil)
	d.Judge(cubic(0, 50_000))
	d.Judge(cubic(time.Hour, 900_000)) // a jump: not the ground for what follows
	tell(t, d, b)
	d = desk(t, b, nil)
	d.Resume(withMark(cubic(time.Hour, 900_000), meter.Jump))
	if q := d.Judge(cubic(2*time.Hour, 49_000)); !has(q, meter.Backwards) {
		t.Errorf("after a restart: %v", q)
	}
	if q := d.Judge(cubic(3*time.Hour, 50_100)); q != nil {
		t.Errorf("after a restart: %v", q)
	}
}

func TestNewestStoredReadingIsTheGroundWhereNothingElseIsKnown(t *testing.T) {
	d := desk(t, &shelf{}, nil)
	d.Resume(withMark(cubic(0, 900_000), meter.Jump))
	if q := d.Judge(cubic(time.Hour, 1_000)); q != nil {
		t.Errorf("an odd one was taken for the ground: %v", q)
	}
	d = desk(t, &shelf{}, nil)
	d.Resume(cubic(0, 900_000))
	if q := d.Judge(cubic(time.Hour, 899_000)); !has(q, meter.Backwards) {
		t.Errorf("a good one was not: %v", q)
	}
}

func TestClockThatIsOffMarksWhatComes(t *testing.T) {
	d := desk(t, &shelf{}, nil)
	d.Judge(cubic(0, 1))
	d.Clock("1", noon, -3*time.Minute)
	if q := d.Judge(cubic(time.Hour, 2)); !has(q, meter.ClockDrift) {
		t.Errorf("clock is three minutes behind: %v", q)
	}
	d.Clock("1", noon.Add(time.Hour), time.Second)
	if q := d.Judge(cubic(2*time.Hour, 3)); q != nil {
		t.Errorf("clock is right again: %v", q)
	}
}

func TestShiftRefusesWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		d      quantity.Decimal
		places int
		want   int64
		ok     bool
	}{
		{quantity.Decimal{Unscaled: 12345, Scale: 2}, 3, 123450, true},
		{quantity.Decimal{Unscaled: 12349, Scale: 4}, 3, 1234, true},
		{quantity.Decimal{Unscaled: math.MaxInt64 / 5}, 1, 0, false},
		{quantity.Decimal{Unscaled: math.MinInt64}, 1, 0, false},
	} {
		if got, ok := shift(c.d, c.places); ok != c.ok || ok && got != c.want {
			t.Errorf("shift(%v, %d) = %d, %v", c.d, c.places, got, ok)
		}
	}
}
