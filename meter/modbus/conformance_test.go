package modbus_test

import (
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/metertest"
	"tally/meter/modbus"
	"tally/meter/quantity"
)

// TestConformance runs the suite over every way to the meter. The answer times are short, so a late answer is one that
// comes 150 ms after its time with a meter that may think for 100 ms.
func TestConformance(t *testing.T) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			metertest.Run(t, func(t *testing.T) metertest.Rig { return buildRig(t, w) })
		})
	}
}

const shortTimeout = 100 * time.Millisecond

func buildRig(t *testing.T, w way) metertest.Rig {
	bus := metersim.NewBus(metersim.Pacing{})
	slave := metersim.NewGasMeter(0)
	bus.Attach(7, slave)
	l := w.connect(t, bus, line.Options{Timeout: shortTimeout, Quiet: 20 * time.Millisecond})
	m, err := modbus.New(l, w.kind, 7, builtin(t, "generic-gas-modbus"), "4711", modbus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return metertest.Rig{
		Meter: m, ID: "4711", Line: "test",
		Turn: func(step int) meter.Value {
			litres := uint32(100_000 + 1234*step)
			slave.SetUint32(0, litres)
			return meter.Value{Name: meter.Volume, Number: quantity.Decimal{Unscaled: int64(litres), Scale: 3}, Unit: quantity.UnitCubicMetre}
		},
		Make: troubles(slave, w.kind),
	}
}

func troubles(s *metersim.Slave, kind modbus.Framing) map[metertest.Trouble]func() {
	next := func(f metersim.Fault) func() { return func() { s.Next(f) } }
	all := map[metertest.Trouble]func(){
		metertest.Silence:   next(metersim.Fault{Silent: true}),
		metertest.CutShort:  next(metersim.Fault{Truncate: 9}),
		metertest.Stranger:  next(metersim.Fault{Foreign: 8}),
		metertest.OtherTalk: next(metersim.Fault{Function: 4}),
		metertest.TooFew:    next(metersim.Fault{Short: 2}),
		metertest.Refusal:   next(metersim.Fault{Exception: 2}),
		metertest.Busy:      next(metersim.Fault{Exception: 6}),
		metertest.Late:      next(metersim.Fault{Late: 3 * shortTimeout / 2}),
		metertest.Split:     next(metersim.Fault{Split: shortTimeout / 4}),
	}
	if kind != modbus.TCP {
		all[metertest.Damage] = next(metersim.Fault{Damage: true})
		all[metertest.Glitch] = next(metersim.Fault{Noise: []byte{0x00, 0xFF}})
		all[metertest.Chatter] = next(metersim.Fault{Trailing: []byte{0x00, 0x13, 0x37}})
	}
	return all
}
