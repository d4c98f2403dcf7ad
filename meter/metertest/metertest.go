// Package metertest is the suite that every meter.Meter passes, whatever protocol it speaks, simulated or real. It
// checks what the contract promises to the schedule: values with the time at which they were measured, an error of
// package meter instead of a zero, and never somebody else's or an older value.
package metertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
)

// Trouble is something that a rig can do to the next answers of its meter.
type Trouble string

// Troubles. A rig leaves out of its table what its protocol or line cannot have.
const (
	Silence   Trouble = "silence"    // no answer
	Damage    Trouble = "damage"     // a wrong bit
	CutShort  Trouble = "cut short"  // the end is missing
	Stranger  Trouble = "stranger"   // another meter's address
	OtherTalk Trouble = "other talk" // an answer to another kind of question
	TooFew    Trouble = "too few"    // fewer values than asked, well framed
	Refusal   Trouble = "refusal"    // the meter says no
	Busy      Trouble = "busy"       // the meter says later
	Late      Trouble = "late"       // the answer comes after the question was given up
	Chatter   Trouble = "chatter"    // bytes behind the answer
	Split     Trouble = "split"      // a pause in the middle of the answer
	Glitch    Trouble = "glitch"     // a 00 or FF in front of the answer
)

// wants says with which error a read ends under each trouble; nil means that it must succeed all the same.
var wants = map[Trouble][]error{
	Silence:   {meter.ErrSilent},
	Damage:    {meter.ErrChecksum},
	CutShort:  {meter.ErrChecksum, meter.ErrLine, meter.ErrSilent},
	Stranger:  {meter.ErrForeign},
	OtherTalk: {meter.ErrMalformed},
	TooFew:    {meter.ErrMalformed},
	Refusal:   {meter.ErrException},
	Busy:      {meter.ErrBusy},
	Late:      {meter.ErrSilent},
	Chatter:   nil,
	Split:     nil,
	Glitch:    nil,
}

// Rig is a meter on a line, and hands on both ends.
type Rig struct {
	Meter meter.Meter
	ID    meter.ID
	Line  string
	// Turn sets the meter's counter and returns what a reading must then show.
	Turn func(step int) meter.Value
	// Make prepares the trouble for the next answer only.
	Make map[Trouble]func()
}

// Run checks a meter. build makes a fresh rig for each test and cleans up with t.Cleanup. The tests run at the same time:
// most of theirs goes by in waiting for answers that do not come.
func Run(t *testing.T, build func(t *testing.T) Rig) {
	run(t, build, func(t *testing.T, test func(t *testing.T)) { test(t) })
}

// RunTurned is the same under a clock that turns by itself (testing/synctest), for a rig without real parts.
func RunTurned(t *testing.T, build func(t *testing.T) Rig) { run(t, build, synctest.Test) }

func run(t *testing.T, build func(t *testing.T) Rig, under func(t *testing.T, test func(t *testing.T))) {
	var running sync.WaitGroup
	defer running.Wait()
	part := func(name string, test func(t *testing.T, rig Rig)) {
		running.Go(func() {
			t.Run(name, func(t *testing.T) { under(t, func(t *testing.T) { test(t, build(t)) }) })
		})
	}
	part("reads what the meter shows, with its time", reads)
	part("returns when its context ends", returns)
	for trouble := range build(t).Make {
		part(string(trouble), func(t *testing.T, rig Rig) { survives(t, rig, trouble) })
	}
}

func reads(t *testing.T, rig Rig) {
	var last time.Time
	for step := range 3 {
		want := rig.Turn(step)
		from := time.Now()
		r := mustRead(t, rig)
		check(t, rig, r, want)
		if r.At.Before(from) || r.At.After(time.Now()) || !r.At.After(last) {
			t.Errorf("At = %v, asked at %v, last reading %v", r.At, from, last)
		}
		last = r.At
	}
}

func returns(t *testing.T, rig Rig) {
	rig.Turn(0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rig.Meter.Read(ctx); err == nil {
		t.Error("Read with an ended context succeeded")
	}
	check(t, rig, mustRead(t, rig), rig.Turn(0))
}

// survives checks one trouble: the right error and no reading, or the right reading; and that the meter's true value,
// which has changed meanwhile, comes soon after. A reading in between may fail, it may not be old.
func survives(t *testing.T, rig Rig, trouble Trouble) {
	rig.Turn(0)
	mustRead(t, rig)
	now := rig.Turn(1)
	rig.Make[trouble]()
	r, err := rig.Meter.Read(t.Context())
	errs := wants[trouble]
	switch {
	case len(errs) == 0 && err == nil:
		check(t, rig, r, now)
	case len(errs) == 0:
		t.Fatalf("Read: %v, it should have coped", err)
	case !slices.ContainsFunc(errs, func(want error) bool { return errors.Is(err, want) }):
		t.Fatalf("Read = %v, %v, want an error matching one of %v", r.Values, err, errs)
	case !cmp.Equal(r, meter.Reading{}):
		t.Errorf("Read gave a reading along with %v: %+v", err, r)
	}
	recovers(t, rig)
}

// patience is how many reads the line may need to find its way back.
const patience = 4

func recovers(t *testing.T, rig Rig) {
	t.Helper()
	good := 0
	for step := 2; step < 2+patience+2; step++ {
		want := rig.Turn(step)
		r, err := rig.Meter.Read(t.Context())
		if err != nil {
			if meter.Code(err) == "error" {
				t.Errorf("error %v is none of package meter", err)
			}
			good = 0
			continue
		}
		check(t, rig, r, want)
		if good++; good == 3 {
			return
		}
	}
	t.Errorf("the meter was not read three times running after %d tries", patience+2)
}

func mustRead(t *testing.T, rig Rig) meter.Reading {
	t.Helper()
	r, err := rig.Meter.Read(t.Context())
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return r
}

func check(t *testing.T, rig Rig, r meter.Reading, want meter.Value) {
	t.Helper()
	got, _ := r.Find(want.Name)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("value (-want +got):\n%s", diff)
	}
	if r.Meter != rig.ID || r.Line != rig.Line {
		t.Errorf("reading is of meter %q on line %q, want %q on %q", r.Meter, r.Line, rig.ID, rig.Line)
	}
	if len(r.Raw) == 0 || len(r.Raw) > 512 {
		t.Errorf("raw evidence has %d bytes, want 1–512", len(r.Raw))
	}
}
