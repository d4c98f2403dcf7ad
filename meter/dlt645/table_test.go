package dlt645

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tally/meter"
	"tally/meter/telegram"
)

// fully prints values with what tells them from each other.
func fully(values []telegram.Value) string {
	var parts []string
	for _, v := range values {
		s := printed([]telegram.Value{v})
		if v.Unit != "" {
			s = v.Name + "=" + v.Number.String() + string(v.Unit)
		}
		if v.Storage|v.Tariff != 0 {
			s += fmt.Sprintf("@%d/%d", v.Storage, v.Tariff)
		}
		if v.Function != telegram.Instantaneous {
			s += " " + string(v.Function)
		}
		if !v.At.IsZero() && v.Unit != "" {
			s += " " + v.At.Format("06-01-02 15:04")
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// TestItems2007: an item of each family of appendix A, with the bytes low first.
func TestItems2007(t *testing.T) {
	for _, c := range []struct{ item, data, want string }{
		{"00010000", "78563412", "energy_import=123456.78kWh"},
		{"00010300", "01000000", "energy_import=0.01kWh@0/3"},
		{"0001000C", "01000000", "energy_import=0.01kWh@12/0"},
		{"00020000", "00010000", "energy_export=1.00kWh"},
		{"0001FF00", "10000000 04000000 03000000 02000000 01000000",
			"energy_import=0.10kWh, energy_import=0.04kWh@0/1, energy_import=0.03kWh@0/2, energy_import=0.02kWh@0/3, energy_import=0.01kWh@0/4"},
		{"000100FF", "10000000 09000000", "energy_import=0.10kWh, energy_import=0.09kWh@1/0"},
		{"00030000", "01000080", "energy_reactive_1=-0.01kvarh"},
		{"00080000", "01000000", "energy_reactive_q4=0.01kvarh"},
		{"00090000", "01000000", "energy_apparent_import=0.01kVAh"},
		{"00150000", "01000000", "energy_import_a=0.01kWh"},
		{"002A0000", "01000000", "energy_export_b=0.01kWh"},
		{"003D0000", "01000000", "energy_import_c=0.01kWh"},
		{"00860000", "01000000", "energy_iron_loss=0.01kWh"},
		{"00900200", "99990000", "remaining=99.99CNY"},
		{"01010000", "563412 3008150626", "demand_import=12.3456kW maximum 26-06-15 08:30"},
		{"01010000", "000000 0000000000", "demand_import=0.0000kW maximum"},
		{"0101FF01", "010000 3008150626 020000 3109150626", "demand_import=0.0001kW@1/0 maximum 26-06-15 08:30, demand_import=0.0002kW@1/1 maximum 26-06-15 09:31"},
		{"010A0000", "010000 0000000000", "demand_apparent_export=0.0001kVA maximum"},
		{"02010100", "3022", "voltage_a=223.0V"},
		{"0201FF00", "3022 4022 5022", "voltage_a=223.0V, voltage_b=224.0V, voltage_c=225.0V"},
		{"0202FF00", "345080 010000 020000", "current_a=-5.034A, current_b=0.001A, current_c=0.002A"},
		{"0203FF00", "040000 010000 010000 020000", "power=0.0004kW, power_a=0.0001kW, power_b=0.0001kW, power_c=0.0002kW"},
		{"02030000", "563492", "power=-12.3456kW"},
		{"02040100", "010000", "power_reactive_a=0.0001kvar"},
		{"02050300", "010000", "power_apparent_c=0.0001kVA"},
		{"02060000", "5089", "power_factor=-0.950"},
		{"02070200", "0012", "phase_angle_b=120.0deg"},
		{"02080100", "0102", "voltage_distortion_a=2.01%"},
		{"02800001", "010000", "current_neutral=0.001A"},
		{"02800002", "0150", "frequency=50.01Hz"},
		{"02800007", "5302", "temperature=25.3Cel"},
		{"02800008", "6003", "battery=3.60V"},
		{"0280000A", "01020000", "battery_time=201min"},
		{"0400010C", "31302202100626", "clock=2026-06-10T22:30:31"},
		{"04000403", strings.Repeat("00", 28) + "34333231", "asset_number=1234"},
		{"04000409", "000800", "constant_active=8001/kWh"},
		{"04000501", "0100", "status_word_1=00 01"},
		{"040005FF", strings.Repeat("0000", 6) + "0200", "status_word_1=00 00, status_word_2=00 00, status_word_3=00 00, status_word_4=00 00, status_word_5=00 00, status_word_6=00 00, status_word_7=00 02"},
		{"04000B01", "0025", "settlement_day_1=25T00"},
		{"05060001", "0000150626", "frozen=2026-06-15T00:00:00@1/0"},
		{"05060101", "10000000 01000000 09000000", "energy_import=0.10kWh@1/0, energy_import=0.01kWh@1/1, energy_import=0.09kWh@1/2"},
		{"05060902", "010000 3008150626", "demand_import=0.0001kW@2/0 maximum 26-06-15 08:30"},
		{"05040101", "10000000", "energy_import=0.10kWh@1/0"},
	} {
		t.Run(c.item, func(t *testing.T) {
			d, err := reply(t, 0x91, c.item, c.data).Decode()
			if err != nil || fully(d.Values) != c.want {
				t.Errorf("got %s, %v\nwant %s", fully(d.Values), err, c.want)
			}
		})
	}
}

func TestItems1997(t *testing.T) {
	for _, c := range []struct{ item, data, want string }{
		{"9010", "34333300", "energy=3333.34kWh"},
		{"9014", "01000000", "energy=0.01kWh@0/4"},
		{"901F", "04000000 01000000 03000000", "energy=0.04kWh, energy=0.01kWh@0/1, energy=0.03kWh@0/2"},
		{"9410", "01000000", "energy=0.01kWh@1/0"},
		{"9820", "01000000", "energy_export=0.01kWh@2/0"},
		{"9110", "01000000", "energy_reactive_import=0.01kvarh"},
		{"9140", "01000000", "energy_reactive_q4=0.01kvarh"},
		{"A010", "563412", "demand_import=12.3456kW maximum"},
		{"A420", "010000", "demand_export=0.0001kW@1/0 maximum"},
		{"B010", "30081506", "demand_import_time=06-15T08:30"},
		{"B611", "2002", "voltage_a=220V"},
		{"B61F", "2002 2102 2202", "voltage_a=220V, voltage_b=221V, voltage_c=222V"},
		{"B623", "3412", "current_c=12.34A"},
		{"B630", "563412", "power=12.3456kW"},
		{"B641", "3412", "power_reactive_a=12.34kvar"},
		{"B650", "0010", "power_factor=1.000"},
		{"C010", "02100626", "date=2026-06-10"},
		{"C011", "313022", "time=22:30:31"},
		{"C020", "04", "status_meter=04"},
		{"C030", "001200", "constant_active=12001/kWh"},
		{"C033", "010000000000", "customer_number=000000000001"},
		{"C117", "0001", "reading_day=01T00"},
		{"B214", "010000", "battery_time=1min"},
	} {
		t.Run(c.item, func(t *testing.T) {
			d, err := reply(t, 0x81, c.item, c.data).Decode()
			if err != nil || fully(d.Values) != c.want {
				t.Errorf("got %s, %v\nwant %s", fully(d.Values), err, c.want)
			}
		})
	}
}

// TestItemsThatDoNotExist: what the standard leaves open is not guessed.
func TestItemsThatDoNotExist(t *testing.T) {
	for _, c := range []struct {
		control byte
		item    string
	}{
		{0x91, "00014000"}, {0x91, "0001000D"}, {0x91, "0001FFFF"}, {0x91, "000B0000"}, {0x91, "01000000"}, {0x91, "02010000"}, {0x91, "02030400"},
		{0x91, "02030001"}, {0x91, "05050101"}, {0x91, "05060100"}, {0x91, "05040301"}, {0x91, "04000508"},
		{0x81, "9210"}, {0x81, "9C10"}, {0x81, "9000"}, {0x81, "9050"}, {0x81, "B610"}, {0x81, "B624"}, {0x81, "B660"}, {0x81, "E010"},
	} {
		_, err := reply(t, c.control, c.item, "00000000").Decode()
		if err == nil || problem(t, err).Code != telegram.Unknown {
			t.Errorf("%s: %v", c.item, err)
		}
	}
}

// TestProblemsInRows: the byte that is wrong is named within a row.
func TestProblemsInRows(t *testing.T) {
	for _, c := range []struct {
		item, data, code string
		offset           int
	}{
		{"0001FF00", "10000000 0400000A", telegram.BCD, 4 + 7},
		{"0001FF00", "10000000 040000", telegram.Length, 4},
		{"0201FF00", "3022 4022 5022 6022", telegram.Unknown, 0},
		{"01010000", "563412 3008150B26", telegram.BCD, 4 + 6},
		{"01010000", "563412 3008151326", telegram.Clock, 4 + 3},
		{"0400010C", "31302202101326", telegram.Clock, 4},
		{"0400010C", "3A302202101326", telegram.BCD, 4},
		{"04000B01", "2532", telegram.Clock, 4},
	} {
		_, err := reply(t, 0x91, c.item, c.data).Decode()
		if err == nil {
			t.Errorf("%s %s accepted", c.item, c.data)
			continue
		}
		if p := problem(t, err); p.Code != c.code || p.Offset != c.offset {
			t.Errorf("%s %s: %+v, want %s at %d", c.item, c.data, p, c.code, c.offset)
		}
	}
}

// TestFirstPartOfMany: of an answer that goes on, what is whole is read.
func TestFirstPartOfMany(t *testing.T) {
	d, err := reply(t, 0xB1, "0001FF00", "10000000 04000000 0300").Decode()
	if err != nil || fully(d.Values) != "energy_import=0.10kWh, energy_import=0.04kWh@0/1" {
		t.Errorf("got %s, %v", fully(d.Values), err)
	}
	r := Explain(reply(t, 0xB1, "0001FF00", "10000000").Append(nil), nil)
	if !r.OK() || len(r.Problems) != 1 || r.Problems[0].Code != telegram.More || r.Frame.Get("more") != true {
		t.Errorf("report %+v", r)
	}
	if d, err := reply(t, 0x92, "0001FF00", "10000000 01").Decode(); err != nil || len(d.Values) > 0 {
		t.Errorf("a later part says %s, %v", fully(d.Values), err)
	}
}

// TestEveryItemHasAShape: whatever identifier and length, shapes are of positive length and fill what they say.
func TestEveryItemHasAShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := Item{rapid.SampledFrom([]Edition{Edition1997, Edition2007}).Draw(t, "edition"), rapid.Uint32().Draw(t, "code")}
		shapes, ok := shapesOf(i, rapid.IntRange(0, maxData).Draw(t, "n"))
		for _, s := range shapes {
			if ok && (s.bytes <= 0 || s.name == "") {
				t.Fatalf("%s: %+v", i, s)
			}
		}
	})
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		ok          bool
		field       string
		want        any
		code        string
		offset      int
	}{
		{"a question", "68 29 25 07 07 21 20 68 11 04 33 33 33 33 4E 16", true, "direction", "request", "", 0},
		{"an answer", answer07, true, "address", "202107072529", "", 0},
		{"a refusal", "68 29 25 07 07 21 20 68 D1 01 35 43 16", true, "error", "02", telegram.Refused, 10},
		{"wrong checksum", strings.Replace(answer07, "2E 16", "2F 16", 1), false, "address", "202107072529", telegram.Checksum, 18},
		{"wrong length", strings.Replace(answer07, "91 08", "91 09", 1), false, "function", "read", telegram.Length, 9},
		{"wrong start", strings.Replace(answer07, "20 68", "20 69", 1), false, "address", nil, telegram.Start, 7},
		{"unknown control", "68 29 25 07 07 21 20 68 9F 00 54 16", false, "address", "202107072529", telegram.Control, 8},
		{"unknown item", "68 29 25 07 07 21 20 68 91 05 33 33 CC 3C 34 8A 16", true, "di", "09990000", telegram.Unknown, 10},
		{"truncated", answer07[:30], false, "length", nil, telegram.Truncated, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.frame)
			if c.name == "unknown item" {
				b[len(b)-2] = telegram.Sum(b[:len(b)-2])
			}
			if c.name == "a refusal" || c.name == "unknown control" {
				b[len(b)-2] = telegram.Sum(b[:len(b)-2])
			}
			r := Explain(b, nil)
			if r.OK() != c.ok || c.want != nil && r.Frame.Get(c.field) != c.want {
				t.Errorf("report %+v", r)
			}
			switch {
			case c.code == "" && len(r.Problems) > 0, c.code != "" && len(r.Problems) != 1:
				t.Errorf("problems %v", r.Problems)
			case c.code != "" && (r.Problems[0].Code != c.code || r.Problems[0].Offset != c.offset):
				t.Errorf("problem %+v, want %s at %d", r.Problems[0], c.code, c.offset)
			}
		})
	}
}

// TestPasswordsAreNotShown: a write carries one.
func TestPasswordsAreNotShown(t *testing.T) {
	f := Frame{Address: Address{1}, Control: Write07, Data: unhex(t, "01010004 02 998877 11223344 00")}
	r := Explain(f.Append(nil), nil)
	if text := fmt.Sprint(r); strings.Contains(text, "99 88 77") || strings.Contains(text, "998877") || !r.OK() {
		t.Errorf("report %s", text)
	}
}

// TestModelsOwnItems: a maker's item is read as its model says; one of the standard gets the model's name.
func TestModelsOwnItems(t *testing.T) {
	own := map[Item]Coding{
		{Edition2007, 0x09990000}: {Name: "water", Bytes: 3, Scale: 1, Unit: "m3"}, Forward: {Name: "grid"},
	}
	for _, c := range []struct{ item, data, want, code string }{
		{"09990000", "563412", "water=12345.6m3", ""}, {"09990000", "5634", "", telegram.Length}, {"09990000", "56341A", "", telegram.BCD},
		{"00010000", "01000000", "grid=0.01kWh", ""}, {"00020000", "01000000", "energy_export=0.01kWh", ""},
	} {
		r := Explain(reply(t, 0x91, c.item, c.data).Append(nil), own)
		code := ""
		if len(r.Problems) > 0 {
			code = r.Problems[0].Code
		}
		if fully(r.Values) != c.want || code != c.code {
			t.Errorf("%s: %s, %v", c.item, fully(r.Values), r.Problems)
		}
	}
}

// FuzzExplain: whatever comes, no panic, no value of a damaged frame, every problem within the bytes.
func FuzzExplain(f *testing.F) {
	for _, v := range vectors {
		f.Add(bare(unhex(f, v.frame)), uint32(0x00010000))
	}
	f.Add(unhex(f, "68 29 25 07 07 21 20 68 D1 01 35 43 16"), uint32(0x0203FF00))
	f.Fuzz(func(t *testing.T, b []byte, item uint32) {
		made := Frame{Control: 0x91, Data: append(Item{Edition2007, item}.bytes(), b[:min(len(b), 190)]...)}.Append(nil)
		for _, b := range [][]byte{b, made} {
			r := Explain(b, map[Item]Coding{{Edition2007, 0x09990000}: {Name: "own", Bytes: 3}})
			if r.Length > len(b) || r.Fit < telegram.FitWhole && (r.OK() || len(r.Values) > 0) {
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
