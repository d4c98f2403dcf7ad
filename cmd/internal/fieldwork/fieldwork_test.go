package fieldwork_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/cmd/internal/fieldwork"
	"tally/meter"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// able is a meter that can everything and notes what it was asked.
type able struct {
	asked  []string
	err    error // of changes
	probes []error
	valve  meter.ValveState
	shows  time.Time
}

func (a *able) note(s string) { a.asked = append(a.asked, s) }

func (a *able) Read(context.Context) (meter.Reading, error) {
	a.note("read")
	return meter.Reading{}, nil
}
func (a *able) Probe(context.Context) error {
	a.note("probe")
	if len(a.probes) == 0 {
		return nil
	}
	err := a.probes[0]
	a.probes = a.probes[1:]
	return err
}
func (a *able) ReadClock(context.Context) (time.Time, time.Time, error) {
	a.note("clock")
	return a.shows, noon, nil
}
func (a *able) SetClock(_ context.Context, now func() time.Time) error {
	a.note("set clock")
	if a.err == nil {
		a.shows = now()
	}
	return a.err
}
func (a *able) ReadHistory(_ context.Context, from, to time.Time) ([]meter.Memory, error) {
	a.note("history " + from.Format("01-02") + " " + to.Format("01-02"))
	return []meter.Memory{{Back: 1}}, nil
}
func (a *able) ReadRegisters(_ context.Context, table byte, start uint16, count int) ([]uint16, time.Time, error) {
	a.note(fmt.Sprintf("registers %d %d %d", table, start, count))
	return []uint16{7}, noon, nil
}
func (a *able) ReadItem(_ context.Context, item string) (meter.Reading, error) {
	a.note("item " + item)
	return meter.Reading{At: noon}, nil
}
func (a *able) Identify(context.Context) (meter.Identity, error) {
	a.note("identify")
	return meter.Identity{Maker: "ACME", At: noon}, nil
}
func (a *able) ReadAddress(context.Context) (string, error) { a.note("address"); return "7", nil }
func (a *able) SetAddress(_ context.Context, to string) error {
	a.note("set address " + to)
	return a.err
}
func (a *able) ReadValve(context.Context) (meter.ValveState, error) {
	a.note("valve")
	return meter.ValveOpen, nil
}
func (a *able) SetValve(ctx context.Context, want meter.ValveState) (meter.ValveState, error) {
	a.note("set valve " + string(want))
	if ctx.Err() != nil {
		a.note("broken off")
	}
	if a.err != nil {
		return a.valve, a.err
	}
	return want, nil
}

// plain can only be read.
type plain struct{ err error }

func (p plain) Read(context.Context) (meter.Reading, error) { return meter.Reading{}, p.err }

func do(t *testing.T, m *able, a fieldwork.Act, there meter.Meter) fieldwork.Result {
	t.Helper()
	r, err := fieldwork.Do(t.Context(), fieldwork.Meter{Number: "7", Driver: m, Elsewhere: func(string) (meter.Meter, error) { return there, nil }}, a, clock)
	if err != nil {
		t.Fatalf("%+v: %v", a, err)
	}
	return r
}

func TestReadsChangeNothing(t *testing.T) {
	m := &able{shows: noon.Add(time.Minute)}
	for _, a := range []fieldwork.Act{
		{Do: fieldwork.Identify}, {Do: fieldwork.ReadClock}, {Do: fieldwork.History, From: noon.AddDate(0, -1, 0), To: noon}, {Do: fieldwork.Registers, Table: 4, Start: 100, Count: 2},
		{Do: fieldwork.ReadItem, Item: "8102"}, {Do: fieldwork.Address}, {Do: fieldwork.ReadValve},
	} {
		if r := do(t, m, a, nil); r.Outcome != "" || a.Changes() {
			t.Errorf("%s has an outcome: %+v", a.Do, r)
		}
	}
	want := []string{"identify", "clock", "history 10-21 11-21", "registers 4 100 2", "item 8102", "address", "valve"}
	if diff := cmp.Diff(want, m.asked); diff != "" {
		t.Error(diff)
	}
}

// TestPromise7OneCommandAnAct: whatever a command ends with, the meter hears it once.
func TestPromise7OneCommandAnAct(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want fieldwork.Outcome
	}{
		"done": {nil, fieldwork.Done}, "unknown": {fmt.Errorf("x: %w: %w", meter.ErrOutcomeUnknown, meter.ErrSilent), fieldwork.Unknown},
		"unknown although the line is lost": {fmt.Errorf("x: %w: %w", meter.ErrOutcomeUnknown, meter.ErrLine), fieldwork.Unknown},
		"refused":                           {meter.ErrException, fieldwork.Refused}, "unable": {meter.ErrUnable, fieldwork.NotSent}, "no line": {meter.ErrLine, fieldwork.NotSent},
		"something else": {errors.New("?"), fieldwork.Unknown},
		"bare silence":   {meter.ErrSilent, fieldwork.Unknown},
	} {
		for what, a := range map[string]fieldwork.Act{
			"set valve closed": {Do: fieldwork.CloseValve, Typed: "7"}, "set valve open": {Do: fieldwork.ArmValve, Typed: "7"},
			"set clock": {Do: fieldwork.SetClock}, "set address 8": {Do: fieldwork.SetAddress, Typed: "7", Address: "8"},
		} {
			m := &able{err: tt.err, valve: meter.ValveUnknown}
			r := do(t, m, a, plain{meter.ErrSilent})
			if n := len(slices.DeleteFunc(slices.Clone(m.asked), func(s string) bool { return s != what })); n != 1 {
				t.Errorf("%s, %s: sent %d times: %v", name, what, n, m.asked)
			}
			if r.Outcome != tt.want || (r.Code == "") != (tt.want == fieldwork.Done) {
				t.Errorf("%s, %s: %+v", name, what, r)
			}
		}
	}
}

func TestBeforeAndAfter(t *testing.T) {
	m := &able{shows: noon.Add(time.Hour)}
	if r := do(t, m, fieldwork.Act{Do: fieldwork.CloseValve, Typed: "7"}, nil); r.Before != "open" || r.After != "closed" {
		t.Errorf("valve %+v", r)
	}
	if r := do(t, m, fieldwork.Act{Do: fieldwork.SetClock}, nil); r.Before != "2026-11-21T13:00:00Z" || r.After != "2026-11-21T12:00:00Z" {
		t.Errorf("clock %+v", r)
	}
	if r := do(t, m, fieldwork.Act{Do: fieldwork.SetAddress, Typed: "7", Address: "8"}, plain{meter.ErrSilent}); r.Before != "7" || r.After != "8" {
		t.Errorf("address %+v", r)
	}
}

// TestTypedNumber: without the meter's number nothing is sent.
func TestTypedNumber(t *testing.T) {
	for _, typed := range []string{"", "8", "07"} {
		m := &able{}
		for _, what := range []string{fieldwork.CloseValve, fieldwork.ArmValve, fieldwork.SetAddress} {
			r := do(t, m, fieldwork.Act{Do: what, Typed: typed, Address: "8"}, plain{meter.ErrSilent})
			if r.Outcome != fieldwork.NotSent || r.Code != fieldwork.CodeTyped || len(m.asked) > 0 {
				t.Errorf("%s typed %q: %+v, %v", what, typed, r, m.asked)
			}
		}
	}
}

// TestAddressInUse: whatever is heard at the new address, nothing is changed.
func TestAddressInUse(t *testing.T) {
	for name, tt := range map[string]struct {
		there meter.Meter
		own   []error
		code  string
	}{
		"answers":         {plain{nil}, nil, fieldwork.CodeTaken},
		"refuses":         {plain{meter.ErrException}, nil, fieldwork.CodeTaken},
		"damaged":         {plain{meter.ErrChecksum}, nil, fieldwork.CodeTaken},
		"second time":     {&able{probes: []error{meter.ErrSilent, nil}}, nil, fieldwork.CodeTaken},
		"line is lost":    {plain{meter.ErrLine}, nil, fieldwork.CodeLine},
		"line seems dead": {plain{meter.ErrSilent}, []error{meter.ErrSilent}, fieldwork.CodeUnproven},
	} {
		m := &able{probes: tt.own}
		r := do(t, m, fieldwork.Act{Do: fieldwork.SetAddress, Typed: "7", Address: "8"}, tt.there)
		if r.Outcome != fieldwork.NotSent || r.Code != tt.code || slices.Contains(m.asked, "set address 8") {
			t.Errorf("%s: %+v, %v", name, r, m.asked)
		}
	}
}

// TestCtrlCWaitsForTheOutcome: a command that is on its way is not broken off; one that has not begun is not sent.
func TestCtrlCWaitsForTheOutcome(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := &interrupted{cancel: cancel}
	r, err := fieldwork.Do(ctx, fieldwork.Meter{Number: "7", Driver: m}, fieldwork.Act{Do: fieldwork.CloseValve, Typed: "7"}, clock)
	if err != nil || r.Outcome != fieldwork.Done || slices.Contains(m.asked, "broken off") {
		t.Errorf("%+v, %v, %v", r, err, m.asked)
	}
	m.asked = nil
	if _, err := fieldwork.Do(ctx, fieldwork.Meter{Number: "7", Driver: m}, fieldwork.Act{Do: fieldwork.CloseValve, Typed: "7"}, clock); !errors.Is(err, context.Canceled) || len(m.asked) > 0 {
		t.Errorf("%v, %v", err, m.asked)
	}
}

// interrupted is a meter whose user presses Ctrl-C while it looks at its valve.
type interrupted struct {
	able
	cancel func()
}

func (i *interrupted) ReadValve(ctx context.Context) (meter.ValveState, error) {
	i.cancel()
	return i.able.ReadValve(ctx)
}

// cut is a meter on a line that is lost.
type cut struct{ able }

func (c *cut) ReadValve(context.Context) (meter.ValveState, error) {
	return meter.ValveUnknown, meter.ErrLine
}
func (c *cut) ReadClock(context.Context) (time.Time, time.Time, error) {
	return time.Time{}, time.Time{}, meter.ErrLine
}

// TestLineThatCannotBeOpened: nothing is sent over it, and that is known.
func TestLineThatCannotBeOpened(t *testing.T) {
	for _, what := range []string{fieldwork.CloseValve, fieldwork.ArmValve, fieldwork.SetClock} {
		m := &cut{}
		r, err := fieldwork.Do(t.Context(), fieldwork.Meter{Number: "7", Driver: m}, fieldwork.Act{Do: what, Typed: "7"}, clock)
		if err != nil || r.Outcome != fieldwork.NotSent || r.Code != fieldwork.CodeLine || len(m.asked) > 0 {
			t.Errorf("%s: %+v, %v, %v", what, r, err, m.asked)
		}
	}
}

func TestUnable(t *testing.T) {
	m := fieldwork.Meter{Number: "7", Driver: plain{}}
	for _, a := range []fieldwork.Act{{Do: fieldwork.Identify}, {Do: fieldwork.ReadClock}, {Do: fieldwork.History}, {Do: fieldwork.Registers}, {Do: fieldwork.ReadItem}, {Do: fieldwork.Address}, {Do: fieldwork.ReadValve}} {
		if _, err := fieldwork.Do(t.Context(), m, a, clock); !errors.Is(err, meter.ErrUnable) {
			t.Errorf("%s: %v", a.Do, err)
		}
	}
	for _, a := range []fieldwork.Act{{Do: fieldwork.SetClock}, {Do: fieldwork.CloseValve, Typed: "7"}, {Do: fieldwork.SetAddress, Typed: "7"}} {
		if r, err := fieldwork.Do(t.Context(), m, a, clock); err != nil || r.Outcome != fieldwork.NotSent || r.Code != fieldwork.CodeUnable {
			t.Errorf("%s: %+v, %v", a.Do, r, err)
		}
	}
	if _, err := fieldwork.Do(t.Context(), m, fieldwork.Act{Do: "explode"}, clock); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}
