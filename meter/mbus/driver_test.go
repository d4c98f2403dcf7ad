package mbus_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/mbus"
	"tally/meter/metersim"
	"tally/meter/metertest"
	"tally/meter/quantity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// short is how long an answer may take; on a busy machine it takes some time though nobody waits.
const short = time.Second

// simulated connects a line to simulated meters until the test ends.
func simulated(t *testing.T, speech metersim.Speech) *line.Line {
	t.Helper()
	bus := metersim.NewBus(metersim.Pacing{})
	bus.Speech = speech
	l := line.New("test", func(context.Context) (line.Conn, error) {
		ours, theirs := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- bus.Serve(context.Background(), theirs) }()
		t.Cleanup(func() {
			theirs.Close()
			<-done
		})
		return ours, nil
	}, line.Options{Quiet: short / 5})
	t.Cleanup(func() { l.Close() })
	return l
}

// records is a volume of n litres and a filler.
func records(n uint32) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{0x04, 0x13}, n), 0x2F)
}

func waterMeter(address byte, id uint32) *metersim.MBusMeter {
	m := &metersim.MBusMeter{Address: address}
	binary.LittleEndian.PutUint32(m.Header[:], id)
	copy(m.Header[4:], []byte{0x24, 0x40, 1, 7})
	return m
}

func volume(litres uint32) meter.Value {
	return meter.Value{Name: meter.Volume, Number: quantity.Decimal{Unscaled: int64(litres), Scale: 3}, Unit: quantity.UnitCubicMetre}
}

func TestConformance(t *testing.T) {
	t.Run("primary", func(t *testing.T) { conformance(t, 5, nil) })
	t.Run("secondary", func(t *testing.T) {
		conformance(t, 0, &mbus.Selection{ID: "12345678", Manufacturer: mbus.AnyManufacturer, Version: mbus.AnyByte, Medium: mbus.AnyByte})
	})
}

func conformance(t *testing.T, address byte, choice *mbus.Selection) {
	metertest.RunTurned(t, func(t *testing.T) metertest.Rig {
		speech := &metersim.MBus{}
		sim := waterMeter(address, 0x12345678)
		speech.Add(sim)
		m, err := mbus.New(simulated(t, speech), address, "4711", mbus.Options{Timeout: short, Select: choice})
		if err != nil {
			t.Fatal(err)
		}
		// A selection is a question of its own, so the trouble belongs to the one behind it.
		next := func(f metersim.Fault) func() {
			return func() {
				if choice != nil {
					sim.Next(metersim.Fault{})
				}
				sim.Next(f)
			}
		}
		all := map[metertest.Trouble]func(){
			metertest.Silence:   next(metersim.Fault{Silent: true}),
			metertest.Damage:    next(metersim.Fault{Damage: true}),
			metertest.CutShort:  next(metersim.Fault{Truncate: 20}),
			metertest.OtherTalk: next(metersim.Fault{Function: 0x53}),
			metertest.TooFew:    next(metersim.Fault{Short: 3}),
			metertest.Refusal:   next(metersim.Fault{Exception: 3}),
			metertest.Busy:      next(metersim.Fault{Exception: 8}),
			metertest.Late:      next(metersim.Fault{Late: 3 * short / 2}),
			metertest.Chatter:   next(metersim.Fault{Trailing: []byte{0, 0x68, 0xFF}}),
			metertest.Split:     next(metersim.Fault{Split: short / 4}),
			metertest.Glitch:    next(metersim.Fault{Noise: []byte{0x00, 0xFF}}),
		}
		if choice == nil {
			all[metertest.Stranger] = next(metersim.Fault{Foreign: 9})
		}
		return metertest.Rig{
			Meter: m, ID: "4711", Line: "test", Make: all,
			Turn: func(step int) meter.Value {
				n := uint32(1_000_000 + 0x1668*step)
				sim.Set(records(n))
				return volume(n)
			},
		}
	})
}

func TestSeveralTelegrams(t *testing.T) {
	speech := &metersim.MBus{}
	sim := waterMeter(5, 1)
	sim.Set(append(records(1234), 0x1F), append([]byte{0x02, 0x5A, 0xC8, 0x00}, 0x1F), []byte{0x02, 0x3B, 0x07, 0x00})
	speech.Add(sim)
	l := simulated(t, speech)
	m, err := mbus.New(l, 5, "1", mbus.Options{Timeout: short})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // each reading begins with the first telegram
		r, err := m.Read(t.Context())
		if err != nil || len(r.Values) != 3 || r.Values[0] != volume(1234) || r.Values[1].Name != "temperature_supply" || r.Values[2].Name != "flow" {
			t.Fatalf("reading = %+v, %v", r.Values, err)
		}
	}
	few, _ := mbus.New(l, 5, "1", mbus.Options{Timeout: short, Telegrams: 2})
	if _, err := few.Read(t.Context()); !errors.Is(err, meter.ErrMalformed) {
		t.Errorf("three telegrams where two are allowed: %v", err)
	}
}

// TestTrapFrameCountBitStuck: after a lost answer the meter must not give the old telegram as a new reading.
func TestTrapFrameCountBitStuck(t *testing.T) {
	t.Parallel() // waits for what does not come
	speech := &metersim.MBus{}
	sim := waterMeter(5, 1)
	speech.Add(sim)
	m, _ := mbus.New(simulated(t, speech), 5, "1", mbus.Options{Timeout: short})
	for n := uint32(1); n < 6; n++ {
		sim.Set(records(n), records(n+100))
		if n%2 == 0 {
			sim.Next(metersim.Fault{Silent: true})
			if _, err := m.Read(t.Context()); !errors.Is(err, meter.ErrSilent) {
				t.Fatalf("lost answer: %v", err)
			}
			r, err := m.Read(t.Context())
			if err != nil || r.Values[0] != volume(n) {
				t.Errorf("after a lost answer: %+v, %v, want %d L", r.Values, err, n)
			}
		}
	}
}

// TestTrapTwoMetersAcknowledge: E5 does not say whose it is; the data tells who was selected.
func TestTrapTwoMetersAcknowledge(t *testing.T) {
	t.Parallel() // waits for what does not come
	speech := &metersim.MBus{}
	impostor := waterMeter(1, 0x12345679)
	impostor.Set(records(7))
	speech.Add(impostor)
	l := simulated(t, speech)
	anyone, _ := mbus.New(l, 0, "1", mbus.Options{Timeout: short, Select: &mbus.Selection{ID: "1234567F", Manufacturer: mbus.AnyManufacturer, Version: mbus.AnyByte, Medium: mbus.AnyByte}})
	if r, err := anyone.Read(t.Context()); err != nil || r.Values[0] != volume(7) {
		t.Errorf("wildcard: %+v, %v", r.Values, err)
	}
	impostor.Clingy = true
	exact, _ := mbus.New(l, 0, "1", mbus.Options{Timeout: short, Select: &mbus.Selection{ID: "12345678", Manufacturer: 0x4024, Version: 1, Medium: 7}})
	if r, err := exact.Read(t.Context()); !errors.Is(err, meter.ErrForeign) {
		t.Errorf("another meter than the selected one answered: %+v, %v", r.Values, err)
	}
	impostor.Clingy = false
	none, _ := mbus.New(l, 0, "1", mbus.Options{Timeout: short, Select: &mbus.Selection{ID: "87654321", Manufacturer: 0x4024, Version: 1, Medium: 7}})
	if _, err := none.Read(t.Context()); !errors.Is(err, meter.ErrSilent) {
		t.Errorf("selection that nobody fits: %v", err)
	}
}

func TestBadClockIsMarkedAndABadValueSpoils(t *testing.T) {
	speech := &metersim.MBus{}
	sim := waterMeter(5, 1)
	speech.Add(sim)
	m, _ := mbus.New(simulated(t, speech), 5, "1", mbus.Options{Timeout: short})
	sim.Set(append(records(5), 0x04, 0x6D, 0x80, 0, 0, 0))
	r, err := m.Read(t.Context())
	if err != nil || len(r.Quality) != 1 || r.Quality[0] != meter.BadClock || r.Values[0] != volume(5) {
		t.Errorf("invalid clock: %+v, %v", r, err)
	}
	sim.Set(append(records(5), 0x0A, 0x3B, 0xAA, 0x00))
	if r, err := m.Read(t.Context()); !errors.Is(err, meter.ErrImplausible) {
		t.Errorf("BCD nibble A: %+v, %v", r, err)
	}
}

func TestNewRefuses(t *testing.T) {
	l := line.New("x", nil, line.Options{})
	for name, f := range map[string]func() error{
		"no line":     func() error { _, err := mbus.New(nil, 1, "1", mbus.Options{}); return err },
		"address 251": func() error { _, err := mbus.New(l, 251, "1", mbus.Options{}); return err },
		"short ID": func() error {
			_, err := mbus.New(l, 1, "1", mbus.Options{Select: &mbus.Selection{ID: "1234"}})
			return err
		},
		"letters": func() error {
			_, err := mbus.New(l, 1, "1", mbus.Options{Select: &mbus.Selection{ID: "1234567X"}})
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
