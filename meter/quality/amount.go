package quality

import (
	"math"

	"tally/meter"
	"tally/meter/quantity"
)

// base is what a unit is counted in here, and how many decimal places lie between the two.
type base struct {
	unit   quantity.Unit
	places int
}

// bases are the units that a counter may have. Litres, watt hours and joules are fine enough to see anything that an
// event is about.
var bases = map[quantity.Unit]base{
	quantity.UnitCubicMetre: {quantity.UnitLitre, 3}, quantity.UnitLitre: {quantity.UnitLitre, 0},
	"Wh": {"Wh", 0}, quantity.UnitKWh: {"Wh", 3}, "MWh": {"Wh", 6}, "100MWh": {"Wh", 8},
	"J": {"J", 0}, "kJ": {"J", 3}, "MJ": {"J", 6}, "GJ": {"J", 9}, "100GJ": {"J", 11},
}

// flows are the units of a flow, in the base unit an hour.
var flows = map[quantity.Unit]base{
	quantity.UnitCubicMPerH: {quantity.UnitLitre, 3}, quantity.UnitLitrePerH: {quantity.UnitLitre, 0},
	"W": {"Wh", 0}, "kW": {"Wh", 3}, "MW": {"Wh", 6},
}

// shift moves the decimal point; what lies behind it is cut off. ok is false when the result does not fit.
func shift(d quantity.Decimal, places int) (n int64, ok bool) {
	n = d.Unscaled
	move := places - int(d.Scale)
	for ; move < 0; move++ {
		n /= 10
	}
	for ; move > 0; move-- {
		if n > math.MaxInt64/10 || n < math.MinInt64/10 {
			return 0, false
		}
		n *= 10
	}
	return n, true
}

// counter finds the value that a meter counts with: its volume, or its energy where it has none.
func counter(r meter.Reading) (meter.Value, bool) {
	for _, name := range []string{meter.Volume, "energy"} {
		if v, ok := r.Find(name); ok {
			return v, true
		}
	}
	return meter.Value{}, false
}

// limit bounds a counter so that differences of two cannot overflow.
const limit = math.MaxInt64 / 4

// amount turns a counter's value into its base unit; ok is false for a unit that counts nothing.
func amount(v meter.Value) (n int64, ok bool) {
	b, known := bases[v.Unit]
	if !known {
		return 0, false
	}
	n, ok = shift(v.Number, b.places)
	return n, ok && n < limit && n > -limit
}

// flow is what the meter itself says to flow, in the base unit an hour.
func flow(r meter.Reading) (n int64, ok bool) {
	for _, name := range []string{"flow", "power"} {
		v, there := r.Find(name)
		if b, known := flows[v.Unit]; there && known {
			return shift(v.Number, b.places)
		}
	}
	return 0, false
}

// InUnit prints an amount in the unit that the meter counts in.
func InUnit(n int64, u quantity.Unit) string {
	return quantity.Decimal{Unscaled: n, Scale: uint8(bases[u].places)}.String()
}
