package regview

import (
	"encoding/binary"
	"math"
	"testing"

	"tally/meter/profile"
)

func TestEveryWayShowsTheValue(t *testing.T) {
	f := math.Float32bits(1234.5)
	for name, tt := range map[string]struct {
		words []uint16
		kind  profile.Kind
		order profile.Order
		want  string
	}{
		"u16":         {[]uint16{0x3039}, profile.U16, profile.ABCD, "12345"},
		"i16":         {[]uint16{0xFFFE}, profile.I16, profile.ABCD, "-2"},
		"bcd16":       {[]uint16{0x1234}, profile.BCD16, profile.ABCD, "1234"},
		"no bcd":      {[]uint16{0x12F4}, profile.BCD16, profile.ABCD, ""},
		"swapped u16": {[]uint16{0x3930}, profile.U16, profile.BADC, "12345"},
		"ABCD":        {[]uint16{0x0001, 0xE240}, profile.U32, profile.ABCD, "123456"},
		"CDAB":        {[]uint16{0xE240, 0x0001}, profile.U32, profile.CDAB, "123456"},
		"BADC":        {[]uint16{0x0100, 0x40E2}, profile.U32, profile.BADC, "123456"},
		"DCBA":        {[]uint16{0x40E2, 0x0100}, profile.U32, profile.DCBA, "123456"},
		"f32":         {[]uint16{uint16(f >> 16), uint16(f)}, profile.F32, profile.ABCD, "1234.5"},
		"f32 CDAB":    {[]uint16{uint16(f), uint16(f >> 16)}, profile.F32, profile.CDAB, "1234.5"},
		"NaN":         {[]uint16{0x7FC0, 0}, profile.F32, profile.ABCD, ""},
		"hi lo":       {[]uint16{123, 45}, profile.HiLo, profile.ABCD, "12345"},
		"u64":         {[]uint16{0, 0, 1, 0xE240}, profile.U64, profile.ABCD, "123456"},
		"bcd64":       {[]uint16{0, 0, 0x12, 0x3456}, profile.BCD64, profile.ABCD, "123456"},
	} {
		got, ok := Of(100, tt.words)[0].Find(tt.kind, tt.order)
		if !ok || got != tt.want {
			t.Errorf("%s: %q, %v, want %q", name, got, ok, tt.want)
		}
		if Words(tt.kind) != len(tt.words) {
			t.Errorf("%s takes %d registers", name, Words(tt.kind))
		}
	}
	if Words("?") != 0 {
		t.Error("an unknown kind has registers")
	}
}

func TestTheEndOfTheRun(t *testing.T) {
	views := Of(0xFFFE, []uint16{0x4142, 7})
	if _, ok := views[1].Find(profile.U32, profile.ABCD); ok || views[1].Address != 0xFFFF || views[0].Text != "AB" || views[1].Text != "" {
		t.Errorf("%+v", views)
	}
	if len(Of(0, nil)) != 0 {
		t.Error("nothing has a view")
	}
}

func FuzzOf(f *testing.F) {
	f.Add(uint16(0), []byte{0x7F, 0xC0, 0, 0, 0xFF, 0xF0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, start uint16, b []byte) {
		words := make([]uint16, len(b)/2)
		for i := range words {
			words[i] = binary.BigEndian.Uint16(b[2*i:])
		}
		if len(Of(start, words)) != len(words) {
			t.Fatal("registers are missing")
		}
	})
}
