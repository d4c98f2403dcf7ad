package dlt645

import (
	"bytes"
	"encoding/hex"
	"errors"
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
		if v.Text != "" {
			s = v.Text
		} else if !v.At.IsZero() {
			s = v.At.Format("2006-01-02T15:04:05")
		}
		parts = append(parts, v.Name+"="+s)
	}
	return strings.Join(parts, ", ")
}

// bare is a frame without its preamble.
func bare(b []byte) []byte {
	for len(b) > 0 && b[0] == preamble {
		b = b[1:]
	}
	return b
}

const answer07 = "68 29 25 07 07 21 20 68 91 08 33 33 33 33 A9 4A 36 33 2E 16"

// Frames as technicians publish them.
var vectors = []struct {
	name, frame, address, item, values string
	edition                            Edition
}{
	{"1997, ask for 9010", "68 54 07 13 00 80 13 68 01 02 43 C3 DA 16", "138000130754", "9010", "", Edition1997},
	{"1997, 9010", "68 54 07 13 00 80 13 68 81 06 43 C3 34 33 33 33 2B 16", "138000130754", "9010", "energy=0.01kWh", Edition1997},
	{"2007, ask for 00000000", "68 29 25 07 07 21 20 68 11 04 33 33 33 33 4E 16", "202107072529", "00000000", "", Edition2007},
	{"2007, 00000000", answer07, "202107072529", "00000000", "energy=317.76kWh", Edition2007},
	{"with preamble", "FE FE FE FE " + answer07, "202107072529", "00000000", "energy=317.76kWh", Edition2007},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			b := unhex(t, v.frame)
			f, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			d, err := f.Decode()
			if err != nil || f.Address.String() != v.address || d.Item.String() != v.item || printed(d.Values) != v.values || f.Edition() != v.edition {
				t.Errorf("got %s %s %q of %d, %v", f.Address, d.Item, printed(d.Values), f.Edition(), err)
			}
			if got := f.Append(nil); !bytes.Equal(got, bare(b)) {
				t.Errorf("encoded again: % X", got)
			}
		})
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
		want, got         string
		class             error
	}{
		{"checksum", strings.Replace(answer07, "2E 16", "2F 16", 1), telegram.Checksum, 18, "2E", "2F", meter.ErrChecksum},
		{"stop", strings.Replace(answer07, "2E 16", "2E 17", 1), telegram.Stop, 19, "16", "17", meter.ErrChecksum},
		{"start", "69" + answer07[2:], telegram.Start, 0, "68", "69", meter.ErrMalformed},
		{"a CJ/T 188 frame", "68 10 44 33 22 11 00 33 78 81 16", telegram.Start, 7, "68", "33", meter.ErrMalformed},
		{"control", strings.Replace(answer07, "68 91", "68 9D", 1), telegram.Control, 8, "", "9D", meter.ErrMalformed},
		{"refusal that nobody asked for", strings.Replace(answer07, "68 91", "68 51", 1), telegram.Control, 8, "", "51", meter.ErrMalformed},
		{"length FF", strings.Replace(answer07, "91 08", "91 FF", 1), telegram.Length, 9, "00–C8", "FF", meter.ErrMalformed},
		{"length too long", strings.Replace(answer07, "91 08", "91 09", 1), telegram.Truncated, 20, "21 bytes", "20 bytes", meter.ErrChecksum},
		{"glued", answer07 + answer07, telegram.Trailing, 20, "", "68 29 25 07 07 21 20 68", meter.ErrMalformed},
		{"nothing", "FE", telegram.Truncated, 1, "12 bytes", "0 bytes", meter.ErrChecksum},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(unhex(t, c.frame))
			if p := problem(t, err); p.Code != c.code || p.Offset != c.offset || p.Want != c.want || p.Got != c.got || !errors.Is(err, c.class) {
				t.Errorf("problem = %+v, want %s at %d, want %s, got %s", p, c.code, c.offset, c.want, c.got)
			}
		})
	}
	b := unhex(t, answer07)
	for n := range b {
		if _, err := Parse(b[:n]); err == nil || problem(t, err).Code != telegram.Truncated {
			t.Errorf("truncated at %d: %v", n, err)
		}
	}
}

// reply makes an answer; the data is identifier (as the standard writes it) and value, low byte first.
func reply(t *testing.T, control byte, item, value string) Frame {
	di := unhex(t, item)
	for i, j := 0, len(di)-1; i < j; i, j = i+1, j-1 {
		di[i], di[j] = di[j], di[i]
	}
	return Frame{Control: control, Data: append(di, unhex(t, value)...)}
}

func TestContent(t *testing.T) {
	for _, c := range []struct {
		name    string
		f       Frame
		values  string
		problem string
	}{
		{"forward", reply(t, 0x91, "00010000", "78563412"), "energy_import=123456.78kWh", ""},
		{"combined below zero", reply(t, 0x91, "00000000", "01000080"), "energy=-0.01kWh", ""},
		{"tariff 2 of the last settlement", reply(t, 0x91, "00010201", "01000000"), "energy_import=0.01kWh", ""},
		{"voltage", reply(t, 0x91, "02010100", "3022"), "voltage_a=223.0V", ""},
		{"current backwards", reply(t, 0x91, "02020200", "345082"), "current_b=-25.034A", ""},
		{"power", reply(t, 0x91, "02030000", "563412"), "power=12.3456kW", ""},
		{"power factor", reply(t, 0x91, "02060000", "0010"), "power_factor=1.000", ""},
		{"frequency", reply(t, 0x91, "02800002", "0150"), "frequency=50.01Hz", ""},
		{"date", reply(t, 0x91, "04000101", "06211126"), "date=2026-11-21", ""},
		{"time", reply(t, 0x91, "04000102", "595923"), "time=23:59:59", ""},
		{"number", reply(t, 0x91, "04000402", "292507072120"), "meter_number=202107072529", ""},
		{"1997 tariff", reply(t, 0x81, "9011", "78563412"), "energy=123456.78kWh", ""},
		{"1997 reverse", reply(t, 0x81, "9020", "78563412"), "energy_export=123456.78kWh", ""},
		{"1997 voltage", reply(t, 0x81, "B611", "2002"), "voltage_a=220V", ""},
		{"1997 power", reply(t, 0x81, "B630", "563412"), "power=12.3456kW", ""},
		{"address", Frame{Control: 0x93, Data: unhex(t, "292507072120")}, "address=202107072529", ""},
		{"ask for the address", Frame{Control: 0x13}, "", ""},
		{"broadcast of the time", Frame{Control: 0x08, Data: unhex(t, "000112211126")}, "clock=2026-11-21T12:01:00", ""},
		{"broadcast of no time", Frame{Control: 0x08, Data: unhex(t, "000112211326")}, "", telegram.Clock},
		{"nibble", reply(t, 0x91, "00010000", "7856341A"), "", telegram.BCD},
		{"month 13", reply(t, 0x91, "04000101", "06211326"), "", telegram.Clock},
		{"hour 24", reply(t, 0x91, "04000102", "000024"), "", telegram.Clock},
		{"too short", reply(t, 0x91, "00010000", "785634"), "", telegram.Length},
		{"too long", reply(t, 0x91, "00010000", "7856341200"), "", telegram.Length},
		{"unknown", reply(t, 0x91, "09990000", "78"), "", telegram.Unknown},
		{"identifier cut", Frame{Control: 0x91, Data: unhex(t, "3333")}, "", telegram.Truncated},
		{"refused", Frame{Control: 0xD1, Data: unhex(t, "02")}, "", telegram.Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := c.f.Decode()
			code := ""
			if err != nil {
				code = problem(t, err).Code
			}
			if printed(d.Values) != c.values || code != c.problem {
				t.Errorf("got %q, %v, want %q, %q", printed(d.Values), err, c.values, c.problem)
			}
		})
	}
	d, _ := reply(t, 0x91, "00010201", "01000000").Decode()
	if v := d.Values[0]; v.Tariff != 2 || v.Storage != 1 {
		t.Errorf("tariff %d, storage %d, want 2, 1", v.Tariff, v.Storage)
	}
	_, err := Frame{Control: 0xD1, Data: []byte{2}}.Decode()
	if !errors.Is(err, meter.ErrException) || !strings.Contains(err.Error(), "no such data") {
		t.Errorf("refusal = %v", err)
	}
}

func TestAddress(t *testing.T) {
	a, err := ParseAddress("202107072529")
	if err != nil || a != (Address{0x29, 0x25, 0x07, 0x07, 0x21, 0x20}) || a.String() != "202107072529" {
		t.Errorf("address = %v, %v", a, err)
	}
	for _, bad := range []string{"", "1234567890123", "12F4"} {
		if _, err := ParseAddress(bad); err == nil {
			t.Errorf("address %q accepted", bad)
		}
	}
}

// FuzzParse: what is accepted is canonical, and decoding never panics.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.frame))
	}
	f.Add(unhex(f, "68 AA AA AA AA AA AA 68 13 00 DF 16"))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Parse(b)
		if err != nil {
			if p := problem(t, err); p.Offset > len(b) || meter.Code(err) == "error" {
				t.Errorf("% X: problem %+v", b, p)
			}
			return
		}
		if got := frame.Append(nil); !bytes.Equal(got, bare(b)) {
			t.Errorf("% X encoded again: % X", b, got)
		}
		if d, err := frame.Decode(); err != nil && (len(d.Values) > 0 || meter.Code(err) == "error") {
			t.Errorf("% X: %v along with %s", b, err, printed(d.Values))
		}
	})
}
