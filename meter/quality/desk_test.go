package quality

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
)

func TestRunTellsAtOnceAndSavesTheRestAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &shelf{}
		d := desk(t, b, nil)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		d.Judge(cubic(0, 1_000))
		synctest.Wait()
		if b.saves != 0 {
			t.Errorf("saved %d times with nothing to tell", b.saves)
		}
		d.Judge(cubic(time.Hour, 900))
		synctest.Wait()
		if b.saves != 1 || len(b.page.Events) != 1 {
			t.Errorf("saved %d times, %d events", b.saves, len(b.page.Events))
		}
		d.Judge(cubic(2*time.Hour, 950))
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		again := desk(t, b, nil)
		if got, want := again.order[0].state.Last.N, int64(950); got != want {
			t.Errorf("last value kept is %d, want %d", got, want)
		}
	})
}

func TestRunSavesWhatMovesOnNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &shelf{}
		d := desk(t, b, nil)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		d.Judge(cubic(0, 1_000))
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		if b.saves != 1 {
			t.Errorf("saved %d times within the hour, want once", b.saves)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if b.saves != 1 {
			t.Errorf("saved %d times although nothing moved", b.saves)
		}
		stop()
		<-done
	})
}

func TestNothingIsToldTwiceOrLostWhileTheBookRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &shelf{refuse: errRefused}
		d := desk(t, b, nil)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		d.Judge(cubic(0, 1_000))
		for i := range 5 {
			d.Judge(cubic(time.Duration(2*i+1)*time.Hour, 900))
			d.Judge(cubic(time.Duration(2*i+2)*time.Hour, 1_001))
			time.Sleep(time.Minute)
		}
		b.mu.Lock()
		b.refuse = nil
		b.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(b.page.Events) != 10 || d.Lost() != 0 {
			t.Errorf("%d events, %d lost, want 10 and none", len(b.page.Events), d.Lost())
		}
		stop()
		<-done
	})
}

func TestWhatWaitsIsBounded(t *testing.T) {
	d := desk(t, &shelf{refuse: errRefused}, nil)
	d.Judge(cubic(0, 1_000))
	for i := range 100 {
		d.Judge(cubic(time.Duration(2*i+1)*time.Hour, 900))
		d.Judge(cubic(time.Duration(2*i+2)*time.Hour, 1_001))
	}
	if n := len(d.order[0].events); n != maxTold {
		t.Errorf("%d events wait, at most %d may", n, maxTold)
	}
	if d.Lost() != 200-maxTold {
		t.Errorf("%d counted as lost, want %d", d.Lost(), 200-maxTold)
	}
}

func TestManyMetersArePaged(t *testing.T) {
	b := &shelf{}
	var meters []Meter
	for i := range 200 {
		meters = append(meters, Meter{ID: meter.ID(fmt.Sprint(i)), Line: "a", Class: Residential})
	}
	d, err := New(t.Context(), b, meters, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range meters {
		r := cubic(0, 1)
		r.Meter = m.ID
		d.Judge(r)
	}
	tell(t, d, b)
	if b.saves != 4 || len(b.states) != 200 {
		t.Errorf("%d pages, %d states", b.saves, len(b.states))
	}
}

func TestLineIsToldOnce(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, nil)
	down := noon.Add(time.Hour)
	d.LineDown("a", down, down.Add(time.Minute), "silent", 250)
	tell(t, d, b)
	d = desk(t, b, nil) // started again in the outage
	d.LineDown("a", down.Add(time.Hour), down.Add(time.Hour), "line", 250)
	d.Resume(cubic(30*time.Minute, 1_000)) // from before
	tell(t, d, b)
	d.Judge(cubic(3*time.Hour, 1_001)) // started again, and the line works: the schedule has no outage to end
	d.LineBack("a", noon.Add(3*time.Hour))
	tell(t, d, b)
	want := []LineEvent{
		{Line: "a", Meters: 250, Code: "silent", Began: down},
		{Line: "a", Meters: 250, Code: "silent", Began: down, Ended: noon.Add(3 * time.Hour)},
	}
	if diff := cmp.Diff(want, b.page.Lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStateThatCannotBeReadBeginsAnew(t *testing.T) {
	b := &shelf{states: map[string]json.RawMessage{"meter/1": json.RawMessage(`{"good":7}`)}}
	d := desk(t, b, nil)
	if q := d.Judge(cubic(0, 5)); q != nil {
		t.Error(q)
	}
}

func TestDeskRefusesAClassWithoutThresholds(t *testing.T) {
	if _, err := New(t.Context(), &shelf{}, []Meter{{ID: "1", Class: "castle"}}, Options{Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("made")
	}
	for _, c := range Classes {
		if _, ok := Defaults()[c]; !ok {
			t.Errorf("class %s has no defaults", c)
		}
	}
}

func TestStrangersAreLeftAlone(t *testing.T) {
	d := desk(t, &shelf{}, nil)
	r := cubic(0, 1)
	r.Meter = "9"
	if q := d.Judge(r); q != nil {
		t.Error(q)
	}
	d.Missed(meter.Failure{Meter: "9", At: noon})
	d.Clock("9", noon, time.Hour)
	d.LineDown("b", noon, noon, "line", 1)
	d.LineBack("b", noon)
	if _, ok := d.Ledger("9"); ok || len(d.Open()) != 0 {
		t.Error("a stranger has a ledger or events")
	}
}

// FuzzState: whatever lies in the book, the desk works on.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"good":{"at":"2026-11-20T12:00:00Z","n":5,"value":{"Unscaled":5,"Scale":3},"unit":"m3"},"day":"2026-11-20"}`))
	f.Add([]byte(`{"good":{"n":-9223372036854775808,"unit":"zz"},"suspect":{"n":1},"suspects":-4,"days":[{"d":"x","u":9223372036854775807}]}`))
	f.Add([]byte(`{"events":{"leak":null},"day":"9999-99-99","flowing":9223372036854775807}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := &shelf{states: map[string]json.RawMessage{"meter/1": raw, "line/a": raw}}
		d := desk(t, b, nil)
		for i := range 4 {
			d.Judge(cubic(time.Duration(i)*20*time.Hour, int64(i)*100))
			d.Missed(meter.Failure{Meter: "1", At: noon})
		}
		d.Open()
		d.Ledger("1")
		if err := d.flush(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	})
}
