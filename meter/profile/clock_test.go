package profile

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"tally/meter"
)

func clockOf(t *testing.T, text string) *ClockMap {
	t.Helper()
	p, err := Parse("m.toml", []byte(head+"[modbus]\nbase = 1\n[modbus.clock]\n"+text+"\n"+register("a", "1", "u16")))
	if err != nil {
		t.Fatal(err)
	}
	return p.Map.Clock
}

func TestClockLayouts(t *testing.T) {
	at := time.Date(2026, 11, 22, 13, 59, 7, 0, time.UTC)
	for _, c := range []struct {
		text  string
		words []uint16
	}{
		// TUF-2000: three registers, six bytes of BCD, SMHDMY, the lower byte first
		{"address = 53\nlayout = \"mm ss DD hh YY MM\"", []uint16{0x5907, 0x2213, 0x2611}},
		{"address = 1\nlayout = \"YYYY MM DD hh mm ss --\"\ncoding = \"binary\"", []uint16{2026, 0x0B16, 0x0D3B, 0x0700}},
		{"address = 1\nlayout = \"CC YY MM DD hh mm ss --\"", []uint16{0x2026, 0x1122, 0x1359, 0x0700}},
		{"address = 1\nlayout = \"YYYY -- MM -- DD -- hh -- mm -- ss\"\ncoding = \"binary\"", []uint16{2026, 11, 22, 13, 59, 7}},
	} {
		m := clockOf(t, c.text)
		if got := m.Put(at); !slices.Equal(got, c.words) || m.Words() != len(c.words) {
			t.Errorf("%s: Put = %X, want %X", c.text, got, c.words)
		}
		if got, err := m.Time(c.words, time.UTC); err != nil || !got.Equal(at) {
			t.Errorf("%s: Time = %s, %v", c.text, got, err)
		}
		if _, err := m.Time(make([]uint16, len(c.words)), time.UTC); !errors.Is(err, meter.ErrImplausible) {
			t.Errorf("%s: all zeros: %v", c.text, err)
		}
	}
	bcd := clockOf(t, "address = 53\nlayout = \"mm ss DD hh YY MM\"")
	if bcd.Address != 52 {
		t.Errorf("wire address %d, want 52", bcd.Address)
	}
	if _, err := bcd.Time([]uint16{0x5A07, 0x2213, 0x2611}, time.UTC); !errors.Is(err, meter.ErrImplausible) {
		t.Errorf("a nibble that is no digit: %v", err)
	}
}

func TestAddressRegister(t *testing.T) {
	for text, want := range map[string][]uint16{
		"address = 20\ntype = \"f32\"":                   {0x42F6, 0},
		"address = 20\ntype = \"f32\"\norder = \"CDAB\"": {0, 0x42F6},
		"address = 20": {123},
	} {
		p, err := Parse("m.toml", []byte(head+"[modbus.address]\n"+text+"\n"+register("a", "1", "u16")))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Map.Own.Put(123); !slices.Equal(got, want) {
			t.Errorf("%s: %X, want %X", text, got, want)
		}
	}
	for n := range 256 {
		if got := math.Float32frombits(smallFloat(byte(n))); got != float32(n) {
			t.Errorf("%d became %v", n, got)
		}
	}
}

func TestClockAndAddressRefuse(t *testing.T) {
	for text, want := range map[string]string{
		"[modbus.clock]\nlayout = \"YY MM DD hh mm ss\"":                                             "clock.address is missing",
		"[modbus.clock]\naddress = 1\nlayout = \"YY MM DD hh\"":                                      "are needed",
		"[modbus.clock]\naddress = 1\nlayout = \"YY MM DD hh mm\"":                                   "two bytes to a register",
		"[modbus.clock]\naddress = 1\nlayout = \"YY MM DD hh mm mm\"":                                "stands twice",
		"[modbus.clock]\naddress = 1\nlayout = \"YY MM DD hh mm SS\"":                                "\"SS\" is none",
		"[modbus.clock]\naddress = 1\nlayout = \"YY MM DD hh mm ss\"\ncoding = \"hex\"":              "coding \"hex\"",
		"[modbus.clock]\naddress = 65535\nlayout = \"YY MM DD hh mm ss\"":                            "outside the table",
		"[modbus.clock]\naddress = 1\nfunction = 4\nwritable = true\nlayout = \"YY MM DD hh mm ss\"": "function 4",
		"[modbus.address]\ntype = \"u16\"":                                                           "address.address is missing",
		"[modbus.address]\naddress = 1\ntype = \"u32\"":                                              "type \"u32\"",
		"[modbus.address]\naddress = 1\norder = \"DABC\"":                                            "order \"DABC\"",
		"[modbus.address]\naddress = 65536":                                                          "outside the table",
	} {
		if _, err := Parse("m.toml", []byte(head+text+"\n"+register("a", "1", "u16"))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// FuzzClock: registers that hold anything give a time that writes the same registers, or an error.
func FuzzClock(f *testing.F) {
	f.Add(uint16(0x5907), uint16(0x2213), uint16(0x2611), true)
	f.Add(uint16(0), uint16(0), uint16(0), false)
	f.Add(uint16(0xFFFF), uint16(0xFFFF), uint16(0xFFFF), true)
	f.Fuzz(func(t *testing.T, a, b, c uint16, bcd bool) {
		m := ClockMap{Fields: strings.Fields("mm ss DD hh YY MM"), BCD: bcd}
		words := []uint16{a, b, c}
		at, err := m.Time(words, time.UTC)
		if err != nil {
			if !errors.Is(err, meter.ErrImplausible) {
				t.Errorf("error %v", err)
			}
			return
		}
		if got := m.Put(at); !slices.Equal(got, words) {
			t.Errorf("% X became %s and % X", words, at, got)
		}
	})
}
