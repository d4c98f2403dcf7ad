package profile

import (
	"errors"
	"fmt"
)

// Errors of decoding and encoding a field, to be tested with errors.Is.
var (
	// ErrEncoding: the bytes on the card are none that the field's encoding can hold (a BCD nibble above 9).
	ErrEncoding = errors.New("bytes do not fit the encoding")
	// ErrRange: a value does not fit the field.
	ErrRange = errors.New("value does not fit the field")
)

// Encoding names how a value lies in the bytes of a field.
type Encoding string

// Encodings.
const (
	U8        Encoding = "u8"
	U16BE     Encoding = "u16be"
	U16LE     Encoding = "u16le"
	U24BE     Encoding = "u24be"
	U24LE     Encoding = "u24le"
	U32BE     Encoding = "u32be"
	U32LE     Encoding = "u32le"
	S32BE     Encoding = "s32be" // two's complement
	S32LE     Encoding = "s32le"
	BCD       Encoding = "bcd" // two decimal digits a byte, most significant first; all bytes FF: not set
	BCDLE     Encoding = "bcd_le"
	Base100BE Encoding = "base100be" // 0–99 as a binary byte, most significant first
	Base100LE Encoding = "base100le"
	BCDTime   Encoding = "bcd_time" // BCD YYMMDD, YYMMDDhh, YYMMDDhhmm or YYMMDDhhmmss of 2000–2099
	FlagBits  Encoding = "flags"    // a word for each bit, bit 0 first, big-endian
	Raw       Encoding = "bytes"
)

// maxDecimalBytes keeps decimal encodings within an int64: 18 digits.
const maxDecimalBytes = 9

// codec is one encoding of integers.
type codec struct {
	size   int // bytes; 0 for any up to maxDecimalBytes
	signed bool
	little bool
	base   int64 // what one byte counts to
	bcd    bool
}

func codecOf(e Encoding) (codec, bool) {
	switch e {
	case U8:
		return codec{size: 1, base: 256}, true
	case U16BE, U16LE:
		return codec{size: 2, base: 256, little: e == U16LE}, true
	case U24BE, U24LE:
		return codec{size: 3, base: 256, little: e == U24LE}, true
	case U32BE, U32LE:
		return codec{size: 4, base: 256, little: e == U32LE}, true
	case S32BE, S32LE:
		return codec{size: 4, base: 256, signed: true, little: e == S32LE}, true
	case BCD, BCDLE:
		return codec{base: 100, bcd: true, little: e == BCDLE}, true
	case Base100BE, Base100LE:
		return codec{base: 100, little: e == Base100LE}, true
	}
	return codec{}, false
}

// Int reads the integer that b holds. b must have a length that the encoding allows; times, flags and raw bytes are no
// integers.
func (e Encoding) Int(b []byte) (int64, error) {
	c, ok := codecOf(e)
	if !ok || !e.fits(len(b)) {
		return 0, fmt.Errorf("%d bytes as %s: %w", len(b), e, ErrEncoding)
	}
	var v int64
	for i := range b {
		d, err := c.digit(b[c.index(i, len(b))])
		if err != nil {
			return 0, fmt.Errorf("%x as %s: %w", b, e, err)
		}
		v = v*c.base + d
	}
	if c.signed && v >= 1<<31 {
		v -= 1 << 32
	}
	return v, nil
}

// PutInt stores v in all of b, or ErrRange and b unchanged.
func (e Encoding) PutInt(b []byte, v int64) error {
	c, ok := codecOf(e)
	if !ok || !e.fits(len(b)) {
		return fmt.Errorf("%d bytes as %s: %w", len(b), e, ErrEncoding)
	}
	lo, hi := e.Bounds(len(b))
	if v < lo || v > hi {
		return fmt.Errorf("%d as %s of %d bytes (%d…%d): %w", v, e, len(b), lo, hi, ErrRange)
	}
	if v < 0 {
		v += 1 << 32
	}
	for i := len(b) - 1; i >= 0; i-- {
		b[c.index(i, len(b))] = c.byteOf(v % c.base)
		v /= c.base
	}
	return nil
}

// Bounds gives the smallest and greatest integer that n bytes hold.
func (e Encoding) Bounds(n int) (lo, hi int64) {
	c, ok := codecOf(e)
	if !ok || !e.fits(n) {
		return 0, 0
	}
	if c.signed {
		return -1 << 31, 1<<31 - 1
	}
	hi = 1
	for range n {
		hi *= c.base
	}
	return 0, hi - 1
}

// known reports whether the format has the encoding.
func (e Encoding) known() bool {
	_, ok := codecOf(e)
	return ok || e == BCDTime || e == FlagBits || e == Raw
}

// fits reports whether a field of n bytes can have the encoding.
func (e Encoding) fits(n int) bool {
	switch e {
	case BCDTime:
		return n == 3 || n == 4 || n == 5 || n == 6
	case FlagBits:
		return n == 1 || n == 2
	case Raw:
		return n > 0
	}
	c, ok := codecOf(e)
	if c.size == 0 {
		return ok && n > 0 && n <= maxDecimalBytes
	}
	return n == c.size
}

// index maps the i-th digit, most significant first, to its byte.
func (c codec) index(i, n int) int {
	if c.little {
		return n - 1 - i
	}
	return i
}

func (c codec) digit(b byte) (int64, error) {
	switch {
	case c.bcd && (b>>4 > 9 || b&15 > 9):
		return 0, ErrEncoding
	case c.bcd:
		return int64(b>>4)*10 + int64(b&15), nil
	case int64(b) >= c.base:
		return 0, ErrEncoding
	}
	return int64(b), nil
}

func (c codec) byteOf(d int64) byte {
	if c.bcd {
		return byte(d/10<<4 | d%10)
	}
	return byte(d)
}
