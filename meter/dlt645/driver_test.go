package dlt645_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tally/meter"
	"tally/meter/dlt645"
	"tally/meter/line"
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
	}, line.Options{Timeout: short, Quiet: short / 5})
	t.Cleanup(func() { l.Close() })
	return l
}

var forward, reverse = []byte{0, 0, 1, 0}, []byte{0, 0, 2, 0}

// energy is n hundredths as BCD, low byte first.
func energy(n int) []byte {
	b := make([]byte, 4)
	for i := range b {
		b[i] = byte(n%10 + n/10%10*16)
		n /= 100
	}
	return b
}

func TestConformance(t *testing.T) {
	t.Parallel() // waits for what does not come
	t.Run("2007", func(t *testing.T) { conformance(t, false, dlt645.Forward, forward, "energy_import") })
	t.Run("1997", func(t *testing.T) { conformance(t, true, dlt645.Forward97, []byte{0x10, 0x90}, "energy") })
}

func conformance(t *testing.T, old bool, item dlt645.Item, identifier []byte, name string) {
	metertest.Run(t, func(t *testing.T) metertest.Rig {
		speech := &metersim.DLT645{}
		sim := &metersim.DLT645Meter{Address: [6]byte{0x29, 0x68, 0x16, 0x07, 0x21, 0x20}, Old: old}
		speech.Add(sim)
		m, err := dlt645.New(simulated(t, speech), dlt645.Address(sim.Address), "4711", dlt645.Options{Items: []dlt645.Item{item}})
		if err != nil {
			t.Fatal(err)
		}
		next := func(f metersim.Fault) func() { return func() { sim.Next(f) } }
		return metertest.Rig{
			Meter: m, ID: "4711", Line: "test",
			Turn: func(step int) meter.Value {
				n := 1234567 + 3535*step
				sim.Set(identifier, energy(n))
				return meter.Value{Name: name, Number: quantity.Decimal{Unscaled: int64(n), Scale: 2}, Unit: quantity.UnitKWh}
			},
			Make: map[metertest.Trouble]func(){
				metertest.Silence:   next(metersim.Fault{Silent: true}),
				metertest.Damage:    next(metersim.Fault{Damage: true}),
				metertest.CutShort:  next(metersim.Fault{Truncate: 14}),
				metertest.Stranger:  next(metersim.Fault{Foreign: 0x30}),
				metertest.OtherTalk: next(metersim.Fault{Function: 0x14}),
				metertest.TooFew:    next(metersim.Fault{Short: 2}),
				metertest.Refusal:   next(metersim.Fault{Exception: 2}),
				metertest.Late:      next(metersim.Fault{Late: 5 * short / 2}),
				metertest.Chatter:   next(metersim.Fault{Trailing: []byte{0, 0x68, 0xFF}}),
				metertest.Split:     next(metersim.Fault{Split: short / 4}),
				metertest.Glitch:    next(metersim.Fault{Noise: []byte{0x00, 0xFF, 0x68, 0x00}}),
			},
		}
	})
}

// TestPromise5LateAnswerIsNotAnotherItems: an answer that comes too late says what it is about, and is dropped.
func TestPromise5LateAnswerIsNotAnotherItems(t *testing.T) {
	t.Parallel() // waits for what does not come
	speech := &metersim.DLT645{}
	sim := &metersim.DLT645Meter{Address: [6]byte{1}}
	sim.Set(forward, energy(1111))
	sim.Set(reverse, energy(2222))
	speech.Add(sim)
	l := simulated(t, speech)
	a, _ := dlt645.New(l, dlt645.Address{1}, "1", dlt645.Options{Items: []dlt645.Item{dlt645.Forward}})
	b, _ := dlt645.New(l, dlt645.Address{1}, "1", dlt645.Options{Items: []dlt645.Item{dlt645.Reverse}})
	sim.Next(metersim.Fault{Late: 13 * short / 10})
	if _, err := a.Read(t.Context()); !errors.Is(err, meter.ErrSilent) {
		t.Fatalf("late answer: %v", err)
	}
	r, err := b.Read(t.Context())
	if v, _ := r.Find("energy_export"); err != nil || v.Number.Unscaled != 2222 {
		t.Errorf("reverse energy = %s, %v, want 22.22", v.Number, err)
	}
}

func TestSeveralItems(t *testing.T) {
	speech := &metersim.DLT645{}
	sim := &metersim.DLT645Meter{Address: [6]byte{1}}
	sim.Set(forward, energy(1111))
	sim.Set([]byte{0, 1, 1, 2}, []byte{0x30, 0x22})
	speech.Add(sim)
	m, err := dlt645.New(simulated(t, speech), dlt645.Address{1}, "1", dlt645.Options{
		Preamble: -1, Items: []dlt645.Item{dlt645.Forward, {Edition: dlt645.Edition2007, Code: 0x02010100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Read(t.Context())
	if v, _ := r.Find("voltage_a"); err != nil || v.Number.String() != "223.0" || len(r.Values) != 2 {
		t.Errorf("reading = %+v, %v", r, err)
	}
}

func TestAskAddress(t *testing.T) {
	speech := &metersim.DLT645{}
	speech.Add(&metersim.DLT645Meter{Address: [6]byte{0x29, 0x25, 0x07, 0x07, 0x21, 0x20}})
	a, err := dlt645.AskAddress(t.Context(), simulated(t, speech), dlt645.Options{})
	if err != nil || a.String() != "202107072529" {
		t.Errorf("address = %s, %v", a, err)
	}
}

func TestNewRefuses(t *testing.T) {
	l := line.New("x", nil, line.Options{})
	for name, f := range map[string]func() error{
		"no line":   func() error { _, err := dlt645.New(nil, dlt645.Address{1}, "1", dlt645.Options{}); return err },
		"broadcast": func() error { _, err := dlt645.New(l, dlt645.Everyone, "1", dlt645.Options{}); return err },
		"preamble": func() error {
			_, err := dlt645.New(l, dlt645.Address{1}, "1", dlt645.Options{Preamble: 21})
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	tariff := dlt645.Item{Edition: dlt645.Edition2007, Code: 0x00010100}
	if _, err := dlt645.New(l, dlt645.Address{1}, "1", dlt645.Options{Items: []dlt645.Item{tariff}}); err == nil {
		t.Error("an item that is no current total accepted")
	}
}
