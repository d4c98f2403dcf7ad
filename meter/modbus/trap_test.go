package modbus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
	"tally/meter/profile"
)

// oneMeter is a gas meter with one fault to come, over the given way.
func oneMeter(t *testing.T, w way, faults ...metersim.Fault) (*modbus.Meter, *metersim.Slave) {
	t.Helper()
	bus := metersim.NewBus(metersim.Pacing{})
	slave := metersim.NewGasMeter(1234)
	slave.Next(faults...)
	bus.Attach(1, slave)
	l := w.connect(t, bus, line.Options{Timeout: shortTimeout, Quiet: 20 * time.Millisecond})
	m, err := modbus.New(l, w.kind, 1, builtin(t, "generic-gas-modbus"), "1", modbus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m, slave
}

func TestTrapsOfTCPConnections(t *testing.T) {
	t.Parallel() // waits for what does not come
	for name, c := range map[string]struct {
		fault metersim.Fault
		want  error // nil: the answer counts
	}{
		"stale transaction id":             {metersim.Fault{Stale: true}, nil},
		"half header and silence":          {metersim.Fault{Truncate: 4}, meter.ErrChecksum},
		"half header and end":              {metersim.Fault{Truncate: 4, Hangup: true}, meter.ErrLine},
		"RST instead of an answer":         {metersim.Fault{Reset: true}, meter.ErrLine},
		"peer closes instead of an answer": {metersim.Fault{Hangup: true}, meter.ErrLine},
		"gateway got no answer, 0B":        {metersim.Fault{Exception: 0x0B}, meter.ErrSilent},
		"gateway has no path, 0A":          {metersim.Fault{Exception: 0x0A}, meter.ErrException},
		"acknowledge, 05":                  {metersim.Fault{Exception: 5}, meter.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := oneMeter(t, ways["TCP"], metersim.Fault{}, c.fault)
			want(t, m, 1234)
			if r, err := m.Read(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("Read = %v, %v, want %v", r.Values, err, c.want)
			}
			want(t, m, 1234) // an earlier answer came, so the connection is opened again at once
		})
	}
}

func TestTrapPeerClosingAfterEachRequest(t *testing.T) {
	m, slave := oneMeter(t, ways["TCP"])
	slave.Always(&metersim.Fault{Truncate: 1000, Hangup: true}) // longer than any answer: whole, and then closed
	for range 5 {
		want(t, m, 1234)
	}
}

func TestTrapRefusedLongReads(t *testing.T) {
	text := "model = \"%s\"\nsource = \"test\"\nprotocol = \"modbus\"\n[modbus]\nmax_registers = %d\n"
	for i := range 30 {
		text += fmt.Sprintf("[[register]]\nname = \"r%d\"\naddress = %d\ntype = \"u32\"\n", i, 2*i)
	}
	bus := metersim.NewBus(metersim.Pacing{})
	slave := metersim.NewSlave()
	slave.Set(0, make([]uint16, 60)...)
	slave.Limit(20)
	bus.Attach(1, slave)
	l := ways["RTU on a pty"].connect(t, bus, line.Options{Timeout: longTimeout})
	for limit, wantErr := range map[int]error{125: meter.ErrException, 20: nil} {
		p, err := profile.Parse("x.toml", fmt.Appendf(nil, text, "x", limit))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, l, modbus.RTU, p).Read(t.Context()); !errors.Is(err, wantErr) {
			t.Errorf("with at most %d registers a request: %v, want %v", limit, err, wantErr)
		}
	}
}

func TestTrapNotANumberIsNeverAZero(t *testing.T) {
	p, err := profile.Parse("x.toml", []byte("model = \"x\"\nsource = \"test\"\nprotocol = \"modbus\"\n"+
		"[[register]]\nname = \"volume\"\naddress = 0\ntype = \"f32\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	bus := metersim.NewBus(metersim.Pacing{})
	slave := metersim.NewSlave()
	slave.SetUint32(0, 0x7FC00000)
	bus.Attach(1, slave)
	l := ways["RTU on a pty"].connect(t, bus, line.Options{Timeout: longTimeout})
	if r, err := open(t, l, modbus.RTU, p).Read(t.Context()); !errors.Is(err, meter.ErrImplausible) || len(r.Values) != 0 {
		t.Errorf("Read = %v, %v, want %v", r.Values, err, meter.ErrImplausible)
	}
}

func TestTrapMeterThatNeeds3s(t *testing.T) {
	t.Parallel() // waits for what does not come
	m, _ := oneMeter(t, ways["RTU on a pty"], metersim.Fault{Late: 3 * shortTimeout})
	if _, err := m.Read(t.Context()); !errors.Is(err, meter.ErrSilent) {
		t.Fatalf("Read = %v", err)
	}
	slave := metersim.NewGasMeter(1234)
	slave.Always(&metersim.Fault{Late: 3 * shortTimeout})
	bus := metersim.NewBus(metersim.Pacing{})
	bus.Attach(1, slave)
	l := ways["RTU on a pty"].connect(t, bus, line.Options{Timeout: shortTimeout})
	patient, err := modbus.New(l, modbus.RTU, 1, builtin(t, "generic-gas-modbus"), "1", modbus.Options{Timeout: 20 * shortTimeout})
	if err != nil {
		t.Fatal(err)
	}
	want(t, patient, 1234)
}

func TestTrapMeterThatRefusesToBeReadInPart(t *testing.T) {
	t.Parallel() // waits for what does not come
	m, slave := oneMeter(t, ways["RTU on a pty"], metersim.Fault{Silent: true}, metersim.Fault{Exception: 2})
	if _, err := m.Read(t.Context()); !errors.Is(err, meter.ErrSilent) {
		t.Fatalf("Read = %v", err)
	}
	want(t, m, 1234) // the question that settles the debt is refused, the real one is answered
	if before := slave.Asked(); before != 3 {
		t.Fatalf("asked %d times, want 3", before)
	}
	want(t, m, 1234)
	if slave.Asked() != 4 {
		t.Error("the debt stays although a right answer came behind a refusal")
	}
}

func TestManyReadersShareALine(t *testing.T) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			bus := metersim.NewBus(metersim.Pacing{})
			l := w.connect(t, bus, line.Options{Timeout: 5 * time.Second})
			p := builtin(t, "generic-gas-modbus")
			var group sync.WaitGroup
			for i := range byte(5) {
				bus.Attach(i+1, metersim.NewGasMeter(1000+uint32(i)))
				m, err := modbus.New(l, w.kind, i+1, p, meter.ID(fmt.Sprint(i)), modbus.Options{})
				if err != nil {
					t.Fatal(err)
				}
				group.Go(func() {
					for range 10 {
						r, err := m.Read(line.WithPriority(context.Background(), line.Priority(i%4)))
						if v, _ := r.Find(meter.Volume); err != nil || v.Number.Unscaled != 1000+int64(i) {
							t.Errorf("meter %d reads %s, %v", i, v.Number, err)
						}
					}
				})
			}
			group.Wait()
		})
	}
}

func TestNewRefuses(t *testing.T) {
	p := builtin(t, "generic-gas-modbus")
	l := line.New("x", nil, line.Options{})
	for name, f := range map[string]func() error{
		"RTU address 0":   func() error { _, err := modbus.New(l, modbus.RTU, 0, p, "1", modbus.Options{}); return err },
		"RTU address 248": func() error { _, err := modbus.New(l, modbus.RTUOverTCP, 248, p, "1", modbus.Options{}); return err },
		"no line":         func() error { _, err := modbus.New(nil, modbus.TCP, 0, p, "1", modbus.Options{}); return err },
		"no profile":      func() error { _, err := modbus.New(l, modbus.TCP, 0, nil, "1", modbus.Options{}); return err },
		"no registers": func() error {
			_, err := modbus.New(l, modbus.TCP, 0, &profile.Profile{}, "1", modbus.Options{})
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := modbus.New(l, modbus.TCP, 0, p, "1", modbus.Options{}); err != nil {
		t.Errorf("TCP unit 0: %v", err)
	}
}

func TestTrapAdapterThatEchoes(t *testing.T) {
	t.Parallel() // waits for what does not come
	bus := metersim.NewBus(metersim.Pacing{})
	bus.Echo = true
	slave := metersim.NewGasMeter(1234)
	bus.Attach(1, slave)
	l := ways["RTU on a pty"].connect(t, bus, line.Options{Timeout: shortTimeout, Quiet: 20 * time.Millisecond})
	m, err := modbus.New(l, modbus.RTU, 1, builtin(t, "generic-gas-modbus"), "1", modbus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, m, 1234)
	slave.Next(metersim.Fault{Silent: true}, metersim.Fault{Exception: 6})
	if _, err := m.Read(t.Context()); !errors.Is(err, meter.ErrSilent) {
		t.Errorf("only the echo came: %v, want %v", err, meter.ErrSilent)
	}
	if _, err := m.Read(t.Context()); !errors.Is(err, meter.ErrBusy) {
		t.Errorf("busy: %v", err)
	}
	want(t, m, 1234)
	if s := l.Stats(); s.Echo < 4 {
		t.Errorf("echoes = %d, want one for each request", s.Echo)
	}
}
