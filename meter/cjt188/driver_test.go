package cjt188_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tally/meter"
	"tally/meter/cjt188"
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

func TestConformance(t *testing.T) {
	t.Run("serial number comes back", func(t *testing.T) { conformance(t, false) })
	t.Run("serial number does not", func(t *testing.T) { conformance(t, true) })
}

func conformance(t *testing.T, unserial bool) {
	metertest.RunTurned(t, func(t *testing.T) metertest.Rig {
		speech := &metersim.CJT188{}
		sim := &metersim.CJT188Meter{Kind: 0x30, Address: [7]byte{0x68, 0x16, 0x22, 0x11, 0, 0x33, 0x78}, Deaf: unserial, Settles: 1}
		speech.Add(sim)
		m, err := cjt188.New(simulated(t, speech), cjt188.Gas, cjt188.Address(sim.Address), "4711", cjt188.Options{Unserial: unserial})
		if err != nil {
			t.Fatal(err)
		}
		next := func(f metersim.Fault) func() { return func() { sim.Next(f) } }
		return metertest.Rig{
			Meter: m, ID: "4711", Line: "test",
			Turn: func(step int) meter.Value {
				n := uint32(1234567 + 1668*step) // 68 and 16 come along inside the data
				sim.Turn(n)
				return meter.Value{Name: meter.Volume, Number: quantity.Decimal{Unscaled: int64(n), Scale: 2}, Unit: quantity.UnitCubicMetre}
			},
			Make: map[metertest.Trouble]func(){
				metertest.Silence:   next(metersim.Fault{Silent: true}),
				metertest.Damage:    next(metersim.Fault{Damage: true}),
				metertest.CutShort:  next(metersim.Fault{Truncate: 20}),
				metertest.Stranger:  next(metersim.Fault{Foreign: 0x11}),
				metertest.OtherTalk: next(metersim.Fault{Function: 4}),
				metertest.TooFew:    next(metersim.Fault{Short: 3}),
				metertest.Refusal:   next(metersim.Fault{Exception: 2}),
				metertest.Late:      next(metersim.Fault{Late: 5 * short / 2}),
				metertest.Chatter:   next(metersim.Fault{Trailing: []byte{0, 0x68, 0xFF}}),
				metertest.Split:     next(metersim.Fault{Split: short / 4}),
				metertest.Glitch:    next(metersim.Fault{Noise: []byte{0x00, 0xFF, 0x68, 0x00}}),
			},
		}
	})
}

func TestSwappedIdentifiers(t *testing.T) {
	speech := &metersim.CJT188{}
	sim := &metersim.CJT188Meter{Kind: 0x10, Address: [7]byte{1}, Swapped: true}
	speech.Add(sim)
	l := simulated(t, speech)
	standard, _ := cjt188.New(l, cjt188.ColdWater, cjt188.Address{1}, "1", cjt188.Options{})
	if _, err := standard.Read(t.Context()); !errors.Is(err, meter.ErrException) {
		t.Errorf("a meter that wants 1F 90 was asked for 90 1F: %v", err)
	}
	swapped, _ := cjt188.New(l, cjt188.ColdWater, cjt188.Address{1}, "1", cjt188.Options{Variant: cjt188.Variant{SwappedItem: true}})
	if _, err := swapped.Read(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTrapSerialNumberNotEchoed(t *testing.T) {
	t.Parallel() // waits for what does not come
	speech := &metersim.CJT188{}
	speech.Add(&metersim.CJT188Meter{Kind: 0x10, Address: [7]byte{1}, Deaf: true})
	l := simulated(t, speech)
	strict, _ := cjt188.New(l, cjt188.ColdWater, cjt188.Address{1}, "1", cjt188.Options{})
	if _, err := strict.Read(t.Context()); !errors.Is(err, meter.ErrForeign) {
		t.Errorf("answer without our serial number: %v", err)
	}
	lax, _ := cjt188.New(l, cjt188.ColdWater, cjt188.Address{1}, "1", cjt188.Options{Unserial: true})
	if _, err := lax.Read(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAskAddress(t *testing.T) {
	speech := &metersim.CJT188{}
	speech.Add(&metersim.CJT188Meter{Kind: 0x30, Address: [7]byte{0x44, 0x33, 0x22, 0x11, 0, 0x33, 0x78}})
	kind, address, err := cjt188.AskAddress(t.Context(), simulated(t, speech), cjt188.Options{Preamble: -1})
	if err != nil || kind != cjt188.Gas || address.String() != "78330011223344" {
		t.Errorf("got %v %v, %v", kind, address, err)
	}
}

func TestPreambles(t *testing.T) {
	for _, n := range []int{-1, 1, 4, 20} {
		speech := &metersim.CJT188{}
		speech.Add(&metersim.CJT188Meter{Kind: 0x10, Address: [7]byte{1}})
		m, err := cjt188.New(simulated(t, speech), cjt188.ColdWater, cjt188.Address{1}, "1", cjt188.Options{Preamble: n})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Read(t.Context()); err != nil {
			t.Errorf("%d FE: %v", n, err)
		}
	}
	if _, err := cjt188.New(line.New("x", nil, line.Options{}), cjt188.Gas, cjt188.Address{}, "1", cjt188.Options{Preamble: 21}); err == nil {
		t.Error("21 FE accepted")
	}
	if _, err := cjt188.New(nil, cjt188.Gas, cjt188.Address{}, "1", cjt188.Options{}); err == nil {
		t.Error("no line accepted")
	}
}
