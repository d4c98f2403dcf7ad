package modbus_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
	"tally/meter/profile"
)

// twoMaps are two models of one meter whose answers have the same length, so that only the rules of line and driver
// keep their values apart.
func twoMaps(t *testing.T) (a, b *profile.Profile) {
	t.Helper()
	parse := func(name, address string) *profile.Profile {
		p, err := profile.Parse(name, []byte(`
			model = "`+name+`"
			source = "test"
			protocol = "modbus"
			[[register]]
			name = "volume"
			type = "u32"
			unit = "m3"
			address = `+address+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return parse("first", "10"), parse("second", "20")
}

const first, second = 1111, 2222

// TestPromise5LateByteNeverBecomesAnotherValue asks one meter for one register, too slow an answer to be waited for,
// and then for another one of the same length. Whenever the late answer comes (while the line is quiet, after the
// quarantine, twice in a row), it must not be taken for the second register's value; and what goes wrong in between must
// not last.
func TestPromise5LateByteNeverBecomesAnotherValue(t *testing.T) {
	var running sync.WaitGroup
	defer running.Wait()
	for name, late := range map[string]time.Duration{
		"in the quarantine":           5 * shortTimeout / 4,
		"long after it":               2 * shortTimeout,
		"when the next is given up":   3 * shortTimeout,
		"when the next but one is on": 4 * shortTimeout,
	} {
		for _, kind := range []string{"RTU on a pty", "RTU over TCP", "TCP"} {
			running.Go(func() { t.Run(kind+"/"+name, func(t *testing.T) { lateAnswer(t, ways[kind], late) }) })
		}
	}
}

func lateAnswer(t *testing.T, w way, late time.Duration) {
	bus := metersim.NewBus(metersim.Pacing{})
	slave := metersim.NewSlave()
	slave.SetUint32(10, first)
	slave.SetUint32(20, second)
	bus.Attach(1, slave)
	l := w.connect(t, bus, line.Options{Timeout: shortTimeout, Quiet: shortTimeout / 2})
	pa, pb := twoMaps(t)
	a, b, patient := open(t, l, w.kind, pa), open(t, l, w.kind, pb), openFor(t, l, w.kind, pa, longTimeout)
	want(t, patient, first)
	want(t, openFor(t, l, w.kind, pb, longTimeout), second)
	slave.Next(metersim.Fault{Late: late}, metersim.Fault{Late: late})
	if _, err := a.Read(t.Context()); !errors.Is(err, meter.ErrSilent) {
		t.Fatalf("late answer: %v, want %v", err, meter.ErrSilent)
	}
	good := 0
	for range 60 { // a busy machine makes more answers late than the test does
		r, err := b.Read(t.Context())
		if err != nil {
			good = 0
			continue
		}
		if v, _ := r.Find(meter.Volume); v.Number.Unscaled != second {
			t.Fatalf("second register reads %s, want %d: a late answer became its value", v.Number, second)
		}
		if good++; good == 3 {
			want(t, patient, first)
			return
		}
	}
	t.Error("the meter was never read again")
}

func open(t *testing.T, l *line.Line, kind modbus.Framing, p *profile.Profile) *modbus.Meter {
	t.Helper()
	return openFor(t, l, kind, p, 0)
}

// openFor is a meter whose answer is waited for so long; as long as the line says when zero.
func openFor(t *testing.T, l *line.Line, kind modbus.Framing, p *profile.Profile, timeout time.Duration) *modbus.Meter {
	t.Helper()
	m, err := modbus.New(l, kind, 1, p, meter.ID(p.Model), modbus.Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func want(t *testing.T, m *modbus.Meter, n int64) {
	t.Helper()
	r, err := m.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := r.Find(meter.Volume); v.Number.Unscaled != n {
		t.Fatalf("register reads %s, want %d", v.Number, n)
	}
}

// TestPromise5LateByteNeverBecomesAnotherMetersValue: the slow meter is another one, with the same registers. No answer has
// to come in time.
func TestPromise5LateByteNeverBecomesAnotherMetersValue(t *testing.T) {
	const hasty = 100 * time.Millisecond
	for _, kind := range []string{"RTU on a pty", "RTU over TCP", "TCP"} {
		t.Run(kind, func(t *testing.T) {
			w := ways[kind]
			bus := metersim.NewBus(metersim.Pacing{})
			slow, quick := metersim.NewGasMeter(first), metersim.NewGasMeter(second)
			bus.Attach(1, slow)
			bus.Attach(2, quick)
			l := w.connect(t, bus, line.Options{Timeout: hasty, Quiet: hasty / 2})
			p := builtin(t, "generic-gas-modbus")
			a, _ := modbus.New(l, w.kind, 1, p, "slow", modbus.Options{})
			b, _ := modbus.New(l, w.kind, 2, p, "quick", modbus.Options{})
			for range 4 {
				slow.Next(metersim.Fault{Late: 8 * hasty / 5})
				quick.Next(metersim.Fault{Late: hasty / 2})
				if _, err := a.Read(t.Context()); err == nil {
					t.Fatal("late answer was waited for")
				}
				r, err := b.Read(t.Context())
				if v, _ := r.Find(meter.Volume); err == nil && v.Number.Unscaled != second {
					t.Fatalf("quick meter reads %s, want %d", v.Number, second)
				}
			}
		})
	}
}
