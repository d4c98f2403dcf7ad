package mbus

import (
	"fmt"
	"strings"
	"testing"

	"tally/meter"
	"tally/meter/telegram"
)

// long makes a long frame of C, A, CI and data.
func long(t testing.TB, s string) []byte {
	b := unhex(t, s)
	return Frame{Kind: Long, C: b[0], A: b[1], CI: b[2], Data: b[3:]}.Append(nil)
}

func codes(r telegram.Report) string {
	var s []string
	for _, p := range r.Problems {
		s = append(s, fmt.Sprintf("%s@%d", p.Code, p.Offset))
	}
	return strings.Join(s, " ")
}

// TestExplainWhatMastersSend: orders, selections and requests. Examples of the M-Bus documentation 4.8, 6.4 to 6.7.
func TestExplainWhatMastersSend(t *testing.T) {
	for _, c := range []struct{ name, frame, function, content, values, codes string }{
		{"reset the link", "10 40 01 41 16", "SND_NKE", "", "", ""},
		{"ask", "10 7B 01 7C 16", "REQ_UD2", "", "", ""},
		{"ask for alarms", "10 5A 01 5B 16", "REQ_UD1", "", "", ""},
		{"unknown C", "10 4F 01 50 16", "", "", "", "control@1"},
		{"set primary address 8", "53 FE 51 01 7A 08", "SND_UD", "data", "bus_address=8", ""},
		{"set the identification", "53 01 51 07 79 04 03 02 01 24 40 01 04", "SND_UD", "data", "identification=01020304.PAD.01.04", ""},
		{"set to 2400 baud", "53 01 BB", "SND_UD", "set 2400 baud", "", ""},
		{"application reset", "53 FE 50", "SND_UD", "application reset", "", ""},
		{"application reset to billing", "53 FE 50 10", "SND_UD", "application reset", "reset=10", ""},
		{"select", "53 FD 52 78 56 34 12 24 40 01 07", "SND_UD", "selection", "secondary 12345678.PAD.01.07", ""},
		{"select with wildcards", "73 FD 52 78 FF FF 1F FF FF FF FF", "SND_UD", "selection", "secondary 1FFFFF78.*.*.*", ""},
		{"select by fabrication number", "53 FD 52 78 56 34 12 FF FF FF FF 0C 78 04 03 02 01", "SND_UD", "selection",
			"secondary 12345678.*.*.* fabrication_number=01020304", ""},
		{"select, high byte first", "53 FD 56 12 34 56 78 40 24 01 07", "SND_UD", "selection, high byte first", "secondary 12345678.PAD.01.07", ""},
		{"selection cut", "53 FD 52 78 56", "SND_UD", "selection", "", "truncated@9"},
		{"choose what is read out", "53 01 51 08 13 C8 3F 6D", "SND_UD", "data", "volume=readout, clock=readout[31 3 0]", ""},
		{"read out everything", "53 01 51 7F", "SND_UD", "data", "readout=everything", ""},
		{"clear a counter", "53 01 51 04 93 07 00 00 00 00", "SND_UD", "data", "volume_clear=0.000m3", ""},
		{"high byte first", "53 01 55 04 13 00 00 31 15", "SND_UD", "data, high byte first", "volume=12.565m3", ""},
		{"unknown CI", "53 01 7F 00", "SND_UD", "", "", "control@6"},
		{"maker's CI", "53 01 A5 00", "SND_UD", "", "", "control@6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.frame)
			if b[0] != shortHead {
				b = long(t, c.frame)
			}
			r := Explain(b)
			function, _ := r.Frame.Get("function").(string)
			content, _ := r.Frame.Get("content").(string)
			values := printed(r.Values)
			if chosen, ok := r.Frame.Get("secondary").(string); ok {
				values = strings.TrimSpace("secondary " + chosen + " " + values)
			}
			if function != c.function || content != c.content || values != c.values || codes(r) != c.codes {
				t.Errorf("%s %s: %s, %v", function, content, values, r.Problems)
			}
			if bad := c.name == "unknown CI" || c.name == "selection cut"; r.OK() == bad || r.Length != len(b) {
				t.Errorf("report %+v", r)
			}
		})
	}
}

func TestExplainAcknowledge(t *testing.T) {
	r := Explain([]byte{0xE5, 0xE5})
	if !r.OK() || r.Length != 1 || r.Frame.Get("type") != "ack" {
		t.Errorf("report %+v", r)
	}
}

// TestExplainHeaders: each header that a meter can put in front of its records.
func TestExplainHeaders(t *testing.T) {
	const id, records = "78 56 34 12 24 40 01 07 ", "02 13 01 00"
	for _, c := range []struct{ name, frame, fields, values, codes string }{
		{"long", "08 02 72 " + id + "55 00 00 00" + records, "12345678 PAD 1 07 water 85 00 [] 0000", "volume=0.001m3", ""},
		{"flags", "08 02 72 " + id + "55 FE 00 00" + records, "12345678 PAD 1 07 water 85 FE [application_error permanent_error power_low temporary_error manufacturer_7] 0000", "volume=0.001m3", ""},
		{"busy", "08 02 72 " + id + "55 01 00 00" + records, "12345678 PAD 1 07 water 85 01 [busy] 0000", "volume=0.001m3", ""},
		{"encrypted, AES", "08 02 72 " + id + "55 00 10 05" + records, "12345678 PAD 1 07 water 85 00 [] 0510", "", "encrypted@17"},
		{"signature of before 2013", "08 02 72 " + id + "55 00 27 B6" + records, "12345678 PAD 1 07 water 85 00 [] B627", "volume=0.001m3", ""},
		{"identification with letters", "08 02 72 7A 56 34 12 24 40 01 07 55 00 00 00" + records, "1234567A PAD 1 07 water 85 00 [] 0000", "volume=0.001m3", "bcd@7"},
		{"no maker", "08 02 72 78 56 34 12 FF FF 01 07 55 00 00 00" + records, "12345678 FFFF 1 07 water 85 00 [] 0000", "volume=0.001m3", ""},
		{"unknown medium", "08 02 72 78 56 34 12 24 40 01 EE 55 00 00 00" + records, "12345678 PAD 1 EE medium EE 85 00 [] 0000", "volume=0.001m3", ""},
		{"high byte first", "08 02 76 12 34 56 78 40 24 01 07 55 00 00 00 02 13 00 01", "12345678 PAD 1 07 water 85 00 [] 0000", "volume=0.001m3", ""},
		{"high byte first, BCD with a letter", "08 02 76 12 34 56 78 40 24 01 07 55 00 00 00 0A 13 0A 01", "12345678 PAD 1 07 water 85 00 [] 0000", "", "bcd@21"},
		{"short", "08 02 7A 55 00 00 00" + records, "85 00 [] 0000", "volume=0.001m3", ""},
		{"short, encrypted", "08 02 7A 55 00 20 07" + records, "85 00 [] 0720", "", "encrypted@9"},
		{"none", "08 02 78 " + records, "", "volume=0.001m3", ""},
		{"alarm", "08 02 71 40", "", "alarm=40", ""},
		{"alarm without a byte", "08 02 71", "", "", "truncated@7"},
		{"header cut", "08 02 72 78 56 34 12", "", "", "truncated@11"},
		{"short header cut", "08 02 7A 55 00", "", "", "truncated@9"},
		{"alarms and busy in C", "38 02 72 " + id + "55 00 00 00" + records, "12345678 PAD 1 07 water 85 00 [] 0000", "volume=0.001m3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Explain(long(t, c.frame))
			var fields []string
			for _, name := range []string{"id", "manufacturer", "version", "medium", "medium_name", "access_number", "status", "status_flags", "signature"} {
				if v := r.Frame.Get(name); v != nil {
					fields = append(fields, fmt.Sprint(v))
				}
			}
			if strings.Join(fields, " ") != c.fields || printed(r.Values) != c.values || codes(r) != c.codes {
				t.Errorf("%s\n%s, %v", strings.Join(fields, " "), printed(r.Values), r.Problems)
			}
		})
	}
}

// TestExplainApplicationErrors: a good frame that carries a refusal.
func TestExplainApplicationErrors(t *testing.T) {
	for code, text := range applicationErrors {
		r := Explain(long(t, fmt.Sprintf("08 02 70 %02X", code)))
		if !r.OK() || codes(r) != "refused@7" || r.Problems[0].Text != "meter refuses: "+text {
			t.Errorf("%d: %v", code, r.Problems)
		}
	}
	if r := Explain(long(t, "08 02 70")); !r.OK() || codes(r) != "refused@7" {
		t.Errorf("without a code: %v", r.Problems)
	}
}

// TestExplainFixed: the fixed structure (documentation 4.8, 6.2), BCD and binary, both byte orders.
func TestExplainFixed(t *testing.T) {
	for _, c := range []struct{ name, data, medium, values, codes string }{
		{"documentation", "78 56 34 12 0A 00 E9 7E 01 00 00 00 35 01 00 00", "water", "volume=1L, volume=135L[1 0 0]", ""},
		{"high byte first", "12 34 56 78 0A 00 7E E9 00 00 00 01 00 00 01 35", "water", "volume=1L, volume=135L[1 0 0]", ""},
		{"binary", "78 56 34 12 0A 01 E9 7F 00 01 00 00 35 01 00 00", "water", "volume=256L, number=309", ""},
		{"stored", "78 56 34 12 0A 02 05 40 01 00 00 00 59 30 12 00", "heat", "energy=1kWh[1 0 0], time=12:30:59[1 0 0]", ""},
		{"date", "78 56 34 12 0A 00 41 C1 26 06 15 00 26 06 15 00", "water mode 2", "date=15.06.26, date=15.06.26", ""},
		{"first remembers the second", "78 56 34 12 0A 00 3E 35 01 00 00 00 02 00 00 00", "other", "flow=1m3/h[1 0 0], flow=2m3/h", ""},
		{"temperature, HCA", "78 56 34 12 0A 00 38 39 01 20 00 00 02 00 00 00", "other", "temperature=2.001Cel, heat_cost_allocation=2", ""},
		{"BCD with a letter", "78 56 34 12 0A 00 29 3F 0A 00 00 00 35 01 00 00", "other", "", "bcd@15"},
		{"second BCD with a letter", "78 56 34 12 0A 00 29 3F 01 00 00 00 35 B1 00 00", "other", "volume=1L", "bcd@20"},
		{"reserved unit", "78 56 34 12 0A 00 3B 3F 01 00 00 00 35 01 00 00", "other", "", "unknown@13"},
		{"cut", "78 56 34 12 0A 00 29 3F 01 00 00 00 35 01 00", "", "", "truncated@22"},
		{"too long", "78 56 34 12 0A 00 29 3F 01 00 00 00 35 01 00 00 00", "", "", "length@23"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ci := "08 05 73"
			if c.name == "high byte first" {
				ci = "08 05 77"
			}
			r := Explain(long(t, ci+c.data))
			medium, _ := r.Frame.Get("medium_name").(string)
			if want := map[bool]string{true: "water", false: c.medium}[c.medium == "water mode 2"]; medium != want {
				t.Errorf("medium %q, want %q", medium, want)
			}
			if printed(r.Values) != c.values || codes(r) != c.codes || r.OK() != (c.codes == "") {
				t.Errorf("%s, %v", printed(r.Values), r.Problems)
			}
		})
	}
}

// TestExplainTimes: types F, G, I, J with what stands for "not set", "every" and "invalid".
func TestExplainTimes(t *testing.T) {
	for records, want := range map[string]string{
		"02 6C 00 00":             "| clock@21 note",
		"02 6C FF FF":             "| clock@21 note",
		"04 6D 00 00 00 00":       "| clock@21 note",
		"06 6D FF FF FF FF FF FF": "| clock@21 note",
		"02 6C FF 0C":             "date=2007-12-31T00:00:00|",
		"02 6C E1 F1":             "date=*-01-01T00:00|",
		"04 6D 3F 1F E0 FF":       "clock=*-*-*T*:*|",
		"04 6D 3B 2A 35 2C":       "clock=2017-12-21T10:59:00|",
		"04 6D 3B 4A 35 2C":       "clock=2117-12-21T10:59:00|",
		"04 6D BB 2A 35 2C":       "| clock@21",
		"04 6D 3C 2A 35 2C":       "| clock@21",
		"04 6D 3B 38 35 2C":       "| clock@21",
		"04 6D 3B 2A 35 2D":       "| clock@23",
		"06 6D 1E 3B 2A 35 2C 00": "clock=2017-12-21T10:59:30|",
		"06 6D 1E BB 2A 35 2C 00": "| clock@22",
		"06 6D 3C 3B 2A 35 2C 00": "| clock@21",
		"06 6D 1E 3B 2A 35 2D 00": "| clock@24",
		"03 6D 1F 01 16":          "clock=22:01:31|",
		"03 6D 3F 01 16":          "| clock@21",
		"01 6D 1F":                "| clock@21",
		"0C 6D 3B 2A 35 2C":       "| clock@21",
		"05 6D 3B 2A 35 2C":       "clock=2017-12-21T10:59:00|",
		"02 6C 1F 22":             "| clock@21",
		"02 6C 9F CC":             "| clock@21",
	} {
		if records[:2] == "05" { // a float is no time, but its bytes are those of type F
			continue
		}
		r := Explain(long(t, "08 02 72 78 56 34 12 24 40 01 07 55 00 00 00"+records))
		got := printed(r.Values) + "|"
		for _, p := range r.Problems {
			got += fmt.Sprintf(" %s@%d", p.Code, p.Offset)
			if p.Note {
				got += " note"
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", records, got, want)
		}
	}
}

// TestStoredValuesHaveTheirDate: a remembered value gets the date that the telegram says of its storage number, and
// nothing else does.
func TestStoredValuesHaveTheirDate(t *testing.T) {
	r := Explain(long(t, "08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 02 13 01 00 04 6D 3B 2A 35 2C 42 13 02 00 42 6C FF 0C 52 13 03 00 82 01 13 04 00 82 01 6C FF 0C 82 01 6C FE 0C"))
	var got []string
	for _, v := range r.Values {
		if v.Name == "volume" {
			got = append(got, fmt.Sprintf("%s %s %t", v.Number, v.At.Format("2006-01-02"), v.At.IsZero()))
		}
	}
	if s := strings.Join(got, ", "); s != "0.001 0001-01-01 true, 0.002 2007-12-31 false, 0.003 0001-01-01 true, 0.004 0001-01-01 true" {
		t.Errorf("got %s", s)
	}
}

// TestExplainTruncationAtEveryByte: of a frame that is cut, and of records that are cut in a frame that is not.
func TestExplainTruncationAtEveryByte(t *testing.T) {
	telegrams := lines(t, "testdata/telegrams.txt")
	for name, text := range telegrams {
		b := unhex(t, text)
		for n := range b {
			if r := Explain(b[:n]); r.OK() || len(r.Problems) != 1 || r.Problems[0].Code != telegram.Truncated || r.Problems[0].Offset != n {
				t.Fatalf("%s, %d bytes: %v", name, n, r.Problems)
			}
		}
		whole, _ := Parse(b)
		for n := range whole.Data {
			f := Frame{Kind: Long, C: whole.C, A: whole.A, CI: whole.CI, Data: whole.Data[:n]}
			r := Explain(f.Append(nil))
			for _, p := range r.Problems {
				if p.Code == telegram.Truncated && (p.Offset != 7+n || p.Note) {
					t.Fatalf("%s, %d bytes of data: %+v", name, n, p)
				}
			}
		}
	}
}

// TestExplainBadTelegrams: what libmbus keeps as examples of bad telegrams (test/error-frames, test/test-frames) and of
// such that it does not support (test/unsupported-frames).
func TestExplainBadTelegrams(t *testing.T) {
	for _, c := range []struct{ name, frame, codes, values string }{
		{"premature_end_of_data1", "68 1C 1C 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 DA 02 3B 13 01 8B 60 04 C7 16", "truncated@32", "volume=12.565m3, flow=0.113m3/h[5 0 0] maximum"},
		{"premature_end_of_data2", "68 1E 1E 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 DA 02 3B 13 01 8B 60 04 37 18 16 16", "truncated@34", "volume=12.565m3, flow=0.113m3/h[5 0 0] maximum"},
		{"premature_end_of_dif1", "68 1A 1A 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 DA 02 3B 13 01 8B 63 16", "truncated@30", "volume=12.565m3, flow=0.113m3/h[5 0 0] maximum"},
		{"premature_end_of_vif1", "68 1B 1B 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 DA 02 3B 13 01 8B 60 C3 16", "truncated@31", "volume=12.565m3, flow=0.113m3/h[5 0 0] maximum"},
		{"premature_end_of_var_vif1", "68 2E 2E 68 08 05 72 34 08 00 54 96 15 32 00 F2 00 00 00 01 FD 1B 00 02 FC 03 48 52 25 74 D4 11 22 FC 03 48 52 25 74 C8 11 12 FC 13 48 52 25 74 B4 16 5B 16",
			"truncated@50", "digital_input=0, plain_text=45.64%RH, plain_text=45.52%RH minimum"},
		{"too_long_var_vif", "68 2E 2E 68 08 05 72 34 08 00 54 96 15 32 00 F2 00 00 00 01 FD 1B 00 02 FC 03 48 52 25 74 D4 11 22 FC 03 48 52 25 74 C8 11 12 FC F3 48 52 25 74 B4 16 3B 16",
			"truncated@50", "digital_input=0, plain_text=45.64%RH, plain_text=45.52%RH minimum"},
		{"too_many_dife", "68 29 29 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 DA 02 3B 13 01 8B 8B 8B 8B 8B 8B 8B 8B 8B 8B 8B 60 04 37 18 02 86 16", "content@40", "volume=12.565m3, flow=0.113m3/h[5 0 0] maximum"},
		{"too_many_vife", "68 2A 2A 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 DA 02 3B 13 01 8B 60 84 84 84 84 84 84 84 84 84 84 84 04 37 18 02 C4 16", "content@42", "volume=12.565m3, flow=0.113m3/h[5 0 0] maximum"},
		{"too_short_header", "68 08 08 68 08 02 72 78 56 34 12 24 B4 16", "truncated@12", ""},
		{"invalid_length", "68 00 00 68 08 16", "length@1", ""},
		{"invalid_length2", "68 12 12 68 08 01 73 93 92 91 90 10 00 05 69 31 65 00 00 69 00 00 3F 16", "truncated@22", ""},
		{"manual_frame5", "68 0D 0D 68 53 FE 51 07 79 04 03 02 01 24 40 01 04 95 16", "", "identification=01020304.PAD.01.04"},
		{"manual_frame6", "68 0F 0F 68 53 FE 51 0C 79 78 56 34 12 0C 06 07 01 00 00 55 16", "", "identification=12345678, energy=107000Wh"},
	} {
		r := Explain(unhex(t, c.frame))
		if codes(r) != c.codes || printed(r.Values) != c.values || r.OK() != (c.codes == "") {
			t.Errorf("%s: %s, %v", c.name, printed(r.Values), r.Problems)
		}
	}
	// A maker's code that the standard reserves (FD 7C) is passed over; what comes behind it is read.
	r := Explain(unhex(t, "68 96 96 68 08 00 72 04 11 29 00 7A 32 29 20 0C 28 00 00 0C 78 20 71 04 00 06 FD 0C FC 03 6D 00 2D 00 0D FD 0B 06 35 33 32 44 56 52 81 30 FD 7C 01 81 20 FD 7C 00 01 FD 7C 00 0F 02 78 04 00 02 7A 04 00 32 00 1E 09 32 08 00 00 34 10 00 00 00 00 31 18 00 34 18 FF FF FF FF 71 18 00 74 18 FF FF FF FF B1 01 18 00 B4 01 18 FF FF FF FF F1 01 18 00 F4 01 18 FF FF FF FF B1 02 18 00 B4 02 18 FF FF FF FF F1 02 18 00 31 28 00 34 28 FF FF FF FF 71 28 00 01 01 00 01 09 00 24 16"))
	if !r.OK() || codes(r) != "unknown@46 unknown@51 unknown@55" || printed(r.Values) != "fabrication_number=00047120, model=193280672764, parameter_set=RVD235" {
		t.Errorf("siemens_rvd235: %s, %v", printed(r.Values), r.Problems)
	}
}

// TestMakersExtensionsTellValuesApart: a meter that counts its phases behind FF (libmbus, FIN-Finder-7E.23.8.230.0020).
func TestMakersExtensionsTellValuesApart(t *testing.T) {
	r := Explain(unhex(t, "68 38 38 68 08 19 72 07 62 00 23 2E 19 23 02 92 00 00 00 8C 10 04 68 28 17 00 8C 11 04 68 28 17 00 02 FD C9 FF 01 E6 00 02 FD DB FF 01 06 00 02 AC FF 01 09 00 82 40 AC FF 01 FD FF 5B 16"))
	want := "energy=1728680Wh[0 1 0], energy=1728680Wh[2 1 0], voltage_manufacturer_specific_01=230V, current_manufacturer_specific_01=0.6A, " +
		"power_manufacturer_specific_01=90W, power_manufacturer_specific_01=-30W[0 0 1]"
	if got := printed(r.Values); got != want || !r.OK() {
		t.Errorf("got %s, %v", got, r.Problems)
	}
}

// TestExplainEveryWrongByte: one changed byte of a telegram never goes unnoticed, and never gives a value.
func TestExplainEveryWrongByte(t *testing.T) {
	for _, text := range lines(t, "testdata/telegrams.txt") {
		b := unhex(t, text)
		for i := range b {
			b[i] ^= 0x41
			if r := Explain(b); r.OK() || len(r.Values) > 0 {
				t.Fatalf("byte %d of %s: %+v", i, text, r)
			}
			b[i] ^= 0x41
		}
	}
}

func TestExplainDamage(t *testing.T) {
	for _, c := range []struct {
		name      string
		at        int
		to        byte
		code      string
		offset    int
		want, got string
	}{
		{"checksum", 35, 0xFF, telegram.Checksum, 35, "18", "FF"},
		{"stop", 36, 0x17, telegram.Stop, 36, "16", "17"},
		{"first length", 1, 0x1E, telegram.Length, 1, "1F", "1E"},
		{"second length", 2, 0x20, telegram.Length, 2, "1F", "20"},
		{"second start", 3, 0x69, telegram.Start, 3, "68", "69"},
		{"first start", 0, 0x69, telegram.Start, 0, "68", "69"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, variable)
			b[c.at] = c.to
			r := Explain(b)
			if r.OK() || len(r.Problems) != 1 {
				t.Fatalf("report %+v", r)
			}
			if p := r.Problems[0]; p.Code != c.code || p.Offset != c.offset || p.Want != c.want || p.Got != c.got {
				t.Errorf("problem %+v", p)
			}
		})
	}
	b := unhex(t, variable)
	b[1], b[2] = 0x20, 0x20 // both lengths alike, and wrong
	if r := Explain(b); codes(r) != "length@1" || r.Problems[0].Want != "1F" {
		t.Errorf("problems %v", r.Problems)
	}
}

// FuzzExplain: whatever comes, no panic, no value of a damaged frame, every problem within the bytes.
func FuzzExplain(f *testing.F) {
	for _, text := range lines(f, "testdata/telegrams.txt") {
		f.Add(unhex(f, text))
	}
	f.Add(unhex(f, fixed))
	f.Add(long(f, "53 FD 52 78 56 34 12 FF FF FF FF 0C 78 04 03 02 01"))
	f.Add(long(f, "53 01 51 08 13 C8 3F 6D"))
	f.Add(long(f, "08 02 76 12 34 56 78 40 24 01 07 55 00 00 00 0A 13 0A 01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Explain(b)
		if r.Length > len(b) || r.Fit < telegram.FitWhole && (r.OK() || len(r.Values) > 0) {
			t.Errorf("% X: %+v", b, r)
		}
		for _, p := range r.Problems {
			if p.Offset < 0 || p.Offset > len(b) || meter.Code(p) == "error" || p.Text == "" {
				t.Errorf("% X: problem %+v", b, p)
			}
		}
		if whole, n, p := parse(b); p == nil && string(whole.Append(nil)) != string(b[:n]) {
			t.Errorf("% X encoded again: % X", b, whole.Append(nil))
		}
	})
}

// FuzzRecords: records behind a good header, where the interesting things are.
func FuzzRecords(f *testing.F) {
	f.Add(unhex(f, "02 13 01 00 DA 02 3B 13 01 8B 60 04 37 18 02"))
	f.Add(unhex(f, "0D FC 20 03 43 42 41 C9 99 99 99 99 99 99 99 99 99"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, ci := range []byte{ciVariable, ciVariableHi} {
			data := append([]byte{0x78, 0x56, 0x34, 0x12, 0x24, 0x40, 1, 7, 0x55, 0, 0, 0}, b[:min(len(b), 240)]...)
			frame := Frame{Kind: Long, C: rspUd, A: 1, CI: ci, Data: data}
			r := Explain(frame.Append(nil))
			if r.Fit != telegram.FitWhole {
				t.Fatalf("report %+v", r)
			}
			for _, p := range r.Problems {
				if p.Offset < 7 || p.Offset > 7+len(data) || meter.Code(p) == "error" {
					t.Errorf("% X: problem %+v", b, p)
				}
			}
		}
	})
}
