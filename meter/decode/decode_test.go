package decode

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"tally/meter"
	"tally/meter/cjt188"
	"tally/meter/dlt645"
	"tally/meter/mbus"
	"tally/meter/modbus/frame"
	"tally/meter/profile"
	"tally/meter/telegram"
)

// Published frames: of CJ/T 188 and DL/T 645 as technicians copy them, of the M-Bus documentation 4.8, of the Modbus
// specifications.
const (
	ask188    = "68 10 18 02 12 20 20 00 00 01 03 90 1F 00 97 16"
	copied188 = "68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 08 16"
	good188   = "68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 13 16"
	heat188   = "68 20 32 41 31 40 00 00 00 81 2E 90 1F 01 08 02 00 00 00 08 02 00 00 00 17 00 00 00 00 35 00 00 00 00 2C 34 10 00 00 35 25 00 66 25 00 00 00 00 53 00 12 10 07 15 20 00 00 31 16"
	litres188 = "68 10 43 76 32 51 00 00 00 81 16 90 1F 00 47 70 01 00 29 51 48 01 00 29 20 22 05 28 20 58 24 00 00 A7 16"
	fine188   = "68 10 43 76 32 51 00 00 00 81 16 90 1F 00 47 70 01 00 29 51 48 01 00 29 20 22 05 28 20 58 24 00 00 A9 16"
	ask97     = "68 54 07 13 00 80 13 68 01 02 43 C3 DA 16"
	answer97  = "68 54 07 13 00 80 13 68 81 06 43 C3 34 33 33 33 2B 16"
	ask07     = "68 29 25 07 07 21 20 68 11 04 33 33 33 33 4E 16"
	answer07  = "68 29 25 07 07 21 20 68 91 08 33 33 33 33 A9 4A 36 33 2E 16"
	longMBus  = "68 1F 1F 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00 03 13 15 31 00 DA 02 3B 13 01 8B 60 04 37 18 02 18 16"
	fixedMBus = "68 13 13 68 08 05 73 78 56 34 12 0A 00 E9 7E 01 00 00 00 35 01 00 00 3C 16"
	askRTU    = "11 03 00 6B 00 03 76 87"
	answerRTU = "11 03 06 AE 41 56 52 43 40 49 AD"
	askTCP    = "15 01 00 00 00 06 FF 03 00 04 00 01"
)

// summary is protocol, ok, values and problems in one line.
func summary(r telegram.Report) string {
	l := NewLine(r)
	s := l.Protocol + " bad"
	if l.OK {
		s = l.Protocol + " ok"
	}
	for _, v := range l.Values {
		s += " " + v.Name + "=" + v.Value + v.Unit
	}
	for _, p := range r.Problems {
		s += " ! " + p.Code + "@" + itoa(p.Offset)
		if p.Want != "" {
			s += " " + p.Got + "→" + p.Want
		}
	}
	return s
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// TestProtocolIsFound: each published frame without being told its protocol, and the same told.
func TestProtocolIsFound(t *testing.T) {
	for _, c := range []struct{ name, frame, want string }{
		{"188 read address", "68 AA AA AA AA AA AA AA AA 03 03 81 0A 00 49 16", "cjt188 ok"},
		{"188 question", ask188, "cjt188 ok"},
		{"188 answer", good188, "cjt188 ok volume=556677.00m3 volume_settlement=556677.00m3 clock=2015-05-11T22:01:31 valve=closed battery=good status=21 84"},
		{"188 valve open", "68 10 69 05 90 05 15 33 78 04 04 A0 17 01 55 50 16", "cjt188 ok valve_command=open"},
		{"188 valve opened", "68 10 69 05 90 05 15 33 78 84 05 A0 17 01 00 00 7C 16", "cjt188 ok valve=open battery=good status=00 00"},
		{"188 heat", heat188, "cjt188 ok energy_settlement=0.02MWh energy=0.02MWh power=0.00kW flow=0.0000m3/h volume=10.34m3 temperature_supply=25.35Cel temperature_return=25.66Cel operating_time=0h clock=2015-07-10T12:00:53 valve=open battery=good status=00 00"},
		{"188 gas valve", "68 30 03 00 00 00 00 00 00 04 04 17 A0 01 55 B0 16", "cjt188 ok valve_command=open"},
		{"188 gas address", "68 30 03 00 00 00 00 00 00 15 0A 18 A0 FF 05 00 00 00 00 00 00 76 16", "cjt188 ok address=00000000000005"},
		{"188 raw litres", fine188, "cjt188 ok volume=17047L volume_settlement=14851L clock=2022-05-28T20:58:24 valve=open battery=good status=00 00"},
		{"645 of 1997, question", ask97, "dlt645 ok"},
		{"645 of 1997", answer97, "dlt645 ok energy=0.01kWh"},
		{"645 of 2007, question", ask07, "dlt645 ok"},
		{"645 of 2007", answer07, "dlt645 ok energy=317.76kWh"},
		{"M-Bus acknowledge", "E5", "mbus ok"},
		{"M-Bus short", "10 5B 01 5C 16", "mbus ok"},
		{"M-Bus address", "68 06 06 68 53 FE 51 01 7A 08 25 16", "mbus ok bus_address=8"},
		{"M-Bus variable", longMBus, "mbus ok volume=12.565m3 flow=0.113m3/h energy=218370Wh"},
		{"M-Bus fixed", fixedMBus, "mbus ok volume=1L volume=135L"},
		{"RTU question", askRTU, "modbus-rtu ok"},
		{"RTU answer", answerRTU, "modbus-rtu ok"},
		{"RTU exception", "0A 81 02 B0 53", "modbus-rtu ok ! refused@2"},
		{"TCP question", askTCP, "modbus-tcp ok"},
		{"TCP answer", "15 01 00 00 00 05 FF 03 02 00 05", "modbus-tcp ok"},
		{"TCP exception", "15 01 00 00 00 03 FF 83 0B", "modbus-tcp ok ! refused@8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ok := Text(c.frame, Options{})
			if got := summary(r); !ok || got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			told, _ := Text(c.frame, Options{Protocol: r.Protocol})
			if summary(told) != c.want {
				t.Errorf("told %s", summary(told))
			}
			// Other protocols do not find themselves in it.
			for _, p := range Protocols()[1:] {
				if other, _ := Text(c.frame, Options{Protocol: p}); p != r.Protocol && other.OK() {
					t.Errorf("good as %s too", p)
				}
			}
		})
	}
}

// TestWhatIsWrong: the byte, what it is and what it should be.
func TestWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, frame, want string }{
		{"the most copied reply on the web", copied188, "cjt188 bad ! checksum@33 08→13"},
		{"raw litres, as published", litres188, "cjt188 bad ! checksum@33 A7→A9"},
		{"stop", strings.Replace(good188, "13 16", "13 17", 1), "cjt188 bad ! stop@34 17→16"},
		{"length of a 188 frame", strings.Replace(good188, "81 16", "81 17", 1), "cjt188 bad ! length@10 17→16"},
		{"645 checksum", strings.Replace(answer07, "2E 16", "2F 16", 1), "dlt645 bad ! checksum@18 2F→2E"},
		{"645 length", strings.Replace(answer07, "91 08", "91 07", 1), "dlt645 bad ! length@9 07→08"},
		{"M-Bus checksum", strings.Replace(longMBus, "18 16", "19 16", 1), "mbus bad ! checksum@35 19→18"},
		{"M-Bus lengths", strings.Replace(longMBus, "1F 1F", "1F 1E", 1), "mbus bad ! length@2 1E→1F"},
		{"M-Bus second start", strings.Replace(longMBus, "1F 68", "1F 67", 1), "mbus bad ! start@3 67→68"},
		{"M-Bus short checksum", "10 5B 01 5D 16", "mbus bad ! checksum@3 5D→5C"},
		{"RTU checksum", strings.Replace(answerRTU, "49 AD", "49 AE", 1), "modbus-rtu bad ! checksum@9 49 AE→49 AD"},
		{"RTU question, checksum", strings.Replace(askRTU, "76 87", "77 87", 1), "modbus-rtu bad ! checksum@6 77 87→76 87"},
		{"188 cut", good188[:60], "cjt188 bad ! truncated@20 20 bytes→35 bytes"},
		{"645 cut", answer07[:45], "dlt645 bad ! truncated@15 15 bytes→20 bytes"},
		{"M-Bus cut", longMBus[:60], "mbus bad ! truncated@20 20 bytes→37 bytes"},
		{"TCP cut", askTCP[:30], "modbus-tcp bad ! truncated@10 10 bytes→12 bytes"},
		{"188 BCD", strings.Replace(fine188, "47 70", "4A 70", 1), "cjt188 bad ! checksum@33 A9→AC"},

		{"FE once", "FE " + ask188, "cjt188 ok"},
		{"FE four times", "FE FE FE FE " + answer07, "dlt645 ok energy=317.76kWh"},
		{"FE twenty times", strings.Repeat("FE ", 20) + good188, "cjt188 ok volume=556677.00m3 volume_settlement=556677.00m3 clock=2015-05-11T22:01:31 valve=closed battery=good status=21 84"},
		{"FE only", "FE FE FE FE", "dlt645 bad ! truncated@4 0 bytes→12 bytes"},
		{"junk in front", "00 FF " + ask188, "cjt188 bad ! junk@0"},
		{"junk and FE in front", "12 68 FE FE " + ask188, "cjt188 bad ! junk@0"},
		{"junk in front of M-Bus", "AA " + longMBus, "mbus bad volume=12.565m3 flow=0.113m3/h energy=218370Wh ! junk@0"},
		{"glitch in front of RTU", "00 " + answerRTU, "modbus-rtu bad ! junk@0"},
		{"FE in front of M-Bus", "FE FE " + longMBus, "mbus bad volume=12.565m3 flow=0.113m3/h energy=218370Wh ! junk@0"},
		{"bytes behind", ask188 + " 00", "cjt188 bad ! trailing@16"},
		{"two 188 frames", ask188 + good188, "cjt188 bad ! trailing@16"},
		{"three 645 frames", answer97 + ask97 + answer07, "dlt645 bad energy=0.01kWh ! trailing@18"},
		{"two M-Bus frames", longMBus + fixedMBus, "mbus bad volume=12.565m3 flow=0.113m3/h energy=218370Wh ! trailing@37"},
		{"two acknowledges", "E5 E5", "mbus bad ! trailing@1"},
		{"two RTU frames", answerRTU + askRTU, "modbus-rtu bad ! trailing@11"},
		{"two TCP frames", askTCP + askTCP, "modbus-tcp bad ! trailing@12"},
		{"the question in front of its answer", askRTU + answerRTU, "modbus-rtu bad ! trailing@8"},
		{"a cut frame in front of a whole one", good188[:30] + good188, "cjt188 bad volume=556677.00m3 volume_settlement=556677.00m3 clock=2015-05-11T22:01:31 valve=closed battery=good status=21 84 ! junk@0"},
		{"nothing known", "12 34 56", "modbus-rtu bad ! truncated@3 3 bytes→4 bytes"},
		{"zeros", strings.Repeat("00", 300), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := Text(c.frame, Options{})
			if got := summary(r); c.want != "" && got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if r.Protocol == "" || !r.OK() && len(r.Problems) == 0 {
				t.Errorf("report %+v", r)
			}
		})
	}
	both, _ := Text(ask188+ask188, Options{})
	if p := both.Problems; len(p) != 1 || p[0].Offset != 16 || p[0].Text != "another frame begins here" {
		t.Errorf("two frames: %v", p)
	}
}

// TestDamagedFramesGiveNoValues: any one wrong byte of any published frame; nothing that it says is told as a value.
func TestDamagedFramesGiveNoValues(t *testing.T) {
	for _, text := range []string{good188, heat188, fine188, answer97, answer07, longMBus, fixedMBus, answerRTU} {
		b, _ := Hex(text)
		protocol := Frame(b, Options{}).Protocol
		for i := range b {
			for _, flip := range []byte{0x01, 0x80, 0xFF} {
				damaged := slices.Clone(b)
				damaged[i] ^= flip
				if r := Frame(damaged, Options{Protocol: protocol}); r.OK() || len(r.Values) > 0 && r.Fit < telegram.FitWhole {
					t.Errorf("%s, byte %d: %s", text, i, summary(r))
				}
			}
		}
	}
}

// TestCutFrames: each published frame cut at every byte is bad, with the place where it ends.
func TestCutFrames(t *testing.T) {
	for _, text := range []string{good188, heat188, answer97, answer07, longMBus, fixedMBus, askTCP} {
		b, _ := Hex(text)
		protocol := Frame(b, Options{}).Protocol
		for n := 1; n < len(b); n++ {
			r := Frame(b[:n], Options{Protocol: protocol})
			if r.OK() || len(r.Values) > 0 || len(r.Problems) != 1 || r.Problems[0].Code != telegram.Truncated || r.Problems[0].Offset != n {
				t.Errorf("%s, %d bytes: %s", text, n, summary(r))
			}
		}
	}
}

func TestHex(t *testing.T) {
	for text, want := range map[string]string{
		"6810": "6810", "68 10": "6810", "68:10": "6810", "68-10": "6810", "0x68,0x10": "6810", "0X68 0X10": "6810", "68H 10h": "6810", "68,10;fe": "6810FE",
		" 68\t10 \r\n": "6810", "68 10 # a comment zz": "6810", "#68": "", "": "", "aB": "AB", "68，10、FE": "6810FE", "\ufeff68 10": "6810", "0x6810": "6810", "68_10|16": "681016",
	} {
		b, p := Hex(text)
		if p != nil || strings.ReplaceAll(telegram.Hex(b...), " ", "") != want {
			t.Errorf("%q: % X, %v", text, b, p)
		}
	}
	for text, want := range map[string]struct {
		offset int
		got    string
	}{
		"68 1": {3, "1"}, "681": {2, "681"}, "zz": {0, "z"}, "68 1G": {4, "G"}, "68 0x": {5, "0x"}, "68 水 10": {3, "水"}, "68.10": {2, "."}, "0x68 0x1": {7, "0x1"}, "h": {0, "h"},
	} {
		b, p := Hex(text)
		if p == nil || p.Code != telegram.NotHex || p.Offset != want.offset || p.Got != want.got || b != nil {
			t.Errorf("%q: % X, %+v, want %q at %d", text, b, p, want.got, want.offset)
		}
	}
	if _, p := Hex(strings.Repeat("00 ", mostBytes+1)); p == nil || p.Offset != 3*mostBytes {
		t.Errorf("too long: %+v", p)
	}
}

// TestArguments: words of one frame, or frames.
func TestArguments(t *testing.T) {
	words := strings.Fields(ask188)
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		{"one frame in quotes", []string{ask188}, 1}, {"one frame in words", words, 1},
		{"two frames in quotes", []string{ask188, good188}, 2}, {"two frames, one bad", []string{ask188, copied188}, 2}, {"two bad frames", []string{copied188, copied188[:80]}, 2},
		{"halves of a frame", []string{ask188[:23], ask188[24:]}, 1}, {"groups of two bytes", []string{"6810", "1802", "1220", "2000", "0001", "0390", "1F00", "9716"}, 1},
		{"preamble apart", []string{"FE FE", ask188}, 1}, {"two acknowledges", []string{"E5", "E5"}, 2}, {"acknowledge and frame", []string{"E5", longMBus}, 2},
		{"not hex", []string{"zz", "yy"}, 2}, {"a bad word", []string{"68", "zz", "16"}, 1}, {"no argument", []string{""}, 1},
	} {
		if got := Frames(c.args, Options{}); len(got) != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestNothing(t *testing.T) {
	if r := Frame(nil, Options{}); r.OK() || r.Problems[0].Code != telegram.Truncated || r.Protocol != "" {
		t.Errorf("report %+v", r)
	}
	for text := range map[string]bool{"": true, "  ": true, "# comment": true} {
		if _, ok := Text(text, Options{}); ok {
			t.Errorf("%q has a frame", text)
		}
	}
	if r, ok := Text("xx", Options{Protocol: MBus}); !ok || r.Protocol != MBus || r.OK() {
		t.Errorf("not hex: %+v", r)
	}
	if r, _ := Text("xx", Options{Protocol: Auto}); r.Protocol != "" {
		t.Errorf("not hex: %+v", r)
	}
}

// TestJSON: every key is there, in its order, and lists are never null.
func TestJSON(t *testing.T) {
	for text, want := range map[string]string{
		"E5": `{"protocol":"mbus","ok":true,"frame":{"type":"ack"},"values":[],"problems":[]}`,
		"zz": `{"protocol":"","ok":false,"frame":{},"values":[],"problems":[{"code":"hex","offset":0,"want":"0–9, A–F","got":"z","text":"is no hexadecimal digit"}]}`,
		answer97: `{"protocol":"dlt645","ok":true,"frame":{"address":"138000130754","edition":1997,"control":"81","function":"read","direction":"reply","length":6,"more":false,"di":"9010","data":"10 90 01 00 00 00"},` +
			`"values":[{"name":"energy","value":"0.01","unit":"kWh","storage":0,"tariff":0,"function":"instantaneous","at":""}],"problems":[]}`,
	} {
		r, _ := Text(text, Options{})
		b, err := json.Marshal(NewLine(r))
		if err != nil || string(b) != want {
			t.Errorf("%s: %s, %v", text, b, err)
		}
	}
}

func TestValuesInJSON(t *testing.T) {
	r, _ := Text(good188, Options{})
	l := NewLine(r)
	for i, want := range []LineValue{
		{Name: "volume", Value: "556677.00", Unit: "m3"}, {Name: "volume_settlement", Value: "556677.00", Unit: "m3"},
		{Name: "clock", Value: "2015-05-11T22:01:31", At: "2015-05-11T22:01:31"}, {Name: "valve", Value: "closed"}, {Name: "battery", Value: "good"},
		{Name: "status", Value: "21 84"},
	} {
		want.Function = "instantaneous"
		if l.Values[i] != want {
			t.Errorf("got %+v, want %+v", l.Values[i], want)
		}
	}
	r, _ = Text(longMBus, Options{})
	if v := NewLine(r).Values; v[1].Function != "maximum" || v[1].Storage != 5 || v[2].Tariff != 2 || v[2].Subunit != 1 {
		t.Errorf("got %+v", v)
	}
}

// TestModels: what a model says of its frames is used, each by its protocol.
func TestModels(t *testing.T) {
	catalog, err := profile.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range catalog.Models() {
		o := Options{}.With(p)
		if (o.Modbus.Profile != nil) != (p.Protocol == profile.Modbus) {
			t.Errorf("%s: %+v", p.Model, o)
		}
	}
	p := &profile.Profile{Protocol: profile.CJT188, CJT188: profile.CJT188Variant{Units: profile.Before, Clock: profile.HighFirst, Status: profile.Mirrored, Litres: 2, SwappedItem: true}}
	want := cjt188.Variant{Units: cjt188.Before, Clock: cjt188.HighFirst, Mirrored: true, Litres: 2, SwappedItem: true}
	if v := (Options{}).With(p).CJT188; v.Units != want.Units || v.Clock != want.Clock || v.Mirrored != want.Mirrored || v.Litres != 2 || !v.SwappedItem || v.NoStatus {
		t.Errorf("variant %+v", v)
	}
	own := &profile.Profile{Protocol: profile.DLT645, DLT645: profile.DLT645Variant{Edition: 2007, Items: []profile.Item645{{Code: 0, Name: "grid"}, {Code: 0x10000}}}}
	o := Options{}.With(own)
	if r, _ := Text(answer07, o); len(o.DLT645) != 1 || summary(r) != "dlt645 ok grid=317.76kWh" {
		t.Errorf("%s with %+v", summary(r), o.DLT645)
	}
}

// FuzzDecode: whatever text comes, one line comes out, and what it says of itself holds.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{ask188, copied188, good188, heat188, ask97, answer97, answer07, longMBus, fixedMBus, askRTU, answerRTU, askTCP, "E5", "zz", "68 1", "FE FE", ask188 + "00", "# x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := Text(s, Options{})
		if !ok {
			return
		}
		b, err := json.Marshal(NewLine(r))
		if err != nil || !json.Valid(b) {
			t.Fatalf("%q: %s, %v", s, b, err)
		}
		if !r.OK() && len(r.Problems) == 0 {
			t.Errorf("%q is bad without a reason", s)
		}
		for _, p := range r.Problems {
			if p.Offset < 0 || p.Offset > len(s) || meter.Code(p) == "error" || p.Code == "" {
				t.Errorf("%q: problem %+v", s, p)
			}
		}
	})
}

// FuzzRoundTrip: what our encoders write is found again as what it is.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7}, byte(0x81), []byte{0x90, 0x1F, 0})
	f.Fuzz(func(t *testing.T, address []byte, control byte, data []byte) {
		var a [7]byte
		copy(a[:], address)
		for want, b := range map[string][]byte{
			CJT188:    cjt188.Frame{Kind: cjt188.Gas, Address: a, Control: control, Data: data[:min(len(data), 0x64)]}.Append(nil),
			DLT645:    dlt645.Frame{Address: [6]byte(a[:6]), Control: control, Data: data[:min(len(data), 200)]}.Append(nil),
			MBus:      mbus.Frame{Kind: mbus.Long, C: control, A: a[0], CI: 0x72, Data: data}.Append(nil),
			ModbusRTU: rtu(a[0], control, data),
		} {
			r := Frame(b, Options{Protocol: want})
			if len(data) > 0 && (r.Fit < telegram.FitWhole || r.Length != len(b)) {
				t.Errorf("%s % X: %s", want, b, summary(r))
			}
		}
	})
}

func rtu(unit, function byte, data []byte) []byte {
	b := append([]byte{unit, function}, data[:min(len(data), 252)]...)
	crc := frame.CRC(b)
	return append(b, byte(crc), byte(crc>>8))
}

// TestPublishedTelegrams: the M-Bus telegrams of real meters are found without being told.
func TestPublishedTelegrams(t *testing.T) {
	f, err := os.Open("../mbus/testdata/telegrams.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for in := bufio.NewScanner(f); in.Scan(); {
		name, text, ok := strings.Cut(in.Text(), ": ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		n++
		r, _ := Text(text, Options{})
		if r.Protocol != MBus || !r.OK() {
			t.Errorf("%s: %s", name, summary(r))
		}
		// One wrong byte does not make it another protocol's.
		b, _ := Hex(text)
		for _, i := range []int{0, 1, 3, 6, len(b) / 2, len(b) - 2, len(b) - 1} {
			damaged := slices.Clone(b)
			damaged[i] ^= 0x10
			if r := Frame(damaged, Options{}); r.OK() || r.Protocol != MBus {
				t.Errorf("%s, byte %d: %s", name, i, summary(r))
			}
		}
	}
	if n < 40 {
		t.Errorf("%d telegrams", n)
	}
}
