package metertest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/quantity"
)

// flaw is what is wrong with a fake meter; the empty one is in order.
type flaw string

var flaws = []flaw{
	"zero for silence", "reading along with an error", "error of no class", "old value", "old time", "time of handling", "another meter's number",
	"no evidence", "deaf to its context", "damage accepted", "never again",
}

// fake is a meter whose next answer may be in trouble.
type fake struct {
	flaw    flaw
	now     int64
	last    int64
	trouble Trouble
	stuck   bool
	born    time.Time
}

func (f *fake) Read(ctx context.Context) (meter.Reading, error) {
	if ctx.Err() != nil && f.flaw != "deaf to its context" {
		return meter.Reading{}, meter.ErrLine
	}
	trouble := f.trouble
	f.trouble = ""
	switch {
	case f.stuck:
		return meter.Reading{}, meter.ErrSilent
	case trouble == "":
		return f.reading(f.now), nil
	case f.flaw == "zero for silence" && trouble == Silence:
		return f.reading(0), nil
	case f.flaw == "reading along with an error":
		return f.reading(f.now), wants[trouble][0]
	case f.flaw == "error of no class":
		return meter.Reading{}, context.DeadlineExceeded
	case f.flaw == "damage accepted" && trouble == Damage:
		return f.reading(f.now + 1), nil
	case f.flaw == "never again":
		f.stuck = true
	}
	return meter.Reading{}, wants[trouble][0]
}

func (f *fake) reading(n int64) meter.Reading {
	r := meter.Reading{Meter: "1", Line: "x", At: time.Now(), Raw: []byte{1}, Values: []meter.Value{value(n)}}
	switch f.flaw {
	case "old value":
		r.Values[0] = value(f.last)
		f.last = n
	case "old time":
		r.At = f.born
	case "time of handling":
		r.At = time.Now().Add(time.Hour)
	case "another meter's number":
		r.Meter = "2"
	case "no evidence":
		r.Raw = nil
	}
	return r
}

func value(n int64) meter.Value {
	return meter.Value{Name: meter.Volume, Number: quantity.Decimal{Unscaled: n}}
}

func build(f flaw) Rig {
	m := &fake{flaw: f, born: time.Now()}
	rig := Rig{Meter: m, ID: "1", Line: "x", Make: map[Trouble]func(){}}
	rig.Turn = func(step int) meter.Value {
		m.now = int64(1000 + step)
		return value(m.now)
	}
	for _, trouble := range []Trouble{Silence, Damage, Refusal} {
		rig.Make[trouble] = func() { m.trouble = trouble }
	}
	return rig
}

const flawVariable = "TALLY_METERTEST_FLAW"

// TestSuite runs the suite over a fake meter: one in order, or in a process started by TestSuiteCatches a flawed one.
func TestSuite(t *testing.T) {
	Run(t, func(*testing.T) Rig { return build(flaw(os.Getenv(flawVariable))) })
}

func TestSuiteCatches(t *testing.T) {
	for _, f := range flaws {
		t.Run(string(f), func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestSuite$")
			cmd.Env = append(os.Environ(), flawVariable+"="+string(f))
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestSuite/") {
				t.Errorf("the suite passed a meter with this flaw: %v\n%s", err, out)
			}
		})
	}
}
