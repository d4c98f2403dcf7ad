// Package quantity holds the units that every room of tally shares: volume, money and price as integers.
//
// No float touches a quantity that somebody pays for. A volume is counted in litres, money in fen (分, 1/100 yuan),
// a price in 1/10 000 yuan per cubic metre. The types do not convert into each other by accident, and every operation
// that could overflow says so with [ErrRange].
//
// The package imports nothing of tally, so that cards, meters, storage and the wire can share it without knowing each
// other.
package quantity

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// ErrRange says that a result would not fit its integer type, or that an input lies outside what the unit allows.
var ErrRange = errors.New("quantity out of range")

// ErrSyntax says that a text is not a decimal number with at most the digits that the unit can carry.
var ErrSyntax = errors.New("not a decimal number")

// Volume is an amount of gas or water in litres. It may be negative (a correction).
type Volume int64

// Common volumes.
const (
	Litre      Volume = 1
	CubicMetre Volume = 1000
)

// String gives cubic metres with three decimals at most and no unit, e.g. "12.34", "-0.001", "7".
func (v Volume) String() string { return trimZeros(fixed(int64(v), 3)) }

// Fixed gives cubic metres with exactly places decimals (0–3), cut off, never rounded up: a display must not show gas
// that is not there.
func (v Volume) Fixed(places int) string {
	s := fixed(int64(v), 3)
	if places >= 3 {
		return s
	}
	cut := len(s) - 3 + places
	if places <= 0 {
		cut--
	}
	return s[:cut]
}

// Add returns v + w or ErrRange.
func (v Volume) Add(w Volume) (Volume, error) {
	n, err := add(int64(v), int64(w))
	return Volume(n), err
}

// ParseVolume reads cubic metres, e.g. "12.34"; at most three decimals.
func ParseVolume(s string) (Volume, error) {
	n, err := parseFixed(s, 3)
	return Volume(n), err
}

// Money is an amount in fen. It may be negative (a refund).
type Money int64

// Common amounts.
const (
	Fen  Money = 1
	Yuan Money = 100
)

// String gives yuan with exactly two decimals and no sign for the currency, e.g. "325.04".
func (m Money) String() string { return fixed(int64(m), 2) }

// Add returns m + n or ErrRange.
func (m Money) Add(n Money) (Money, error) {
	sum, err := add(int64(m), int64(n))
	return Money(sum), err
}

// ParseMoney reads yuan, e.g. "325.04"; at most two decimals.
func ParseMoney(s string) (Money, error) {
	n, err := parseFixed(s, 2)
	return Money(n), err
}

// Price is a price per cubic metre in 1/10 000 yuan, e.g. 26500 for 2.65 yuan/m³. It is not negative.
type Price int64

// String gives yuan per cubic metre with two to four decimals, e.g. "2.65", "2.6525".
func (p Price) String() string {
	s := fixed(int64(p), 4)
	for strings.HasSuffix(s, "0") && len(s)-strings.IndexByte(s, '.') > 3 {
		s = s[:len(s)-1]
	}
	return s
}

// ParsePrice reads yuan per cubic metre, e.g. "2.65"; at most four decimals, not negative.
func ParsePrice(s string) (Price, error) {
	n, err := parseFixed(s, 4)
	if err == nil && n < 0 {
		return 0, fmt.Errorf("price %q is negative: %w", s, ErrRange)
	}
	return Price(n), err
}

// litre·(1/10 000 yuan/m³) per fen: 1000 litres × 10 000 / 100 fen.
const priceUnitsPerFen = 1000 * 10000 / 100

// Of returns what v costs at price p, rounded half-up to the fen (away from zero for a negative volume, so that a
// reversal equals its sale).
func (p Price) Of(v Volume) (Money, error) {
	if p < 0 {
		return 0, fmt.Errorf("price %d: %w", int64(p), ErrRange)
	}
	neg := v < 0
	mag := uint64(v)
	if neg {
		mag = -mag
	}
	hi, lo := bits.Mul64(mag, uint64(p))
	lo, carry := bits.Add64(lo, priceUnitsPerFen/2, 0)
	hi += carry
	if hi >= priceUnitsPerFen {
		return 0, fmt.Errorf("%s m³ at %s yuan: %w", v, p, ErrRange)
	}
	q, _ := bits.Div64(hi, lo, priceUnitsPerFen)
	if q > math.MaxInt64 {
		return 0, fmt.Errorf("%s m³ at %s yuan: %w", v, p, ErrRange)
	}
	if neg {
		return -Money(q), nil
	}
	return Money(q), nil
}

// Affords returns the greatest volume, in whole steps of step litres, whose price rounded to the fen is not above m.
// A price of zero affords nothing that could be counted and is ErrRange.
func (p Price) Affords(m Money, step Volume) (Volume, error) {
	if p <= 0 || m < 0 || step <= 0 {
		return 0, fmt.Errorf("%s yuan at %s yuan/m³ in steps of %d L: %w", m, p, int64(step), ErrRange)
	}
	// Rounding half-up: round(v·p/K) ≤ m  ⇔  v·p < (m + ½)·K.
	hi, lo := bits.Mul64(2*uint64(m)+1, priceUnitsPerFen/2)
	if lo == 0 {
		hi--
	}
	lo--
	if hi >= uint64(p) {
		return 0, fmt.Errorf("%s yuan at %s yuan/m³: %w", m, p, ErrRange)
	}
	v, _ := bits.Div64(hi, lo, uint64(p))
	if v > math.MaxInt64 {
		return 0, fmt.Errorf("%s yuan at %s yuan/m³: %w", m, p, ErrRange)
	}
	return Volume(v) / step * step, nil
}

func add(a, b int64) (int64, error) {
	c := a + b
	if (c > a) != (b > 0) && b != 0 {
		return 0, fmt.Errorf("%d + %d: %w", a, b, ErrRange)
	}
	return c, nil
}

// fixed prints n / 10^places with exactly that many decimals.
func fixed(n int64, places int) string {
	sign := ""
	mag := uint64(n)
	if n < 0 {
		sign, mag = "-", -mag
	}
	s := strconv.FormatUint(mag, 10)
	if len(s) <= places {
		s = strings.Repeat("0", places-len(s)+1) + s
	}
	return sign + s[:len(s)-places] + "." + s[len(s)-places:]
}

func trimZeros(s string) string {
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// parseFixed is strict: an optional minus, at least one digit, at most places decimals; no exponent, no grouping, no
// space. What it accepts it reads exactly.
func parseFixed(s string, places int) (int64, error) {
	whole, frac, dot := strings.Cut(s, ".")
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || (dot && frac == "") || strings.Trim(digits+frac, "0123456789") != "" {
		return 0, fmt.Errorf("%q: %w", clip(s), ErrSyntax)
	}
	if len(frac) > places {
		return 0, fmt.Errorf("%q has more than %d decimals: %w", clip(s), places, ErrSyntax)
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", places-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", clip(s), ErrRange)
	}
	return n, nil
}

// clip keeps hostile input from filling a log line.
func clip(s string) string {
	if len(s) > 32 {
		return s[:32] + "…"
	}
	return s
}
