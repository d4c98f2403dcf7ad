package modbus_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/metertest"
	"tally/meter/modbus"
	"tally/meter/quantity"
)

// TestConformance runs the suite over every way to the meter; -short leaves those out that take real time.
func TestConformance(t *testing.T) {
	var running sync.WaitGroup
	for name, w := range ways {
		if testing.Short() && !w.turns {
			continue
		}
		running.Go(func() {
			t.Run(name, func(t *testing.T) {
				if w.turns {
					metertest.RunTurned(t, func(t *testing.T) metertest.Rig { return buildRig(t, w) })
				} else {
					metertest.Run(t, func(t *testing.T) metertest.Rig { return buildRig(t, w) })
				}
			})
		})
	}
	running.Wait()
}

// An answer that does not come in time is waited for shortly, one that does as long as a busy machine may take for its way
// through a real pseudo-terminal or socket.
const shortTimeout, longTimeout = time.Second, 10 * time.Second

// moody is one meter that is asked with little patience once, when hurry is set.
type moody struct {
	meter.Meter
	hasty meter.Meter
	hurry *atomic.Bool
}

func (m moody) Read(ctx context.Context) (meter.Reading, error) {
	if m.hurry.Swap(false) {
		return m.hasty.Read(ctx)
	}
	return m.Meter.Read(ctx)
}

func buildRig(t *testing.T, w way) metertest.Rig {
	bus := metersim.NewBus(metersim.Pacing{})
	slave := metersim.NewGasMeter(0)
	bus.Attach(7, slave)
	l := w.connect(t, bus, line.Options{Timeout: shortTimeout, Quiet: 20 * time.Millisecond})
	model, hurry := builtin(t, "generic-gas-modbus"), new(atomic.Bool)
	hasty, err := modbus.New(l, w.kind, 7, model, "4711", modbus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := modbus.New(l, w.kind, 7, model, "4711", modbus.Options{Timeout: longTimeout})
	if err != nil {
		t.Fatal(err)
	}
	return metertest.Rig{
		Meter: moody{m, hasty, hurry}, ID: "4711", Line: "test",
		Turn: func(step int) meter.Value {
			litres := uint32(100_000 + 1234*step)
			slave.SetUint32(0, litres)
			return meter.Value{Name: meter.Volume, Number: quantity.Decimal{Unscaled: int64(litres), Scale: 3}, Unit: quantity.UnitCubicMetre}
		},
		Make: troubles(slave, w.kind, hurry),
	}
}

func troubles(s *metersim.Slave, kind modbus.Framing, hurry *atomic.Bool) map[metertest.Trouble]func() {
	next := func(f metersim.Fault) func() { return func() { s.Next(f) } }
	never := func(f metersim.Fault) func() { return func() { s.Next(f); hurry.Store(true) } }
	all := map[metertest.Trouble]func(){
		metertest.Silence:   never(metersim.Fault{Silent: true}),
		metertest.CutShort:  never(metersim.Fault{Truncate: 9}),
		metertest.Stranger:  next(metersim.Fault{Foreign: 8}),
		metertest.OtherTalk: next(metersim.Fault{Function: 4}),
		metertest.TooFew:    next(metersim.Fault{Short: 2}),
		metertest.Refusal:   next(metersim.Fault{Exception: 2}),
		metertest.Busy:      next(metersim.Fault{Exception: 6}),
		metertest.Late:      never(metersim.Fault{Late: 3 * shortTimeout / 2}),
		metertest.Split:     next(metersim.Fault{Split: shortTimeout / 4}),
	}
	if kind != modbus.TCP {
		all[metertest.Damage] = next(metersim.Fault{Damage: true})
		all[metertest.Glitch] = next(metersim.Fault{Noise: []byte{0x00, 0xFF}})
		all[metertest.Chatter] = next(metersim.Fault{Trailing: []byte{0x00, 0x13, 0x37}})
	}
	return all
}
