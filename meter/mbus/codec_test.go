package mbus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tally/meter"
	"tally/meter/telegram"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func printed(values []telegram.Value) string {
	var parts []string
	for _, v := range values {
		s := v.Number.String() + string(v.Unit)
		switch {
		case !v.At.IsZero():
			s = v.At.Format("2006-01-02T15:04:05")
		case v.Text != "":
			s = v.Text
		}
		s = v.Name + "=" + s
		if v.Storage+v.Tariff+v.Subunit > 0 {
			s += fmt.Sprintf("[%d %d %d]", v.Storage, v.Tariff, v.Subunit)
		}
		if v.Function != telegram.Instantaneous {
			s += " " + string(v.Function)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

const (
	variable = "68 1F 1F 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 DA 02 3B 13 01 8B 60 04 37 18 02 18 16"
	fixed    = "68 13 13 68 08 05 73 78 56 34 12 0A 00 E9 7E 01 00 00 00 35 01 00 00 3C 16"
)

// Examples of the M-Bus user group's documentation (version 4.8, chapters 5 and 6).
var vectors = []struct {
	name, frame string
	kind        Kind
	values      string
}{
	{"acknowledge", "E5", Ack, ""},
	{"reset the link of meter 1", "10 40 01 41 16", Short, ""},
	{"ask meter 1", "10 5B 01 5C 16", Short, ""},
	{"set primary address 8", "68 06 06 68 53 FE 51 01 7A 08 25 16", Long, ""},
	{"application reset", "68 03 03 68 53 FE 50 A1 16", Control, ""},
	{"variable structure", variable, Long, "volume=12.565m3, flow=0.113m3/h[5 0 0] maximum, energy=218370Wh[0 2 1]"},
	{"fixed structure", fixed, Long, "volume=1L, volume=135L[1 0 0]"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			b := unhex(t, v.frame)
			f, err := Parse(b)
			if err != nil || f.Kind != v.kind {
				t.Fatalf("kind = %s, %v", f.Kind, err)
			}
			d, err := f.Decode()
			if err != nil || len(d.Problems) > 0 || printed(d.Values) != v.values {
				t.Errorf("values = %s, %v, %v\nwant %s", printed(d.Values), d.Problems, err, v.values)
			}
			if got := f.Append(nil); !bytes.Equal(got, b) {
				t.Errorf("encoded again: % X", got)
			}
		})
	}
	f, _ := Parse(unhex(t, variable))
	if d, _ := f.Decode(); d.ID != 12345678 || d.Manufacturer != "PAD" || d.Version != 1 || MediumName(d.Medium) != "water" || d.Access != 0x55 {
		t.Errorf("identity = %+v", d)
	}
}

func problem(t *testing.T, err error) telegram.Problem {
	t.Helper()
	var p *telegram.Problem
	if !errors.As(err, &p) {
		t.Fatalf("error %v names no byte", err)
	}
	return *p
}

func TestRefusedFrames(t *testing.T) {
	for _, c := range []struct {
		name, frame, code string
		offset            int
		class             error
	}{
		{"checksum", strings.Replace(variable, "18 16", "19 16", 1), telegram.Checksum, 35, meter.ErrChecksum},
		{"short checksum", "10 5B 01 5D 16", telegram.Checksum, 3, meter.ErrChecksum},
		{"stop", "10 5B 01 5C 17", telegram.Stop, 4, meter.ErrChecksum},
		{"lengths differ", "68 1F 1E 68", telegram.Length, 2, meter.ErrMalformed},
		{"length 2", "68 02 02 68 08 02 0A 16", telegram.Length, 1, meter.ErrMalformed},
		{"second start", "68 1F 1F 69", telegram.Start, 3, meter.ErrMalformed},
		{"no start", "00", telegram.Start, 0, meter.ErrMalformed},
		{"glued", "E5 E5", telegram.Trailing, 1, meter.ErrMalformed},
		{"nothing", "", telegram.Truncated, 0, meter.ErrChecksum},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(unhex(t, c.frame))
			if p := problem(t, err); p.Code != c.code || p.Offset != c.offset || !errors.Is(err, c.class) {
				t.Errorf("problem = %+v, want %s at %d", p, c.code, c.offset)
			}
		})
	}
	for _, frame := range []string{variable, fixed, "10 5B 01 5C 16"} {
		b := unhex(t, frame)
		for n := range b {
			if _, err := Parse(b[:n]); err == nil || problem(t, err).Code != telegram.Truncated {
				t.Errorf("truncated at %d: %v", n, err)
			}
		}
	}
}

// response makes a meter's telegram of records.
func response(t testing.TB, records string) Frame {
	header := unhex(t, "78 56 34 12 24 40 01 07 55 00 00 00")
	return Frame{Kind: Long, C: rspUd, A: 2, CI: ciVariable, Data: append(header, unhex(t, records)...), dataPos: 7}
}

func TestRecords(t *testing.T) {
	for _, c := range []struct{ name, records, want, problem string }{
		{"integers", "01 13 FF 02 13 FE FF 03 13 FD FF FF 04 13 FC FF FF FF", "volume=-0.001m3, volume=-0.002m3, volume=-0.003m3, volume=-0.004m3", ""},
		{"48 and 64 bits", "06 13 01 00 00 00 00 80 07 13 01 00 00 00 00 00 00 00", "volume=-140737488355.327m3, volume=0.001m3", ""},
		{"all BCD", "09 13 12 0A 13 34 12 0B 13 56 34 12 0C 13 78 56 34 12 0E 13 12 90 78 56 34 12",
			"volume=0.012m3, volume=1.234m3, volume=123.456m3, volume=12345.678m3, volume=123456789.012m3", ""},
		{"BCD below zero", "0A 5A 34 F2", "temperature_supply=-23.4Cel", ""},
		{"float", "05 5B 22 F3 26 42", "temperature_supply=41.737434Cel", ""},
		{"no data", "00 13", "volume=no data", ""},
		{"energies", "04 06 01 00 00 00 04 0E 01 00 00 00 04 FB 01 01 00 00 00", "energy=1000Wh, energy=1000000J, energy=1MWh", ""},
		{"flows", "02 3E 01 00 02 46 01 00 02 4E 01 00", "flow=1m3/h, flow=0.1m3/min, flow=0.001m3/s", ""},
		{"hours and days", "02 26 01 00 02 23 01 00", "operating_time=1h, on_time=1d", ""},
		{"volt and ampere", "02 FD 48 E6 00 02 FD 59 01 00", "voltage=23.0V, current=0.001A", ""},
		{"frequency, humidity", "02 FB 2E 84 13 01 FB 1B 40", "frequency=499.6Hz, humidity=64%", ""},
		{"date and time", "02 6C 3F 2C 04 6D 3B 2A 35 2C", "date=2017-12-31T00:00:00, clock=2017-12-21T10:59:00", ""},
		{"time with seconds", "06 6D 1E 3B 2A 35 2C 00", "clock=2017-12-21T10:59:30", ""},
		{"year of the last century", "02 6C 6C C1", "date=1999-01-12T00:00:00", ""},
		{"all functions", "02 13 01 00 12 13 02 00 22 13 03 00 32 13 00 00",
			"volume=0.001m3, volume=0.002m3 maximum, volume=0.003m3 minimum, volume=0.000m3 error", ""},
		{"storage, tariff, subunit", "C4 B1 42 13 01 00 00 00", "volume=0.001m3[67 3 2]", ""},
		{"text", "0D FD 0F 03 33 2E 31", "software_version=1.3", ""},
		{"text with control characters", "0D FD 0F 03 0A 2E 31", "software_version=1.?", ""},
		{"variable BCD", "0D 13 C2 34 12 0D 13 D2 34 12", "volume=1.234m3, volume=-1.234m3", ""},
		{"variable binary", "0D FD 17 E2 34 12", "error_flags=12 34", ""},
		{"unit in words", "02 7C 03 6C 61 50 07 00", "plain_text=7Pal", ""},
		{"corrections", "02 93 74 01 00 02 93 7D 01 00 02 93 3B 01 00", "volume=0.00001m3, volume=1m3, volume_forward=0.001m3", ""},
		{"date of a maximum", "02 BB 6B 3F 2C", "flow_date_first_end=2017-12-31T00:00:00", ""},
		{"error of a record", "32 93 17 00 00", "volume=underflow error", ""},
		{"maker's VIF", "02 FF 13 07 00", "manufacturer_specific_13=7", ""},
		{"filler and maker's data", "2F 2F 02 13 01 00 0F DE AD", "volume=0.001m3", ""},

		{"nibble A is no zero", "0C 13 78 5A 34 12 02 13 01 00", "volume=0.001m3", telegram.BCD},
		{"F is a sign only in front", "0C 13 78 F6 34 12 02 13 01 00", "volume=0.001m3", telegram.BCD},
		{"NaN", "05 5B 00 00 C0 7F 02 13 01 00", "volume=0.001m3", telegram.Content},
		{"time that the meter calls invalid", "04 6D BB 2A 35 2C 02 13 01 00", "volume=0.001m3", telegram.Clock},
		{"month 13", "02 6C 3F 2D 02 13 01 00", "volume=0.001m3", telegram.Clock},
		{"31 February", "02 6C 1F 22 02 13 01 00", "volume=0.001m3", telegram.Clock},
		{"unknown VIF is passed over", "02 6F 01 00 02 13 01 00", "volume=0.001m3", telegram.Unknown},
		{"unknown extension is passed over", "02 FD 7F 01 00 02 13 01 00", "volume=0.001m3", telegram.Unknown},
		{"unknown VIFE is passed over", "02 93 BD 7C 01 00 02 13 01 00", "volume=0.001m3", telegram.Unknown},
		{"selection for readout in an answer", "08 13", "", telegram.Unknown},
		{"record cut", "02 13 01 00 04 13 01 00", "volume=0.001m3", telegram.Truncated},
		{"header cut", "02 13 01 00 84", "volume=0.001m3", telegram.Truncated},
		{"VIF cut", "02 13 01 00 02", "volume=0.001m3", telegram.Truncated},
		{"text cut", "02 13 01 00 0D FD 0F 09 33", "volume=0.001m3", telegram.Truncated},
		{"reserved length", "02 13 01 00 0D 13 FB", "volume=0.001m3", telegram.Unknown},
		{"eleven DIFE", "02 13 01 00 84" + strings.Repeat("80", 11) + "00 13 01 00 00 00", "volume=0.001m3", telegram.Content},
		{"eleven VIFE", "02 13 01 00 04 93" + strings.Repeat("BB", 11) + "3B 01 00 00 00", "volume=0.001m3", telegram.Content},
		{"beyond an integer", "07 17 FF FF FF FF FF FF FF 7F 02 13 01 00", "volume=0.001m3", telegram.Content},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := response(t, c.records).Decode()
			if got := printed(d.Values); got != c.want {
				t.Errorf("values = %s\nwant     %s (%v)", got, c.want, d.Problems)
			}
			code := ""
			if len(d.Problems) > 0 {
				code = d.Problems[0].Code
			}
			if code != c.problem || (c.want == "") != (err != nil) {
				t.Errorf("problems %v, error %v, want %q", d.Problems, err, c.problem)
			}
		})
	}
}

func TestMoreTelegrams(t *testing.T) {
	d, err := response(t, "02 13 01 00 1F DE AD").Decode()
	if err != nil || !d.More || !bytes.Equal(d.Maker, []byte{0xDE, 0xAD}) {
		t.Errorf("data = %+v, %v", d, err)
	}
}

func TestRefusedTelegrams(t *testing.T) {
	busy := Frame{Kind: Long, C: rspUd, CI: ciError, Data: []byte{8}}
	if _, err := busy.Decode(); !errors.Is(err, meter.ErrBusy) {
		t.Errorf("busy: %v", err)
	}
	none := Frame{Kind: Control, C: rspUd, CI: ciError}
	if _, err := none.Decode(); !errors.Is(err, meter.ErrException) {
		t.Errorf("unspecified: %v", err)
	}
	for name, f := range map[string]Frame{
		"unknown CI": {Kind: Long, C: rspUd, CI: 0x7F, Data: make([]byte, 20)},
		"header cut": {Kind: Long, C: rspUd, CI: ciVariable, Data: make([]byte, 11)},
		"encrypted":  {Kind: Long, C: rspUd, CI: ciVariable, Data: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}},
		"fixed cut":  {Kind: Long, C: rspUd, CI: ciFixed, Data: make([]byte, 15)},
		"fixed BCD":  {Kind: Long, C: rspUd, CI: ciFixed, Data: []byte{0, 0, 0, 0, 0, 0, 0x29, 0x3F, 0xAA, 0, 0, 0, 0, 0, 0, 0}},
		"fixed unit": {Kind: Long, C: rspUd, CI: ciFixed, Data: []byte{0, 0, 0, 0, 0, 0, 0x3A, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		if d, err := f.Decode(); err == nil || len(d.Values) > 0 || meter.Code(err) == "error" {
			t.Errorf("%s: %v, %v", name, printed(d.Values), err)
		}
	}
}

func TestManufacturer(t *testing.T) {
	for _, letters := range []string{"PAD", "AAA", "ZZZ", "KAM"} {
		code, err := ManufacturerCode(letters)
		if err != nil || manufacturer(code) != letters {
			t.Errorf("%s is %04X, which is %s, %v", letters, code, manufacturer(code), err)
		}
	}
	if code, _ := ManufacturerCode("PAD"); code != 0x4024 {
		t.Errorf("PAD = %04X, want 4024", code)
	}
	for _, bad := range []string{"", "PADS", "pad", "P1D"} {
		if _, err := ManufacturerCode(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
	if MediumName(0x77) != "medium 77" {
		t.Error("unknown medium has a name")
	}
}

// Every VIF of every table reads as something, and codes are in one run only.
func TestTablesHaveNoOverlap(t *testing.T) {
	for name, table := range map[string][]span{"primary": primary, "FD": extensionFD, "FB": extensionFB} {
		for code := range byte(0x80) {
			hits := 0
			for _, s := range table {
				if code&^s.mask == s.first {
					hits++
				}
			}
			if hits > 1 {
				t.Errorf("%s %02X is in %d runs", name, code, hits)
			}
		}
		for _, s := range table {
			if s.first&s.mask != 0 || s.units != nil && len(s.units) != int(s.mask)+1 {
				t.Errorf("%s %02X: run does not fit its mask", name, s.first)
			}
		}
	}
}

// FuzzParse: what is accepted is canonical, decoding never panics and errors have a class.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.frame))
	}
	for _, r := range []string{"C4 B1 42 13 01 00 00 00", "0D FD 0F 03 33 2E 31", "02 7C 03 6C 61 50 07 00", "06 6D 1E 3B 2A 35 2C 00", "02 93 BD 7C 01 00"} {
		f.Add(response(f, r).Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Parse(b)
		if err != nil {
			if p := problem(t, err); p.Offset > len(b) || meter.Code(err) == "error" {
				t.Errorf("% X: problem %+v", b, p)
			}
			return
		}
		if got := frame.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("% X encoded again: % X", b, got)
		}
		d, err := frame.Decode()
		if err != nil && meter.Code(err) == "error" {
			t.Errorf("% X: error %v has no class", b, err)
		}
		for _, p := range d.Problems {
			if p.Offset < 0 || p.Offset > len(b) {
				t.Errorf("problem beyond the frame: %+v", p)
			}
		}
		for _, v := range d.Values {
			if v.Number.Scale > 18 {
				t.Errorf("scale of %+v", v)
			}
		}
	})
}
