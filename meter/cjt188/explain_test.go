package cjt188

import (
	"fmt"
	"strings"
	"testing"

	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// sealed is a frame of the given hex with its checksum and stop.
func sealed(t testing.TB, s string) []byte {
	b := unhex(t, s)
	return append(b, telegram.Sum(b), stop)
}

// Frames around address 00000020120218 of a cold-water meter.
const head = "68 10 18 02 12 20 20 00 00 "

// TestExplainItems: each item of the standard, asked and answered, with what the frame says of itself.
func TestExplainItems(t *testing.T) {
	for _, c := range []struct {
		name, frame string // behind the address
		direction   string
		item        string
		values      string
		problem     string
	}{
		{"read counter", "01 03 90 1F 00", "request", "901F current counter", "", ""},
		{"read month 5", "01 03 D1 24 00", "request", "D124 counter 5 months back", "", ""},
		{"month 12", "81 08 D1 2B 00 00 10 00 00 2C", "reply", "D12B counter 12 months back", "volume=10.00m3 storage", ""},
		{"month 13", "81 08 D1 2C 00 00 10 00 00 2C", "reply", "D12C", "", telegram.Unknown},
		{"prices", "81 12 81 02 00 65 02 00 80 01 00 00 03 00 60 02 00 50 04 00", "reply", "8102 prices",
			"price_1=2.65, tier_1=180m3, price_2=3.00, tier_2=260m3, price_3=4.50", ""},
		{"settlement day", "81 04 81 03 00 25", "reply", "8103 settlement day", "settlement_day=25", ""},
		{"reading day", "81 04 81 04 00 28", "reply", "8104 reading day", "reading_day=28", ""},
		{"purchase", "81 12 81 05 00 03 00 10 00 00 00 20 00 00 00 05 00 00 00 00", "reply", "8105 purchase",
			"purchase_number=3, purchase=10.00, purchase_total=20.00, remaining=5.00, valve=open, battery=good, status=00 00", ""},
		{"key version", "89 04 81 06 00 07", "reply", "8106 key version", "key_version=7", ""},
		{"read address", "03 03 81 0A 00", "request", "810A address", "", ""},
		{"address", "83 03 81 0A 00", "reply", "810A address", "", ""},
		{"address in the data too", "83 0A 81 0A 00 18 02 12 20 20 00 00", "reply", "810A address", "address=00002020120218", ""},
		{"set prices", "04 13 A0 10 00 65 02 00 80 01 00 00 03 00 60 02 00 50 04 00 01", "request", "A010 set prices",
			"price_1=2.65, tier_1=180m3, price_2=3.00, tier_2=260m3, price_3=4.50, price_day=1", ""},
		{"set settlement day", "04 04 A0 11 00 25", "request", "A011 set settlement day", "settlement_day=25", ""},
		{"set reading day", "04 04 A0 12 00 25", "request", "A012 set reading day", "reading_day=25", ""},
		{"set purchase", "04 08 A0 13 00 03 00 10 00 00", "request", "A013 set purchase", "purchase_number=3, purchase=10.00", ""},
		{"purchase set", "84 08 A0 13 00 03 00 10 00 00", "reply", "A013 set purchase", "purchase_number=3, purchase=10.00", ""},
		{"set key", "04 0C A0 14 00 02 11 22 33 44 55 66 77 88", "request", "A014 set key", "key_version=2", ""},
		{"key set", "84 04 A0 14 00 02", "reply", "A014 set key", "key_version=2", ""},
		{"set clock", "04 0A A0 15 00 31 01 22 11 05 15 20", "request", "A015 clock", "clock=2015-05-11 22:01:31", ""},
		{"clock set", "84 03 A0 15 00", "reply", "A015 clock", "", ""},
		{"set counter", "16 08 A0 16 00 00 01 00 00 2C", "request", "A016 set counter", "volume=1.00m3", ""},
		{"counter set", "96 05 A0 16 00 00 00", "reply", "A016 set counter", "valve=open, battery=good, status=00 00", ""},
		{"close valve", "04 04 A0 17 01 99", "request", "A017 valve", "valve_command=close", ""},
		{"valve closed", "84 05 A0 17 01 01 00", "reply", "A017 valve", "valve=closed, battery=good, status=01 00", ""},
		{"set address", "15 0A A0 18 00 01 00 00 00 00 00 00", "request", "A018 set address", "address=00000000000001", ""},
		{"address set", "95 03 A0 18 00", "reply", "A018 set address", "", ""},
		{"leave the factory", "04 03 A0 19 00", "request", "A019 leave the factory", "", ""},
		{"identifier low first", "81 08 20 D1 00 00 10 00 00 2C", "reply", "D120 counter 1 month back", "volume=10.00m3 storage", ""},
		{"counter of energy", "81 08 D1 20 00 00 10 00 00 05", "reply", "D120 counter 1 month back", "energy=10.00kWh storage", ""},
		{"no unit", "81 08 D1 20 00 00 10 00 00 00", "reply", "D120 counter 1 month back", "volume=10.00 storage", telegram.Unknown},
		{"unknown unit", "81 08 D1 20 00 00 10 00 00 77", "reply", "D120 counter 1 month back", "", telegram.Unknown},
		{"maker's control", "A1 08 D1 20 00 00 10 00 00 2C", "reply", "D120 counter 1 month back", "volume=10.00m3 storage", ""},
		{"maker's other control", "22 03 D1 20 00", "request", "D120 counter 1 month back", "", telegram.Control},
		{"maker's item", "81 04 12 34 00 55", "reply", "1234", "", telegram.Unknown},
		{"status from the other end", "84 05 A0 17 01 40 00", "reply", "A017 valve", "valve=open, battery=good, status=40 00", telegram.Ambiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Explain(sealed(t, head+c.frame), Variant{})
			item, _ := r.Frame.Get("di").(string)
			if name, ok := r.Frame.Get("item").(string); ok {
				item += " " + name
			}
			code := ""
			if len(r.Problems) > 0 {
				code = r.Problems[0].Code
			}
			if r.Frame.Get("direction") != c.direction || item != c.item || printed(r.Values) != c.values || code != c.problem {
				t.Errorf("%v %s: %s, %v", r.Frame.Get("direction"), item, printed(r.Values), r.Problems)
			}
			if r.OK() != (c.name != "unknown unit") || r.Frame.Get("address") != "00002020120218" {
				t.Errorf("report %+v", r)
			}
		})
	}
}

// TestExplainKeepsKeys: a key on its way to a meter is printed nowhere.
func TestExplainKeepsKeys(t *testing.T) {
	r := Explain(sealed(t, head+"04 0C A0 14 00 02 11 22 33 44 55 66 77 88"), Variant{})
	if s := fmt.Sprint(r); strings.Contains(s, "11 22") || strings.Contains(s, "1122") {
		t.Errorf("report %s", s)
	}
}

// TestExplainRefusals: an undamaged refusal is a good frame that carries nothing.
func TestExplainRefusals(t *testing.T) {
	for control, what := range map[string]string{"C1": "read", "C9": "read key version", "C3": "read address", "C4": "write", "D5": "write address", "D6": "set counter"} {
		r := Explain(sealed(t, head+control+" 03 07 02 00"), Variant{})
		if !r.OK() || len(r.Problems) != 1 || len(r.Values) > 0 || r.Frame.Get("direction") != "refusal" || r.Frame.Get("serial") != 7 || r.Frame.Get("status") != "02 00" {
			t.Fatalf("%s: %+v", control, r)
		}
		if p := r.Problems[0]; p.Code != telegram.Refused || p.Offset != 12 || p.Got != "02 00" || p.Text != "meter refuses to "+what {
			t.Errorf("%s: %+v", control, p)
		}
	}
}

// TestExplainLayouts: the length of 901F tells heat from water where the kind does not.
func TestExplainLayouts(t *testing.T) {
	const water = "81 16 90 1F 00 00 00 01 00 2C 00 00 00 00 2C 31 01 22 11 05 15 20 00 00"
	for _, kind := range []string{"10", "11", "12", "13", "20", "21", "30", "40", "77"} {
		r := Explain(sealed(t, "68 "+kind+" 18 02 12 20 20 00 00 "+water), Variant{})
		if v := printed(r.Values); !strings.HasPrefix(v, "volume=100.00m3, volume_settlement=0.00m3, clock=2015") || !r.OK() {
			t.Errorf("kind %s: %s, %v", kind, v, r.Problems)
		}
		if noted := len(r.Problems) == 1 && r.Problems[0].Code == telegram.Unknown && r.Problems[0].Offset == 1; noted != (kind == "77") {
			t.Errorf("kind %s: %v", kind, r.Problems)
		}
	}
	const heat = "81 2E 90 1F 01 08 02 00 00 00 08 02 00 00 00 17 00 00 00 00 35 00 00 00 00 2C 34 10 00 00 35 25 00 66 25 00 00 00 00 53 00 12 10 07 15 20 00 00"
	r := Explain(sealed(t, head+heat), Variant{})
	if v := printed(r.Values); !strings.HasPrefix(v, "energy_settlement=0.02MWh, energy=0.02MWh") || !r.OK() {
		t.Errorf("heat of a water meter: %s, %v", v, r.Problems)
	}
	before := "81 16 90 1F 00 00 34 12 00 99 00 34 12 00 99 31 01 22 11 05 15 20 00 00" // no unit, before its value
	if v := printed(Explain(sealed(t, head+before), Variant{}).Values); !strings.HasPrefix(v, "volume=990012.34, volume_settlement=990012.34") {
		t.Errorf("without a unit: %s", v)
	}
	either := "81 16 90 1F 00 00 34 12 00 00 00 34 12 00 00 31 01 22 11 05 15 20 00 00"
	r = Explain(sealed(t, head+either), Variant{})
	if v := printed(r.Values); !strings.HasPrefix(v, "volume=1234.00") || r.Problems[0].Code != telegram.Ambiguous {
		t.Errorf("without a unit on either side: %s, %v", v, r.Problems)
	}
}

// TestExplainDamage: the byte that is wrong, and what it should be.
func TestExplainDamage(t *testing.T) {
	whole := sealed(t, head+"84 05 A0 17 01 00 00")
	for _, c := range []struct {
		name  string
		at    int
		to    byte
		p     telegram.Problem
		shape telegram.Fit
	}{
		{"checksum", 16, 0xFF, telegram.Problem{Code: telegram.Checksum, Offset: 16, Want: telegram.Hex(whole[16]), Got: "FF"}, telegram.FitShape},
		{"stop", 17, 0x17, telegram.Problem{Code: telegram.Stop, Offset: 17, Want: "16", Got: "17"}, telegram.FitMended},
		{"length too large", 10, 6, telegram.Problem{Code: telegram.Length, Offset: 10, Want: "05", Got: "06"}, telegram.FitMended},
		{"length too small", 10, 4, telegram.Problem{Code: telegram.Length, Offset: 10, Want: "05", Got: "04"}, telegram.FitMended},
		{"length 0", 10, 0, telegram.Problem{Code: telegram.Length, Offset: 10, Want: "05", Got: "00"}, telegram.FitMended},
		{"length FF", 10, 0xFF, telegram.Problem{Code: telegram.Length, Offset: 10, Want: "05", Got: "FF"}, telegram.FitMended},
		{"start", 0, 0x69, telegram.Problem{Code: telegram.Start, Offset: 0, Want: "68", Got: "69"}, telegram.FitMended},
		{"a data byte", 14, 0x01, telegram.Problem{Code: telegram.Checksum, Offset: 16}, telegram.FitShape},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := append([]byte(nil), whole...)
			b[c.at] = c.to
			if c.name == "a data byte" {
				c.p.Want, c.p.Got = telegram.Hex(telegram.Sum(b[:16])), telegram.Hex(b[16])
			}
			if c.at == 10 { // the checksum was made with the right length: only that byte is wrong
				b[16] = whole[16] - whole[10] + whole[10]
			}
			r := Explain(b, Variant{})
			if r.OK() || len(r.Problems) != 1 || len(r.Values) > 0 || r.Fit != c.shape {
				t.Fatalf("report %+v", r)
			}
			if p := r.Problems[0]; p.Code != c.p.Code || p.Offset != c.p.Offset || p.Want != c.p.Want || p.Got != c.p.Got {
				t.Errorf("problem %+v, want %+v", p, c.p)
			}
		})
	}
	for n := range whole {
		r := Explain(whole[:n], Variant{})
		if r.OK() || len(r.Problems) != 1 || r.Problems[0].Code != telegram.Truncated || r.Problems[0].Offset != n {
			t.Errorf("%d bytes: %+v", n, r.Problems)
		}
	}
}

// TestExplainAbsentValues: FF where a meter has nothing spoils what it does have, but not the value that counts.
func TestExplainAbsentValues(t *testing.T) {
	r := Explain(sealed(t, head+"81 16 90 1F AA 00 59 59 00 2C FF FF FF FF 2C FF FF FF FF FF FF FF 00 00"), Variant{})
	if v := printed(r.Values); !r.OK() || v != "volume=5959.00m3, valve=open, battery=good, status=00 00" || len(r.Problems) != 2 {
		t.Errorf("%s, %v", v, r.Problems)
	} else if p := r.Problems[0]; p.Code != telegram.BCD || p.Offset != 19 || p.Got != "FF FF FF FF" || r.Problems[1].Code != telegram.Clock {
		t.Errorf("%v", r.Problems)
	}
	r = Explain(sealed(t, head+"81 16 90 1F AA FF FF FF FF 2C 00 59 59 00 2C 31 01 22 11 05 15 20 00 00"), Variant{})
	if r.OK() || len(r.Values) > 0 || r.Problems[0].Code != telegram.BCD || r.Problems[0].Offset != 17 {
		t.Errorf("no volume: %s, %v", printed(r.Values), r.Problems)
	}
	r = Explain(sealed(t, head+"81 08 D1 20 00 FF FF FF FF 2C"), Variant{})
	if r.OK() || len(r.Values) > 0 {
		t.Errorf("no month: %s, %v", printed(r.Values), r.Problems)
	}
	r = Explain(sealed(t, "68 25 18 02 12 20 20 00 00 81 2E 90 1F 01 FF FF FF FF 08 02 00 00 00 08 00 00 00 00 17 00 00 00 00 35 00 34 10 00 2C FF FF FF 66 25 00 00 00 00 53 00 12 10 07 15 20 00 00"), Variant{})
	if v := printed(r.Values); !r.OK() || !strings.HasPrefix(v, "energy=0.02MWh, power=0.00kW, flow=0.0000m3/h, volume=1034.00m3, temperature_return=25.66Cel") {
		t.Errorf("heat without a sensor: %s, %v", v, r.Problems)
	}
}

func TestKindsOfMakers(t *testing.T) {
	for k, want := range map[Kind]string{0x10: "cold water", 0x14: "water", 0x19: "water", 0x1A: "kind 1A", 0x25: "heat", 0x31: "gas", 0x45: "other", 0x50: "kind 50", 0x0F: "kind 0F", 0xAA: "any"} {
		if k.String() != want || k.known() == strings.HasPrefix(want, "kind") {
			t.Errorf("%02X: %s, %t", byte(k), k, k.known())
		}
	}
}

func TestExplainWithAVariant(t *testing.T) {
	mirrored := Explain(sealed(t, head+"84 05 A0 17 01 40 00"), Variant{Mirrored: true})
	if v := printed(mirrored.Values); v != "valve=unknown, battery=good, status=40 00" || len(mirrored.Problems) > 0 {
		t.Errorf("mirrored: %s, %v", v, mirrored.Problems)
	}
	own := Explain(sealed(t, head+"81 08 D1 20 00 00 10 00 00 00"), Variant{MoreUnits: map[byte]quantity.Unit{0: "m3"}})
	if v := printed(own.Values); v != "volume=10.00m3 storage" || len(own.Problems) > 0 {
		t.Errorf("unit 00 of the model: %s, %v", v, own.Problems)
	}
}

// FuzzExplain: whatever comes, no panic, no value of a damaged frame, every problem within the bytes.
func FuzzExplain(f *testing.F) {
	for _, v := range vectors {
		f.Add(bare(unhex(f, v.frame)))
	}
	f.Add(sealed(f, head+"C1 03 07 02 00"))
	f.Add(sealed(f, head+"04 13 A0 10 00 65 02 00 80 01 00 00 03 00 60 02 00 50 04 00 01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, v := range []Variant{{}, {Units: Before, Clock: HighFirst, Litres: 2, Mirrored: true}} {
			r := Explain(b, v)
			if r.Length > len(b)+2 || r.Fit < telegram.FitWhole && (r.OK() || len(r.Values) > 0) {
				t.Errorf("% X: %+v", b, r)
			}
			for _, p := range r.Problems {
				if p.Offset < 0 || p.Offset > len(b) || meter.Code(p) == "error" || p.Text == "" {
					t.Errorf("% X: problem %+v", b, p)
				}
			}
		}
	})
}
