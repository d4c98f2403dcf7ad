package telegram

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tally/meter"
	"tally/meter/quantity"
)

func TestProblemSaysWhichByteAndWhat(t *testing.T) {
	p := Wrong(Checksum, 34, 0x13, 0x08, "checksum is wrong", meter.ErrChecksum)
	if got, want := p.Error(), "byte 34: checksum is wrong (is 08, should be 13)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(p, meter.ErrChecksum) || p.At(4).Offset != 38 || p.Offset != 34 {
		t.Errorf("problem = %+v", p)
	}
	for _, c := range []struct {
		p    Problem
		want string
	}{
		{Problem{Offset: 1, Text: "odd"}, "byte 1: odd"},
		{Problem{Offset: 1, Text: "odd", Got: "01"}, "byte 1: odd (is 01)"},
		{Problem{Offset: 1, Text: "odd", Want: "02"}, "byte 1: odd (should be 02)"},
	} {
		if got := c.p.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if s := Short(3, 9); !errors.Is(s, meter.ErrChecksum) || s.Offset != 3 {
		t.Errorf("short = %v", s)
	}
}

func TestDigits(t *testing.T) {
	if n, p := Digits([]byte{0x00, 0x77, 0x66, 0x55}); n != 55667700 || p != nil {
		t.Errorf("got %d, %v", n, p)
	}
	if _, p := Digits([]byte{0x00, 0x7A, 0x66}); p == nil || p.Offset != 1 || p.Got != "7A" || !errors.Is(p, meter.ErrImplausible) {
		t.Errorf("problem = %v, want byte 1", p)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 9999_9999_9999).Draw(t, "n")
		b := make([]byte, 6)
		PutDigits(b, n)
		if got, p := Digits(b); p != nil || got != int64(n) {
			t.Fatalf("%d became % X, which reads %d, %v", n, b, got, p)
		}
	})
}

func TestKeptAreCurrentNumbers(t *testing.T) {
	now := Value{Name: "volume", Number: quantity.Decimal{Unscaled: 5}, Function: Instantaneous}
	zero := Value{Name: "flow", Unit: "m3/h", Function: Instantaneous}
	valve := Value{Name: "valve", Number: quantity.Decimal{Unscaled: 1}, Text: "closed", Function: Instantaneous}
	clock := Value{Name: "clock", At: time.Unix(1, 0), Function: Instantaneous}
	good := Value{Name: "battery", Text: "good", Function: Instantaneous}
	text := Value{Name: "version", Text: "1.2", Function: Instantaneous}
	old, night, peak, broken, sub := now, now, now, now, now
	old.Storage, night.Tariff, peak.Function, broken.Function, sub.Subunit = 1, 2, Maximum, Error, 1
	kept := Kept([]Value{now, old, night, peak, broken, sub, clock, text, zero, valve, good})
	if len(kept) != 4 || kept[0].Name != "volume" || kept[1].Name != "flow" || kept[2].Name != "valve" || kept[3].Name != "battery" {
		t.Errorf("kept = %+v", kept)
	}
}
