package cjt188

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

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

// bare is a frame without its preamble.
func bare(b []byte) []byte {
	for len(b) > 0 && b[0] == preamble {
		b = b[1:]
	}
	return b
}

func printed(values []telegram.Value) string {
	var parts []string
	for _, v := range values {
		s := v.Number.String() + string(v.Unit)
		switch {
		case !v.At.IsZero():
			s = v.At.Format(time.DateTime)
		case v.Text != "":
			s = v.Text
		}
		if v.Storage > 0 {
			s += " storage"
		}
		parts = append(parts, v.Name+"="+s)
	}
	return strings.Join(parts, ", ")
}

// Frames as makers and technicians publish them.
var vectors = []struct{ name, frame, address, values string }{
	{"ask for the address", "68 AA AA AA AA AA AA AA AA 03 03 81 0A 00 49 16", "AAAAAAAAAAAAAA", ""},
	{"ask for 901F", "68 10 18 02 12 20 20 00 00 01 03 90 1F 00 97 16", "00002020120218", ""},
	{"ask a heat meter", "FE FE FE FE 68 20 32 41 31 40 00 00 00 01 03 90 1F 01 20 16", "00000040314132", ""},
	{"open the valve", "68 10 69 05 90 05 15 33 78 04 04 A0 17 01 55 50 16", "78331505900569", "valve_command=open"},
	{"valve is open", "68 10 69 05 90 05 15 33 78 84 05 A0 17 01 00 00 7C 16", "78331505900569", "valve=open, battery=good, status=00 00"},
	{"water, checksum made right", "68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 13 16",
		"78330011223344", "volume=556677.00m3, volume_settlement=556677.00m3, clock=2015-05-11 22:01:31, valve=closed, battery=good, status=21 84"},
	{"heat, unit before value", "68 20 32 41 31 40 00 00 00 81 2E 90 1F 01 08 02 00 00 00 08 02 00 00 00 17 00 00 00 00 35 00 00 00 00 2C 34 10 00 00 " +
		"35 25 00 66 25 00 00 00 00 53 00 12 10 07 15 20 00 00 31 16", "00000040314132",
		"energy_settlement=0.02MWh, energy=0.02MWh, power=0.00kW, flow=0.0000m3/h, volume=10.34m3, temperature_supply=25.35Cel, " +
			"temperature_return=25.66Cel, operating_time=0h, clock=2015-07-10 12:00:53, valve=open, battery=good, status=00 00"},
	{"clock high first, raw litres; checksum made right", "68 10 43 76 32 51 00 00 00 81 16 90 1F 00 47 70 01 00 29 51 48 01 00 29 20 22 05 28 20 58 24 00 00 A9 16",
		"00000051327643", "volume=17047L, volume_settlement=14851L, clock=2022-05-28 20:58:24, valve=open, battery=good, status=00 00"},
	{"gas, open the valve", "68 30 03 00 00 00 00 00 00 04 04 17 A0 01 55 B0 16", "00000000000003", "valve_command=open"},
	{"gas, set the address", "68 30 03 00 00 00 00 00 00 15 0A 18 A0 FF 05 00 00 00 00 00 00 76 16", "00000000000003", "address=00000000000005"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			b := unhex(t, v.frame)
			f, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if f.Address.String() != v.address {
				t.Errorf("address = %s, want %s", f.Address, v.address)
			}
			d, err := f.Decode(Variant{})
			if err != nil || printed(d.Values) != v.values {
				t.Errorf("values = %s, %v\nwant %s", printed(d.Values), err, v.values)
			}
			if got := f.Append(nil); !cmp.Equal(got, bare(b)) {
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

const good = "68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 13 16"

func TestRefusedFrames(t *testing.T) {
	for _, c := range []struct {
		name, frame, code string
		offset            int
		want, got         string
		class             error
	}{
		{"the most copied answer on the web", strings.Replace(good, "13 16", "08 16", 1), telegram.Checksum, 33, "13", "08", meter.ErrChecksum},
		{"with preamble", "FE FE FE FE" + strings.Replace(good, "13 16", "08 16", 1), telegram.Checksum, 37, "13", "08", meter.ErrChecksum},
		{"no stop", strings.Replace(good, "13 16", "13 17", 1), telegram.Stop, 34, "16", "17", meter.ErrChecksum},
		{"junk in front", "00" + good, telegram.Start, 0, "68", "00", meter.ErrMalformed},
		{"length 0", "68 10 44 33 22 11 00 33 78 81 00 00 16", telegram.Length, 10, "01–64", "00", meter.ErrMalformed},
		{"length FF", strings.Replace(good, "81 16", "81 FF", 1), telegram.Length, 10, "01–64", "FF", meter.ErrMalformed},
		{"length too long", strings.Replace(good, "81 16", "81 17", 1), telegram.Truncated, 35, "36 bytes", "35 bytes", meter.ErrChecksum},
		{"length too short", strings.Replace(good, "81 16", "81 15", 1), telegram.Checksum, 32, "8E", "84", meter.ErrChecksum},
		{"control", strings.Replace(good, "78 81", "78 82", 1), telegram.Control, 9, "", "82", meter.ErrMalformed},
		{"two frames glued", good + good, telegram.Trailing, 35, "", "68 10 44 33 22 11 00 33", meter.ErrMalformed},
		{"only preamble", "FE FE", telegram.Truncated, 2, "13 bytes", "0 bytes", meter.ErrChecksum},
		{"nothing", "", telegram.Truncated, 0, "13 bytes", "0 bytes", meter.ErrChecksum},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(unhex(t, c.frame))
			p := problem(t, err)
			if p.Code != c.code || p.Offset != c.offset || p.Want != c.want || p.Got != c.got || !errors.Is(err, c.class) {
				t.Errorf("problem = %+v, want %s at %d, want %s, got %s", p, c.code, c.offset, c.want, c.got)
			}
		})
	}
}

func TestTrapTruncationAtEveryByte(t *testing.T) {
	b := unhex(t, good)
	for n := range b {
		if _, err := Parse(b[:n]); err == nil || problem(t, err).Code != telegram.Truncated {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// frameWith makes an answer of a water meter.
func frameWith(t *testing.T, data string) Frame {
	return Frame{Kind: ColdWater, Control: 0x81, Data: unhex(t, data)}
}

func TestContent(t *testing.T) {
	const clock, status = " 31 01 22 11 05 15 20 ", " 00 00"
	for _, c := range []struct {
		name    string
		f       Frame
		v       Variant
		values  string
		problem string // code of the first problem
	}{
		{"month 13 spoils only the clock", frameWith(t, "901F00 00000100 2C 00000000 2C 31 01 22 11 13 15 20"+status), Variant{},
			"volume=100.00m3, volume_settlement=0.00m3, valve=open, battery=good, status=00 00", telegram.Clock},
		{"no clock", frameWith(t, "901F00 00000100 2C 00000000 2C 00000000000000"+status), Variant{},
			"volume=100.00m3, volume_settlement=0.00m3, valve=open, battery=good, status=00 00", telegram.Clock},
		{"clock both ways", frameWith(t, "901F00 00000100 2C 00000000 2C 20 20 05 05 05 20 20"+status), Variant{},
			"volume=100.00m3, volume_settlement=0.00m3, clock=2020-05-05 05:20:20, valve=open, battery=good, status=00 00", ""},
		{"clock ambiguous", frameWith(t, "901F00 00000100 2C 00000000 2C 20 19 05 06 07 21 20"+status), Variant{},
			"volume=100.00m3, volume_settlement=0.00m3, clock=2021-07-06 05:19:20, valve=open, battery=good, status=00 00", telegram.Ambiguous},
		{"clock said to be high first", frameWith(t, "901F00 00000100 2C 00000000 2C 20 19 05 06 07 21 20"+status), Variant{Clock: HighFirst},
			"volume=100.00m3, volume_settlement=0.00m3, clock=2019-05-06 07:21:20, valve=open, battery=good, status=00 00", ""},
		{"valve fault, battery low", frameWith(t, "901F00 00000100 2C 00000000 2C"+clock+"07 00"), Variant{},
			"volume=100.00m3, volume_settlement=0.00m3, clock=2015-05-11 22:01:31, valve=fault, battery=low, status=07 00", ""},
		{"unit ambiguous", frameWith(t, "901F00 29000029 29 29000029 29"+clock+status), Variant{},
			"volume=29000029L, volume_settlement=29000029L, clock=2015-05-11 22:01:31, valve=open, battery=good, status=00 00", telegram.Ambiguous},
		{"unit said to be before", frameWith(t, "901F00 2C 01000000 2C 00000000"+clock+status), Variant{Units: Before},
			"volume=0.01m3, volume_settlement=0.00m3, clock=2015-05-11 22:01:31, valve=open, battery=good, status=00 00", ""},
		{"history", frameWith(t, "D12200 00100000 2C"), Variant{}, "volume=10.00m3 storage", ""},
		{"purchase", frameWith(t, "810500 03 00100000 00200000 00050000 0000"), Variant{},
			"purchase_number=3, purchase=10.00, purchase_total=20.00, remaining=5.00, valve=open, battery=good, status=00 00", ""},
		{"prices", frameWith(t, "810200 650200 800100 000300 600200 500400"), Variant{}, "price_1=2.65, tier_1=180m3, price_2=3.00, tier_2=260m3, price_3=4.50", ""},
		{"settlement day", frameWith(t, "810300 25"), Variant{}, "settlement_day=25", ""},
		{"nibble A in a volume", frameWith(t, "901F00 00000A00 2C 00000000 2C"+clock+status), Variant{}, "", telegram.BCD},
		{"unknown unit", frameWith(t, "901F00 00000100 77 00000000 2C"+clock+status), Variant{}, "", telegram.Unknown},
		{"unknown item", frameWith(t, "DEAD00 01"), Variant{}, "", telegram.Unknown},
		{"too short", frameWith(t, "901F00 00000100 2C"), Variant{}, "", telegram.Length},
		{"too long", frameWith(t, "901F00 00000100 2C 00000000 2C"+clock+status+"00"), Variant{}, "", telegram.Length},
		{"valve command 77", Frame{Control: Write, Data: unhex(t, "A01700 77")}, Variant{}, "", telegram.Content},
		{"refusal", Frame{Control: 0xC1, Data: unhex(t, "00 02 00")}, Variant{}, "", telegram.Refused},
		{"refusal too long", Frame{Control: 0xC1, Data: unhex(t, "00 02 00 00")}, Variant{}, "", telegram.Length},
		{"no serial number", frameWith(t, "901F"), Variant{}, "", telegram.Truncated},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := c.f.Decode(c.v)
			if printed(d.Values) != c.values {
				t.Errorf("values = %s\nwant %s", printed(d.Values), c.values)
			}
			code := ""
			if len(d.Problems) > 0 {
				code = d.Problems[0].Code
			} else if err != nil {
				code = problem(t, err).Code
			}
			if code != c.problem || (c.values == "") != (err != nil) {
				t.Errorf("problem %q, error %v, want %q", code, err, c.problem)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	a, err := ParseAddress("78330011223344")
	if err != nil || a != (Address{0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78}) {
		t.Errorf("address = %v, %v", a, err)
	}
	if a, _ := ParseAddress("5"); a.String() != "00000000000005" {
		t.Errorf("short address = %s", a)
	}
	for _, bad := range []string{"", "123456789012345", "12A4", "-1"} {
		if _, err := ParseAddress(bad); err == nil {
			t.Errorf("address %q accepted", bad)
		}
	}
	if Gas.String() != "gas" || Kind(0x77).String() != "kind 77" {
		t.Error("kinds have other names")
	}
}

func TestClockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(631152000, 4102444799).Draw(t, "unix"), 0).UTC()
		if got, ok := clockOf(appendClock(nil, at), false); !ok || !got.Equal(at) {
			t.Fatalf("%v became %v, %v", at, got, ok)
		}
	})
}

// FuzzParse: what is accepted is canonical, and decoding never panics.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.frame))
	}
	f.Add(unhex(f, strings.Replace(good, "13 16", "08 16", 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Parse(b)
		if err != nil {
			if problem(t, err).Offset > len(b) || meter.Code(err) == "error" {
				t.Errorf("% X: problem %+v", b, err)
			}
			return
		}
		if got := frame.Append(nil); !cmp.Equal(got, bare(b)) {
			t.Errorf("% X encoded again: % X", b, got)
		}
		for _, v := range []Variant{{}, {Units: Before, Clock: HighFirst, Litres: 2}} {
			d, err := frame.Decode(v)
			if err != nil && (len(d.Values) > 0 || meter.Code(err) == "error") {
				t.Errorf("% X: %v along with %s", b, err, printed(d.Values))
			}
			for _, p := range d.Problems {
				if p.Offset > len(frame.Data) {
					t.Errorf("problem beyond the data: %+v", p)
				}
			}
		}
	})
}
