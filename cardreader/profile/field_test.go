package profile

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBitsShareAByte(t *testing.T) {
	unit := &Field{Name: "unit", At: 1, Len: 1, As: U8, Bit: 0, Bits: 2, Words: map[string]int64{"fen": 2}}
	water := &Field{Name: "water", At: 1, Len: 1, As: U8, Bit: 2, Bits: 1}
	b := []byte{0, 0xF0, 0}
	if err := errors.Join(unit.PutWord(b, "fen"), water.PutInt(b, 1)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, []byte{0, 0xF6, 0}) {
		t.Errorf("% x: want the other bits as they were", b)
	}
	if w, err := unit.Word(b); w != "fen" || err != nil {
		t.Errorf("unit %q, %v", w, err)
	}
	if err := unit.PutInt(b, 4); !errors.Is(err, ErrRange) {
		t.Errorf("4 in 2 bits: %v", err)
	}
	if err := unit.PutWord(b, "yuan"); !errors.Is(err, ErrRange) {
		t.Errorf("word that is none: %v", err)
	}
}

func TestBitsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bit := rapid.IntRange(0, 7).Draw(t, "bit")
		f := &Field{Len: 1, As: U8, Bit: bit, Bits: rapid.IntRange(1, 8-bit).Draw(t, "bits")}
		v := rapid.Int64Range(0, f.bitMask()).Draw(t, "v")
		b := []byte{rapid.Byte().Draw(t, "around")}
		around := b[0] &^ byte(f.bitMask()<<f.Bit)
		if err := f.PutInt(b, v); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Int(b); err != nil || got != v || b[0]&^byte(f.bitMask()<<f.Bit) != around {
			t.Fatalf("%d came back as %d, %v; byte %02x", v, got, err, b[0])
		}
	})
}

func TestScaleNeverRounds(t *testing.T) {
	f := &Field{Name: "price", Len: 2, As: U16BE, Scale: 100}
	b := make([]byte, 2)
	if err := f.PutInt(b, 26500); err != nil || b[0] != 1 || b[1] != 9 {
		t.Errorf("% x, %v", b, err)
	}
	if v, err := f.Int(b); v != 26500 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	if err := f.PutInt(b, 26525); !errors.Is(err, ErrRange) {
		t.Errorf("a price between two steps: %v, want ErrRange", err)
	}
}

func TestText(t *testing.T) {
	b := []byte{0x00, 0x12, 0xFF, 0xFF, 0x26, 0x11, 0x21}
	for _, c := range []struct {
		f    Field
		want string
	}{
		{Field{At: 0, Len: 2, As: BCD}, "0012"}, {Field{At: 0, Len: 2, As: BCDLE}, "1200"}, {Field{At: 2, Len: 2, As: BCD}, ""},
		{Field{At: 0, Len: 2, As: U16BE}, "18"}, {Field{At: 1, Len: 3, As: Raw}, "12ffff"}, {Field{At: 4, Len: 3, As: BCDTime}, "2026-11-21"},
	} {
		if got, err := c.f.Text(b); got != c.want || err != nil {
			t.Errorf("%+v: %q, %v, want %q", c.f, got, err, c.want)
		}
	}
	if _, err := (&Field{At: 1, Len: 2, As: BCD}).Text(b); !errors.Is(err, ErrEncoding) {
		t.Errorf("12FF as digits: %v", err)
	}
}

func TestPutDigits(t *testing.T) {
	f := &Field{Len: 4, As: BCD}
	b := make([]byte, 4)
	for s, want := range map[string][]byte{"00001234": {0, 0, 0x12, 0x34}, "": {255, 255, 255, 255}} {
		if err := f.PutDigits(b, s); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%q: % x, %v", s, b, err)
		}
		if got, err := f.Text(b); got != s || err != nil {
			t.Errorf("%q came back as %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"1234", "000012345", "0000123x", "-0001234", "００００"} {
		if err := f.PutDigits(b, s); !errors.Is(err, ErrRange) {
			t.Errorf("%q: %v, want ErrRange", s, err)
		}
	}
}

func TestFlags(t *testing.T) {
	f := &Field{Len: 2, As: FlagBits, Flags: []string{"magnet", "", "overflow"}}
	for in, want := range map[[2]byte][]string{{0, 0}: {}, {0, 5}: {"magnet", "overflow"}, {0x80, 2}: {"bit_1", "bit_15"}} {
		if got, err := f.Set(in[:]); err != nil || !slices.Equal(got, want) {
			t.Errorf("% x: %v, %v, want %v", in, got, err, want)
		}
	}
}

// A field that does not lie in the bytes it is asked of is an error, not a panic.
func TestFieldOutsideItsBlock(t *testing.T) {
	for _, f := range []*Field{{At: 3, Len: 2, As: U16BE}, {At: -1, Len: 2, As: U16BE}, {At: 0, Len: 0, As: U8}} {
		b := make([]byte, 4)
		_, err := f.Int(b)
		_, text := f.Text(b)
		_, set := f.Set(b)
		_, raw := f.Bytes(b)
		for _, err := range []error{err, text, set, raw, f.PutInt(b, 1), f.PutDigits(b, "00"), f.PutTime(b, time.Time{})} {
			if err == nil {
				t.Errorf("%+v: no error", f)
			}
		}
	}
}
