package cjt188_test

import (
	"errors"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/cjt188"
	"tally/meter/metersim"
)

// able puts a simulated meter on a line and a driver in front of it.
func able(t *testing.T, sim *metersim.CJT188Meter, opts cjt188.Options) *cjt188.Meter {
	t.Helper()
	sim.Kind, sim.Address = 0x30, [7]byte{0x18, 0x02, 0x12, 0x20}
	if opts.Timeout == 0 {
		opts.Timeout = 200 * time.Millisecond
	}
	opts.Zone = time.UTC
	speech := &metersim.CJT188{}
	speech.Add(sim)
	a, err := cjt188.ParseAddress("20120218")
	if err != nil {
		t.Fatal(err)
	}
	m, err := cjt188.New(simulated(t, speech), cjt188.Gas, a, "4711", opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestHistoryHasTheMetersTimes(t *testing.T) {
	m := able(t, &metersim.CJT188Meter{History: []uint32{1000, 900, 800}, Settles: 1}, cjt188.Options{Months: 12})
	now := time.Now().UTC()
	list, err := m.ReadHistory(t.Context(), now.AddDate(-2, 0, 0), now)
	if err != nil || len(list) != 3 {
		t.Fatalf("history = %+v, %v, want three months", list, err)
	}
	for i, want := range []string{"10.00", "9.00", "8.00"} {
		v, _ := list[i].Reading.Find(meter.Volume)
		first := time.Date(now.Year(), now.Month()-time.Month(i), 1, 0, 0, 0, 0, time.UTC)
		if v.Number.String() != want || !list[i].Reading.At.Equal(first) || list[i].Back != i+1 {
			t.Errorf("%d back: %s at %s, want %s at %s", list[i].Back, v.Number, list[i].Reading.At, want, first)
		}
		// An old value never gets a new time.
		if list[i].Answered.Before(now) || !list[i].Reading.At.Before(now) {
			t.Errorf("answered at %s with a value of %s", list[i].Answered, list[i].Reading.At)
		}
	}
	recent, err := m.ReadHistory(t.Context(), list[1].Reading.At, list[0].Reading.At)
	if err != nil || len(recent) != 1 || recent[0].Back != 2 {
		t.Errorf("from the second to the first: %+v, %v, want only two months back", recent, err)
	}
}

func TestHistoryWithoutADateHasNoTime(t *testing.T) {
	m := able(t, &metersim.CJT188Meter{History: []uint32{1000, 900, 800}}, cjt188.Options{Months: 12})
	list, err := m.ReadHistory(t.Context(), time.Now().AddDate(0, -2, -1), time.Now())
	if err != nil || len(list) != 2 || !list[0].Reading.At.IsZero() {
		t.Errorf("history = %+v, %v, want two months without a time", list, err)
	}
	none := able(t, &metersim.CJT188Meter{}, cjt188.Options{})
	if _, err := none.ReadHistory(t.Context(), time.Time{}, time.Now()); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("model without history: %v", err)
	}
}

func TestClockIsSetOnceAndReadBack(t *testing.T) {
	sim := &metersim.CJT188Meter{Now: func() time.Time { return time.Now().UTC().Add(-time.Hour) }}
	m := able(t, sim, cjt188.Options{})
	shows, at, err := m.ReadClock(t.Context())
	if off := at.Sub(shows); err != nil || off < 59*time.Minute || off > 61*time.Minute {
		t.Errorf("clock shows %s at %s, %v, want an hour less", shows, at, err)
	}
	if err := m.SetClock(t.Context(), time.Now); err != nil || sim.Writes() != 1 {
		t.Errorf("SetClock: %v with %d commands", err, sim.Writes())
	}
	if shows, at, err := m.ReadClock(t.Context()); err != nil || at.Sub(shows).Abs() > 5*time.Second {
		t.Errorf("clock then shows %s at %s, %v", shows, at, err)
	}
}

// TestCommandsWhoseOutcomeIsUnknown: no answer and a meter that does nothing; neither is told as done, neither is sent
// again. A refusal is a refusal.
func TestCommandsWhoseOutcomeIsUnknown(t *testing.T) {
	t.Parallel() // waits for what does not come
	old := func() time.Time { return time.Now().AddDate(-1, 0, 0) }
	commands := map[string]func(*cjt188.Meter, *testing.T) error{
		"clock":   func(m *cjt188.Meter, t *testing.T) error { return m.SetClock(t.Context(), time.Now) },
		"address": func(m *cjt188.Meter, t *testing.T) error { return m.SetAddress(t.Context(), "77") },
	}
	for what, command := range commands {
		for name, c := range map[string]struct {
			stiff bool
			fault metersim.Fault
			want  error
		}{
			"does nothing": {true, metersim.Fault{}, meter.ErrOutcomeUnknown},
			"refuses":      {false, metersim.Fault{Exception: 1}, meter.ErrException},
		} {
			t.Run(what+" "+name, func(t *testing.T) {
				sim := &metersim.CJT188Meter{Stiff: c.stiff, Now: old}
				m := able(t, sim, cjt188.Options{})
				sim.Next(c.fault)
				if err := command(m, t); !errors.Is(err, c.want) || sim.Writes() != 1 {
					t.Errorf("error %v with %d commands, want one %v", err, sim.Writes(), c.want)
				}
			})
		}
		t.Run(what+" done without an answer", func(t *testing.T) {
			sim := &metersim.CJT188Meter{Now: old}
			m := able(t, sim, cjt188.Options{})
			sim.Next(metersim.Fault{Silent: true})
			if err := command(m, t); err != nil || sim.Writes() != 1 {
				t.Errorf("error %v with %d commands, want it proven by reading back", err, sim.Writes())
			}
		})
	}
}

func TestAddressIsSetAndAnswers(t *testing.T) {
	sim := &metersim.CJT188Meter{}
	m := able(t, sim, cjt188.Options{})
	if got, err := m.ReadAddress(t.Context()); err != nil || got != "00000020120218" {
		t.Errorf("ReadAddress = %s, %v", got, err)
	}
	if err := m.SetAddress(t.Context(), "12345678901234"); err != nil {
		t.Fatal(err)
	}
	if got, err := m.ReadAddress(t.Context()); err != nil || got != "12345678901234" {
		t.Errorf("then ReadAddress = %s, %v", got, err)
	}
	if err := m.Probe(t.Context()); !errors.Is(err, meter.ErrSilent) {
		t.Errorf("the old address: %v", err)
	}
	if err := m.SetAddress(t.Context(), "x"); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("address x: %v", err)
	}
}

// TestNothingIsChangedForEverybody: the address that all meters answer takes no command.
func TestNothingIsChangedForEverybody(t *testing.T) {
	sim := &metersim.CJT188Meter{Kind: 0x30}
	speech := &metersim.CJT188{}
	speech.Add(sim)
	all, err := cjt188.New(simulated(t, speech), cjt188.Gas, cjt188.Anyone, "0", cjt188.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"clock": all.SetClock(t.Context(), time.Now), "address": all.SetAddress(t.Context(), "1"),
	} {
		if !errors.Is(err, meter.ErrUnable) || sim.Writes() != 0 {
			t.Errorf("%s: %v, %d commands", what, err, sim.Writes())
		}
	}
}

func TestItemsAndIdentity(t *testing.T) {
	m := able(t, &metersim.CJT188Meter{Settles: 25}, cjt188.Options{})
	r, err := m.ReadItem(t.Context(), "8103")
	if v, _ := r.Find("settlement_day"); err != nil || v.Number.String() != "25" {
		t.Errorf("8103 = %v, %v", r.Values, err)
	}
	r, err = m.ReadItem(t.Context(), "8102")
	if v, _ := r.Find("price_1"); err != nil || v.Number.String() != "3.45" {
		t.Errorf("8102 = %v, %v", r.Values, err)
	}
	for _, bad := range []string{"", "A017", "9", "ZZZZ", "810A", "901F0"} {
		if _, err := m.ReadItem(t.Context(), bad); !errors.Is(err, meter.ErrUnable) {
			t.Errorf("item %q: %v", bad, err)
		}
	}
	id, err := m.Identify(t.Context())
	if err != nil || id.Number != "00000020120218" || id.Medium != "gas" || id.At.IsZero() {
		t.Errorf("identity = %+v, %v", id, err)
	}
}

func TestMakersOwnControlAndStatus(t *testing.T) {
	sim := &metersim.CJT188Meter{Control: 0x21}
	m := able(t, sim, cjt188.Options{Control: cjt188.MakersRead, Variant: cjt188.Variant{Mirrored: true}, NoValve: true})
	sim.Turn(123456)
	r, err := m.Read(t.Context())
	if v, _ := r.Find(meter.Volume); err != nil || v.Number.String() != "1234.56" {
		t.Errorf("read %v, %v", r.Values, err)
	}
	if _, err := m.SetValve(t.Context(), meter.ValveClosed); !errors.Is(err, meter.ErrUnable) || sim.Commands() != 0 {
		t.Errorf("valve of a model without one: %v, %d commands", err, sim.Commands())
	}
}
