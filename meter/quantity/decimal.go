package quantity

import (
	"fmt"
	"math"
)

// Unit names the unit of a measured value in UCUM style, as the meter itself gives it: no conversion happens on the
// way. The list is open; a driver may add what its standard names.
type Unit string

// Units that meters in the field send.
const (
	UnitNone       Unit = ""
	UnitCubicMetre Unit = "m3"
	UnitLitre      Unit = "L"
	UnitKWh        Unit = "kWh"
	UnitCubicMPerH Unit = "m3/h"
	UnitLitrePerH  Unit = "L/h"
	UnitCelsius    Unit = "Cel"
	UnitVolt       Unit = "V"
	UnitPascal     Unit = "Pa"
	UnitHour       Unit = "h"
)

// Decimal is an exact decimal number: Unscaled × 10^−Scale. Meters count in decimals (BCD digits, scaled registers);
// a Decimal carries what they said without rounding.
type Decimal struct {
	Unscaled int64
	Scale    uint8 // 0–18
}

// String prints all digits that the meter gave, e.g. "556677.00".
func (d Decimal) String() string {
	if d.Scale == 0 {
		return fmt.Sprint(d.Unscaled)
	}
	return fixed(d.Unscaled, int(d.Scale))
}

// Volume converts a value in unit u to litres. A finer value is cut to whole litres, so that what is billed was
// measured; an unknown unit or an overflow is ErrRange.
func (d Decimal) Volume(u Unit) (Volume, error) {
	n, scale := d.Unscaled, int(d.Scale)
	switch u {
	case UnitCubicMetre:
		scale -= 3
	case UnitLitre:
	default:
		return 0, fmt.Errorf("unit %q is no volume: %w", clip(string(u)), ErrRange)
	}
	for ; scale > 0; scale-- {
		n /= 10
	}
	for ; scale < 0; scale++ {
		if n > math.MaxInt64/10 || n < math.MinInt64/10 {
			return 0, fmt.Errorf("%s %s: %w", d, u, ErrRange)
		}
		n *= 10
	}
	return Volume(n), nil
}
