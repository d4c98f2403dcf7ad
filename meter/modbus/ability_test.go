package modbus_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
	"tally/meter/profile"
)

// clockModel has a writable clock in registers 10–12, its address in register 20, and one value.
const clockModel = `model = "clock"
source = "test"
protocol = "modbus"
[modbus.clock]
address = 10
layout = "mm ss DD hh YY MM"
writable = true
[modbus.address]
address = 20
[[register]]
name = "volume"
address = 0
type = "u16"
`

// able makes a line with one meter at address 1.
func able(t *testing.T, w way, o line.Options) (*modbus.Meter, *metersim.Slave, *metersim.Bus) {
	t.Helper()
	bus := metersim.NewBus(metersim.Pacing{})
	slave := metersim.NewSlave()
	slave.Set(0, 7)
	slave.Set(10, 0x5907, 0x2213, 0x1511)
	slave.Set(20, 1)
	bus.Attach(1, slave)
	o.Timeout, o.Quiet = shortTimeout, 20*time.Millisecond
	p, err := profile.Parse("clock", []byte(clockModel))
	if err != nil {
		t.Fatal(err)
	}
	m, err := modbus.New(w.connect(t, bus, o), w.kind, 1, p, "4711", modbus.Options{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	return m, slave, bus
}

func TestRegistersAreWrittenOnceAndReadBack(t *testing.T) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			m, slave, _ := able(t, w, line.Options{})
			if err := m.WriteRegisters(t.Context(), 10, []uint16{1}); err != nil || slave.Writes() != 1 {
				t.Errorf("one: %v, %d writes", err, slave.Writes())
			}
			if err := m.WriteRegisters(t.Context(), 10, []uint16{1, 2, 3}); err != nil || slave.Writes() != 2 {
				t.Errorf("three: %v, %d writes", err, slave.Writes())
			}
			words, at, err := m.ReadRegisters(t.Context(), 3, 10, 3)
			if err != nil || !slices.Equal(words, []uint16{1, 2, 3}) || at.IsZero() {
				t.Errorf("read back %v at %s, %v", words, at, err)
			}
		})
	}
}

// TestWriteThroughAnEchoingAdapter: the adapter's echo of a write looks like its answer; only the read tells.
func TestTrapWriteThroughAnEchoingAdapter(t *testing.T) {
	t.Parallel() // waits for what does not come
	m, slave, bus := able(t, ways["RTU on a pty"], line.Options{})
	bus.Echo = true
	if err := m.WriteRegisters(t.Context(), 10, []uint16{5}); err != nil || slave.Writes() != 1 {
		t.Errorf("write: %v, %d writes", err, slave.Writes())
	}
	slave.Next(metersim.Fault{}, metersim.Fault{}, metersim.Fault{Silent: true})
	slave.Wrote = func(uint16, []uint16) bool { return false }
	if err := m.WriteRegisters(t.Context(), 10, []uint16{6}); !errors.Is(err, meter.ErrOutcomeUnknown) {
		t.Errorf("a write that was only echoed: %v", err)
	}
}

func TestWritesWhoseOutcomeIsUnknown(t *testing.T) {
	t.Parallel() // waits for what does not come
	nothing := func(uint16, []uint16) bool { return false }
	for name, c := range map[string]struct {
		wrote  func(uint16, []uint16) bool
		faults []metersim.Fault
		want   error
		writes int
	}{
		"answered, not done":  {nothing, nil, meter.ErrOutcomeUnknown, 1},
		"done, not answered":  {nil, []metersim.Fault{{}, {Silent: true}}, nil, 1},
		"refused":             {nil, []metersim.Fault{{}, {Exception: 4}}, meter.ErrException, 1},
		"silent from then on": {nil, []metersim.Fault{{}, {Silent: true}, {Silent: true}}, meter.ErrOutcomeUnknown, 1},
		"not readable before": {nil, []metersim.Fault{{Exception: 2}}, meter.ErrException, 0},
		"answer damaged":      {nil, []metersim.Fault{{}, {Damage: true}}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m, slave, _ := able(t, ways["RTU on a pipe"], line.Options{})
			slave.Wrote = c.wrote
			slave.Next(c.faults...)
			if err := m.WriteRegisters(t.Context(), 10, []uint16{8}); !errors.Is(err, c.want) || slave.Writes() != c.writes {
				t.Errorf("error %v after %d writes, want %v after %d", err, slave.Writes(), c.want, c.writes)
			}
		})
	}
}

func TestClock(t *testing.T) {
	m, slave, _ := able(t, ways["RTU over TCP"], line.Options{})
	shows, at, err := m.ReadClock(t.Context())
	if want := time.Date(2015, 11, 22, 13, 59, 7, 0, time.UTC); err != nil || !shows.Equal(want) || at.IsZero() {
		t.Errorf("clock shows %s at %s, %v", shows, at, err)
	}
	if err := m.SetClock(t.Context(), time.Now); err != nil || slave.Writes() != 1 {
		t.Errorf("SetClock: %v, %d writes", err, slave.Writes())
	}
	slave.Wrote = func(uint16, []uint16) bool { return false }
	later := func() time.Time { return time.Now().Add(time.Hour) }
	if err := m.SetClock(t.Context(), later); !errors.Is(err, meter.ErrOutcomeUnknown) || slave.Writes() != 2 {
		t.Errorf("a clock that does not move: %v, %d writes", err, slave.Writes())
	}
	other, _ := oneMeter(t, ways["RTU on a pipe"])
	if _, _, err := other.ReadClock(t.Context()); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("a model without a clock: %v", err)
	}
	if err := other.SetClock(t.Context(), time.Now); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("a model without a clock: %v", err)
	}
}

func TestAddressIsSetWhereNobodyIs(t *testing.T) {
	t.Parallel() // waits for what does not come
	m, slave, bus := able(t, ways["RTU on a pipe"], line.Options{})
	other := metersim.NewSlave()
	other.Set(20, 2)
	bus.Attach(2, other)
	if err := m.SetAddress(t.Context(), "2"); !errors.Is(err, meter.ErrUnable) || slave.Writes() != 0 {
		t.Errorf("an address that is taken: %v, %d writes", err, slave.Writes())
	}
	slave.Wrote = func(_ uint16, v []uint16) bool {
		bus.Attach(byte(v[0]), slave)
		return true
	}
	if err := m.SetAddress(t.Context(), "3"); err != nil || slave.Writes() != 1 {
		t.Errorf("SetAddress: %v, %d writes", err, slave.Writes())
	}
	slave.Wrote = func(uint16, []uint16) bool { return false }
	if err := m.SetAddress(t.Context(), "4"); !errors.Is(err, meter.ErrOutcomeUnknown) || slave.Writes() != 2 {
		t.Errorf("a meter that does nothing: %v, %d writes", err, slave.Writes())
	}
	for _, bad := range []string{"0", "248", "x"} {
		if err := m.SetAddress(t.Context(), bad); !errors.Is(err, meter.ErrUnable) {
			t.Errorf("address %q: %v", bad, err)
		}
	}
}

func TestIdentity(t *testing.T) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			m, slave, _ := able(t, w, line.Options{})
			if err := m.Probe(t.Context()); err != nil {
				t.Errorf("Probe: %v", err)
			}
			if id, err := m.Identify(t.Context()); !errors.Is(err, meter.ErrException) {
				t.Errorf("a meter that knows neither function: %+v, %v", id, err)
			}
			slave.Identity = []string{"ACME G4"}
			if id, err := m.Identify(t.Context()); err != nil || id.Product != "ACME G4" {
				t.Errorf("function 11: %+v, %v", id, err)
			}
			slave.Identity = []string{"ACME", "G4", "1.7"}
			id, err := m.Identify(t.Context())
			if err != nil || id.Maker != "ACME" || id.Product != "G4" || id.Version != "1.7" || id.At.IsZero() || len(id.Raw) == 0 {
				t.Errorf("function 2B/0E: %+v, %v", id, err)
			}
		})
	}
}
