package profile

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"tally/meter"
	"tally/meter/quantity"
)

// Kind is how a value is coded in its registers.
type Kind string

// Kinds.
const (
	U16    Kind = "u16"
	I16    Kind = "i16"
	U32    Kind = "u32"
	I32    Kind = "i32"
	U64    Kind = "u64"
	I64    Kind = "i64"
	F32    Kind = "f32"
	F64    Kind = "f64"
	BCD16  Kind = "bcd16"
	BCD32  Kind = "bcd32"
	BCD48  Kind = "bcd48"
	BCD64  Kind = "bcd64"
	HiLo   Kind = "hi100lo" // two u16: the first counts hundreds, the second ones (0–99)
	IntInt Kind = "u32+u32" // whole units, then a fraction of Decimals digits
	IntU16 Kind = "u32+u16" // the same with a short fraction
	IntF32 Kind = "i32+f32" // whole units, then a float fraction below one
)

// words tells how many registers each kind takes.
var words = map[Kind]int{
	U16: 1, I16: 1, U32: 2, I32: 2, U64: 4, I64: 4, F32: 2, F64: 4,
	BCD16: 1, BCD32: 2, BCD48: 3, BCD64: 4, HiLo: 2, IntInt: 4, IntU16: 3, IntF32: 4,
}

// Order is in which order the bytes of a value are sent; A is the most significant byte of a 32-bit value. Longer
// values follow the same pattern: C and D stand for "words reversed", B before A for "bytes of each word swapped".
type Order string

// Orders.
const (
	ABCD Order = "ABCD" // big-endian, what Modbus itself says
	CDAB Order = "CDAB" // low word first
	BADC Order = "BADC" // bytes of each word swapped
	DCBA Order = "DCBA" // little-endian
)

// apply returns b in big-endian order.
func (o Order) apply(b []byte) []byte {
	out := make([]byte, len(b))
	n := len(b) / 2
	for i := range n {
		from := i
		if o == CDAB || o == DCBA {
			from = n - 1 - i
		}
		hi, lo := b[2*from], b[2*from+1]
		if o == BADC || o == DCBA {
			hi, lo = lo, hi
		}
		out[2*i], out[2*i+1] = hi, lo
	}
	return out
}

// Decode reads the value from its registers' bytes as they came.
func (r Register) Decode(raw []byte) (quantity.Decimal, error) {
	if len(raw) != 2*r.Words || r.Words != words[r.Kind] {
		return quantity.Decimal{}, r.refuse(fmt.Errorf("%d bytes for %s: %w", len(raw), r.Kind, meter.ErrMalformed))
	}
	n, err := r.number(raw)
	if err == nil {
		n, err = r.scaled(n)
	}
	if err != nil {
		return quantity.Decimal{}, r.refuse(err)
	}
	return n, nil
}

func (r Register) refuse(err error) error {
	return fmt.Errorf("decode register %d (%s): %w", r.Address, r.Name, err)
}

// number reads the raw value, before scale and multiplier.
func (r Register) number(raw []byte) (quantity.Decimal, error) {
	switch r.Kind {
	case HiLo:
		b := r.Order.apply(raw)
		hi, lo := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		if lo > 99 {
			return quantity.Decimal{}, fmt.Errorf("low part %d is above 99: %w", lo, meter.ErrImplausible)
		}
		return quantity.Decimal{Unscaled: int64(hi)*100 + int64(lo)}, nil
	case IntInt, IntU16:
		whole := binary.BigEndian.Uint32(r.Order.apply(raw[:4]))
		return r.withFraction(whole, r.Order.apply(raw[4:]))
	case IntF32:
		whole := int64(int32(binary.BigEndian.Uint32(r.Order.apply(raw[:4]))))
		frac, err := fromFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(r.Order.apply(raw[4:])))), 32)
		if err != nil {
			return quantity.Decimal{}, err
		}
		return addWhole(whole, frac)
	case F32:
		return fromFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(r.Order.apply(raw)))), 32)
	case F64:
		return fromFloat(math.Float64frombits(binary.BigEndian.Uint64(r.Order.apply(raw))), 64)
	case BCD16, BCD32, BCD48, BCD64:
		return fromBCD(r.Order.apply(raw))
	}
	return fromInt(r.Kind, r.Order.apply(raw))
}

func fromInt(k Kind, b []byte) (quantity.Decimal, error) {
	var u uint64
	for _, c := range b {
		u = u<<8 | uint64(c)
	}
	switch k {
	case I16:
		return quantity.Decimal{Unscaled: int64(int16(u))}, nil
	case I32:
		return quantity.Decimal{Unscaled: int64(int32(u))}, nil
	case U64:
		if u > math.MaxInt64 {
			return quantity.Decimal{}, fmt.Errorf("%d is too large: %w", u, meter.ErrImplausible)
		}
	}
	return quantity.Decimal{Unscaled: int64(u)}, nil
}

// fromBCD reads packed digits, the highest first. A nibble above 9 is no digit, and no zero either.
func fromBCD(b []byte) (quantity.Decimal, error) {
	var n int64
	for _, c := range b {
		hi, lo := c>>4, c&0x0F
		if hi > 9 || lo > 9 {
			return quantity.Decimal{}, fmt.Errorf("byte %02X is not BCD: %w", c, meter.ErrImplausible)
		}
		if n > (math.MaxInt64-99)/100 {
			return quantity.Decimal{}, fmt.Errorf("BCD number is too large: %w", meter.ErrImplausible)
		}
		n = n*100 + int64(hi)*10 + int64(lo)
	}
	return quantity.Decimal{Unscaled: n}, nil
}

// withFraction adds a fraction that counts units of 10^−Decimals.
func (r Register) withFraction(whole uint32, b []byte) (quantity.Decimal, error) {
	frac, err := fromInt(U64, b)
	if err != nil {
		return quantity.Decimal{}, err
	}
	limit := int64(1)
	for range r.Decimals {
		limit *= 10
	}
	if frac.Unscaled >= limit {
		return quantity.Decimal{}, fmt.Errorf("fraction %d has more than %d digits: %w", frac.Unscaled, r.Decimals, meter.ErrImplausible)
	}
	return addWhole(int64(whole), quantity.Decimal{Unscaled: frac.Unscaled, Scale: r.Decimals})
}

// addWhole returns whole + frac; frac must lie within (−1, 1).
func addWhole(whole int64, frac quantity.Decimal) (quantity.Decimal, error) {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(frac.Scale)), nil)
	f := big.NewInt(frac.Unscaled)
	if new(big.Int).Abs(f).Cmp(limit) >= 0 {
		return quantity.Decimal{}, fmt.Errorf("fraction %s is not below one: %w", frac, meter.ErrImplausible)
	}
	return fromBig(f.Add(f, limit.Mul(limit, big.NewInt(whole))), int(frac.Scale))
}

// scaled applies multiplier and decimals.
func (r Register) scaled(n quantity.Decimal) (quantity.Decimal, error) {
	m := r.Multiply
	if m == 0 {
		m = 1
	}
	u := new(big.Int).Mul(big.NewInt(n.Unscaled), big.NewInt(m))
	return fromBig(u, int(n.Scale)+int(r.Scale))
}

// fromFloat gives the shortest decimal that the meter's float stands for, the one whose nearest float it is: reading it
// back gives the same bits. Not a number, infinity, and what has no decimal of 18 digits are refused.
func fromFloat(f float64, bits int) (quantity.Decimal, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return quantity.Decimal{}, fmt.Errorf("meter sent %v: %w", f, meter.ErrImplausible)
	}
	whole, frac, _ := strings.Cut(strconv.FormatFloat(f, 'f', -1, bits), ".")
	u, ok := new(big.Int).SetString(whole+frac, 10)
	if !ok {
		return quantity.Decimal{}, fmt.Errorf("meter sent %v: %w", f, meter.ErrImplausible)
	}
	return fromBig(u, len(frac))
}

func fromBig(u *big.Int, scale int) (quantity.Decimal, error) {
	ten, rest := big.NewInt(10), new(big.Int)
	for scale > 18 { // only zeros may be cut off
		q := new(big.Int)
		if q.QuoRem(u, ten, rest); rest.Sign() != 0 {
			break
		}
		u, scale = q, scale-1
	}
	if scale > 18 || !u.IsInt64() {
		return quantity.Decimal{}, fmt.Errorf("%se-%d has too many digits: %w", u, scale, meter.ErrImplausible)
	}
	return quantity.Decimal{Unscaled: u.Int64(), Scale: uint8(scale)}, nil
}
