package profile

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tally/meter"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Register
		raw  string
		want string
	}{
		{"u16", Register{Kind: U16}, "FFFF", "65535"},
		{"i16", Register{Kind: I16}, "FFFF", "-1"},
		{"i16 with a decimal", Register{Kind: I16, Scale: 1}, "FF47", "-18.5"},
		{"u32 ABCD", Register{Kind: U32, Order: ABCD}, "0012D687", "1234567"},
		{"u32 CDAB", Register{Kind: U32, Order: CDAB}, "D6870012", "1234567"},
		{"u32 BADC", Register{Kind: U32, Order: BADC}, "120087D6", "1234567"},
		{"u32 DCBA", Register{Kind: U32, Order: DCBA}, "87D61200", "1234567"},
		{"i32", Register{Kind: I32}, "FFFFFFFE", "-2"},
		{"u32 in steps of ten", Register{Kind: U32, Multiply: 10, Scale: 2}, "00000005", "0.50"},
		{"u64 ABCD", Register{Kind: U64, Order: ABCD}, "0000 0001 0000 0002", "4294967298"},
		{"u64 CDAB", Register{Kind: U64, Order: CDAB}, "0002 0000 0001 0000", "4294967298"},
		{"u64 BADC", Register{Kind: U64, Order: BADC}, "0000 0100 0000 0200", "4294967298"},
		{"u64 DCBA", Register{Kind: U64, Order: DCBA}, "0200 0000 0100 0000", "4294967298"},
		{"i64", Register{Kind: I64}, "FFFFFFFFFFFFFFFF", "-1"},
		{"f32", Register{Kind: F32}, "42F6E979", "123.456"},
		{"f32 CDAB", Register{Kind: F32, Order: CDAB}, "E97942F6", "123.456"},
		{"f32 of an integer above 2^24", Register{Kind: F32}, "4B800001", "16777218"},
		{"f32 small", Register{Kind: F32}, "358637BD", "0.000001"},
		{"f32 zero below zero", Register{Kind: F32}, "80000000", "0"},
		{"f64", Register{Kind: F64}, "405EDD2F1A9FBE77", "123.456"},
		{"f64 DCBA", Register{Kind: F64, Order: DCBA}, "77BE9F1A2FDD5E40", "123.456"},
		{"bcd16", Register{Kind: BCD16}, "9876", "9876"},
		{"bcd32", Register{Kind: BCD32, Scale: 2}, "12345678", "123456.78"},
		{"bcd32 low word first", Register{Kind: BCD32, Order: CDAB}, "56781234", "12345678"},
		{"bcd48", Register{Kind: BCD48}, "000123456789", "123456789"},
		{"bcd64", Register{Kind: BCD64}, "9999999999999999", "9999999999999999"},
		{"hundreds and ones", Register{Kind: HiLo}, "04D20038", "123456"},
		{"integer and fraction", Register{Kind: IntInt, Decimals: 3}, "00000438 00000007", "1080.007"},
		{"integer and short fraction", Register{Kind: IntU16, Decimals: 2}, "00000438 0063", "1080.99"},
		{"integer and float fraction", Register{Kind: IntF32, Order: CDAB}, "0438 0000 0000 3F40", "1080.75"},
		{"below zero with its fraction", Register{Kind: IntF32}, "FFFFFFFF BF000000", "-1.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := unhex(t, c.raw)
			c.r.Words = len(raw) / 2
			got, err := c.r.Decode(raw)
			if err != nil || got.String() != c.want {
				t.Errorf("Decode(% X) = %s, %v, want %s", raw, got, err, c.want)
			}
		})
	}
}

func TestTrapValuesThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Register
		raw  string
		want error
	}{
		{"f32 NaN", Register{Kind: F32}, "7FC00000", meter.ErrImplausible},
		{"f32 signalling NaN", Register{Kind: F32}, "7F800001", meter.ErrImplausible},
		{"f32 infinity", Register{Kind: F32}, "7F800000", meter.ErrImplausible},
		{"f32 minus infinity", Register{Kind: F32}, "FF800000", meter.ErrImplausible},
		{"f64 NaN", Register{Kind: F64}, "7FF8000000000000", meter.ErrImplausible},
		{"f64 infinity", Register{Kind: F64}, "7FF0000000000000", meter.ErrImplausible},
		{"f32 that no decimal of 18 digits holds", Register{Kind: F32}, "00000001", meter.ErrImplausible},
		{"f32 far too large", Register{Kind: F32}, "7F7FFFFF", meter.ErrImplausible},
		{"u64 beyond an integer", Register{Kind: U64}, "8000000000000000", meter.ErrImplausible},
		{"bcd nibble A", Register{Kind: BCD16}, "12A4", meter.ErrImplausible},
		{"bcd all F", Register{Kind: BCD32}, "FFFFFFFF", meter.ErrImplausible},
		{"hundred ones", Register{Kind: HiLo}, "00010064", meter.ErrImplausible},
		{"fraction with too many digits", Register{Kind: IntInt, Decimals: 3}, "00000001 000003E8", meter.ErrImplausible},
		{"float fraction of one", Register{Kind: IntF32}, "00000001 3F800000", meter.ErrImplausible},
		{"float fraction that is none", Register{Kind: IntF32}, "00000001 7FC00000", meter.ErrImplausible},
		{"multiplied beyond an integer", Register{Kind: U32, Multiply: math.MaxInt64}, "00000002", meter.ErrImplausible},
		{"too short", Register{Kind: U32}, "0001", meter.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := unhex(t, c.raw)
			c.r.Words = words[c.r.Kind]
			if got, err := c.r.Decode(raw); !errors.Is(err, c.want) || got.Unscaled != 0 {
				t.Errorf("Decode(% X) = %s, %v, want %v", raw, got, err, c.want)
			}
		})
	}
}

// A float is kept as the decimal whose nearest float it is: nothing of what the meter said is lost.
func TestFloatsAreKeptExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.Uint32().Draw(t, "bits")
		f := math.Float32frombits(bits)
		raw := binary.BigEndian.AppendUint32(nil, bits)
		got, err := Register{Kind: F32, Words: 2}.Decode(raw)
		if err != nil {
			if a := math.Abs(float64(f)); a > 1e-9 && a < 1e18 {
				t.Fatalf("%v refused: %v", f, err)
			}
			return
		}
		if back := parse32(t, got.String()); back != f {
			t.Fatalf("%v became %s, which is %v", f, got, back)
		}
	})
}

func FuzzDecode(f *testing.F) {
	kinds := []Kind{U16, I16, U32, I32, U64, I64, F32, F64, BCD16, BCD32, BCD48, BCD64, HiLo, IntInt, IntU16, IntF32}
	orders := []Order{ABCD, CDAB, BADC, DCBA}
	f.Add(byte(0), byte(0), byte(0), []byte{1, 2})
	f.Add(byte(6), byte(1), byte(3), []byte{0xE9, 0x79, 0x42, 0xF6})
	f.Add(byte(7), byte(2), byte(18), []byte{0x7F, 0xF0, 0, 0, 0, 0, 0, 1})
	f.Add(byte(15), byte(3), byte(2), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, k, o, scale byte, raw []byte) {
		kind := kinds[int(k)%len(kinds)]
		r := Register{Kind: kind, Words: words[kind], Order: orders[o%4], Scale: scale % 19, Decimals: 3}
		d, err := r.Decode(raw)
		switch {
		case err != nil && !errors.Is(err, meter.ErrImplausible) && !errors.Is(err, meter.ErrMalformed):
			t.Errorf("error %v is of no class", err)
		case err == nil && d.Scale > 18:
			t.Errorf("scale %d", d.Scale)
		case err == nil && len(raw) != 2*r.Words:
			t.Errorf("%d bytes decoded as %s", len(raw), kind)
		}
	})
}
