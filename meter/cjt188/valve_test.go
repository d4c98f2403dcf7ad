package cjt188_test

import (
	"errors"
	"testing"

	"tally/meter"
	"tally/meter/cjt188"
	"tally/meter/metersim"
)

func valveMeter(t *testing.T, opts cjt188.Options) (*cjt188.Meter, *metersim.CJT188Meter) {
	t.Helper()
	speech := &metersim.CJT188{}
	sim := &metersim.CJT188Meter{Kind: 0x30, Address: [7]byte{1}}
	speech.Add(sim)
	m, err := cjt188.New(simulated(t, speech), cjt188.Gas, cjt188.Address{1}, "1", opts)
	if err != nil {
		t.Fatal(err)
	}
	return m, sim
}

func TestValveIsMovedAndReadBack(t *testing.T) {
	m, sim := valveMeter(t, cjt188.Options{})
	for _, want := range []meter.ValveState{meter.ValveClosed, meter.ValveOpen, meter.ValveOpen} {
		got, err := m.SetValve(t.Context(), want)
		if got != want || err != nil || sim.Closed() != (want == meter.ValveClosed) {
			t.Errorf("SetValve(%s) = %s, %v; the valve is closed: %v", want, got, err, sim.Closed())
		}
	}
}

// TestPromise7ValveCommandIsNeverRepeated: whatever happens to the answers, the meter hears one command.
func TestPromise7ValveCommandIsNeverRepeated(t *testing.T) {
	t.Parallel() // waits for what does not come
	silent, late, damaged := metersim.Fault{Silent: true}, metersim.Fault{Late: 3 * short / 2}, metersim.Fault{Damage: true}
	for name, c := range map[string]struct {
		faults []metersim.Fault
		state  meter.ValveState
		err    error
	}{
		"answer lost, valve moved":       {[]metersim.Fault{silent}, meter.ValveClosed, nil},
		"answer late":                    {[]metersim.Fault{late}, meter.ValveClosed, nil},
		"answer damaged":                 {[]metersim.Fault{damaged}, meter.ValveClosed, nil},
		"answer lost and nothing to see": {[]metersim.Fault{silent, silent}, meter.ValveUnknown, meter.ErrOutcomeUnknown},
		"read back damaged":              {[]metersim.Fault{{}, damaged}, meter.ValveUnknown, meter.ErrOutcomeUnknown},
		"command lost":                   {[]metersim.Fault{{Deaf: true}}, meter.ValveOpen, meter.ErrOutcomeUnknown},
		"refused":                        {[]metersim.Fault{{Deaf: true, Exception: 2}}, meter.ValveUnknown, meter.ErrException},
	} {
		t.Run(name, func(t *testing.T) {
			m, sim := valveMeter(t, cjt188.Options{})
			sim.Next(c.faults...)
			state, err := m.SetValve(t.Context(), meter.ValveClosed)
			if state != c.state || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("SetValve = %s, %v, want %s, %v", state, err, c.state, c.err)
			}
			if n := sim.Commands(); n != 1 {
				t.Errorf("the meter heard %d commands, want 1", n)
			}
		})
	}
}

func TestPromise7ValveCommandIsNeverBroadcast(t *testing.T) {
	speech := &metersim.CJT188{}
	sim := &metersim.CJT188Meter{Kind: 0x30, Address: [7]byte{1}}
	speech.Add(sim)
	everybody, err := cjt188.New(simulated(t, speech), cjt188.AnyKind, cjt188.Anyone, "?", cjt188.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := everybody.SetValve(t.Context(), meter.ValveClosed); err == nil {
		t.Error("SetValve for everybody succeeded")
	}
	mute, _ := valveMeter(t, cjt188.Options{Variant: cjt188.Variant{NoStatus: true}})
	if _, err := mute.SetValve(t.Context(), meter.ValveClosed); err == nil {
		t.Error("SetValve of a meter that cannot be read back succeeded")
	}
	if _, err := everybody.SetValve(t.Context(), meter.ValveFault); err == nil {
		t.Error("a valve was moved to fault")
	}
	if sim.Commands() != 0 || sim.Asked() != 0 {
		t.Errorf("the meter heard %d commands and %d questions", sim.Commands(), sim.Asked())
	}
}

func TestValveIsReadWithoutACommand(t *testing.T) {
	t.Parallel() // waits for what does not come
	m, sim := valveMeter(t, cjt188.Options{})
	if got, err := m.ReadValve(t.Context()); got != meter.ValveOpen || err != nil || sim.Commands() != 0 {
		t.Errorf("ReadValve = %s, %v, %d commands", got, err, sim.Commands())
	}
	sim.Always(&metersim.Fault{Silent: true})
	if got, err := m.ReadValve(t.Context()); got != meter.ValveUnknown || !errors.Is(err, meter.ErrSilent) {
		t.Errorf("ReadValve of a silent meter = %s, %v", got, err)
	}
	mute, _ := valveMeter(t, cjt188.Options{Variant: cjt188.Variant{NoStatus: true}})
	if _, err := mute.ReadValve(t.Context()); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("ReadValve of a model that does not tell: %v", err)
	}
}
