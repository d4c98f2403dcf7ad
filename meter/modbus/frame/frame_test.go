package frame

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"tally/meter"
	"tally/meter/profile"
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

// show prints the fields behind address and function, without the CRC.
func show(r telegram.Report) string {
	var parts []string
	for _, f := range r.Frame {
		switch f.Name {
		case "address", "function", "function_name", "crc", "transaction", "length":
			continue
		}
		parts = append(parts, fmt.Sprintf("%s=%v", f.Name, f.Value))
	}
	for _, v := range r.Values {
		s := v.Number.String() + string(v.Unit)
		if v.Text != "" {
			s = v.Text
		}
		parts = append(parts, v.Name+":"+s)
	}
	return strings.Join(parts, " ")
}

// Frames of simplymodbus.ca (RTU, with their CRC) unless another source is named.
var rtuVectors = []struct{ name, frame, want string }{
	{"read coils", "11 01 00 13 00 25 0E 84", "direction=request start=19 count=37"},
	{"coils", "11 01 05 CD 6B B2 0E 1B 45 E6", "direction=reply byte_count=5 coils=[1 0 1 1 0 0 1 1 1 1 0 1 0 1 1 0 0 1 0 0 1 1 0 1 0 1 1 1 0 0 0 0 1 1 0 1 1 0 0 0]"},
	{"read inputs", "11 02 00 C4 00 16 BA A9", "direction=request start=196 count=22"},
	{"read holding", "11 03 00 6B 00 03 76 87", "direction=request start=107 count=3"},
	{"holding", "11 03 06 AE 41 56 52 43 40 49 AD", "direction=reply byte_count=6 registers=[44609 22098 17216]"},
	{"read input", "11 04 00 08 00 01 B2 98", "direction=request start=8 count=1"},
	{"input", "11 04 02 00 0A F8 F4", "direction=reply byte_count=2 registers=[10]"},
	{"write coil", "11 05 00 AC FF 00 4E 8B", "direction=request or reply coil=172 on=true"},
	{"write register", "11 06 00 01 00 03 9A 9B", "direction=request or reply register=1 value=3"},
	{"write coils", "11 0F 00 13 00 0A 02 CD 01 BF 0B", "direction=request start=19 count=10 coils=[1 0 1 1 0 0 1 1 1 0]"},
	{"coils written", "11 0F 00 13 00 0A 26 99", "direction=reply start=19 count=10"},
	{"write registers", "11 10 00 01 00 02 04 00 0A 01 02 C6 F0", "direction=request start=1 count=2 registers=[10 258]"},
	{"registers written", "11 10 00 01 00 02 12 98", "direction=reply start=1 count=2"},
	{"exception", "0A 81 02 B0 53", "direction=exception exception=02 exception_name=illegal data address"},
}

func TestRTUVectors(t *testing.T) {
	for _, v := range rtuVectors {
		t.Run(v.name, func(t *testing.T) {
			b := unhex(t, v.frame)
			r := ExplainRTU(b, Options{})
			if !r.OK() || r.Length != len(b) || show(r) != v.want || r.Frame.Get("address") != int(b[0]) {
				t.Errorf("got %s, %v\nwant %s", show(r), r.Problems, v.want)
			}
		})
	}
}

// rtu makes a frame of a PDU, tcp too.
func rtu(t testing.TB, pdu string) []byte {
	b := append([]byte{0x11}, unhex(t, pdu)...)
	return binary.LittleEndian.AppendUint16(b, CRC(b))
}

func tcp(t testing.TB, pdu string) []byte {
	p := unhex(t, pdu)
	b := binary.BigEndian.AppendUint16([]byte{0x15, 0x01, 0, 0}, uint16(len(p)+1))
	return append(append(b, 0x11), p...)
}

// TestPDUs: forms beyond the vectors, of the examples of the Application Protocol where it has one; both framings.
func TestPDUs(t *testing.T) {
	for _, c := range []struct {
		name, pdu, want string
		code            string
		offset          int // from the function code
	}{
		{"2B/0E question", "2B 0E 01 00", "direction=request read_code=basic object=00", "", 0},
		{"2B/0E answer", "2B 0E 01 01 00 00 02 00 03 41 43 45 02 05 56 32 2E 31 31",
			"direction=reply read_code=basic conformity=01 more=false next_object=00 vendor:ACE revision:V2.11", "", 0},
		{"2B/0E private object", "2B 0E 04 81 00 00 01 80 01 41", "direction=reply read_code=one object conformity=81 more=false next_object=00 object_80:A", "", 0},
		{"2B/0E object cut", "2B 0E 01 01 00 00 02 00 03 41 43 45 02 05 56", "data=0E 01 01 00 00 02 00 03 41 43 45 02 05 56", telegram.Truncated, 15},
		{"2B/0E more than said", "2B 0E 01 01 00 00 01 00 01 41 42", "data=0E 01 01 00 00 01 00 01 41 42", telegram.Length, 10},
		{"2B with another MEI", "2B 0D 01 00", "data=0D 01 00", telegram.Unknown, 1},
		{"2B with access 9", "2B 0E 09 00", "data=0E 09 00", telegram.Content, 2},
		{"11 question", "11", "direction=request", "", 0},
		{"11 answer", "11 05 54 41 4C 31 FF", "direction=reply data=54 41 4C 31 FF server_id:TAL1.", "", 0},
		{"11 wrong count", "11 06 54 41 4C 31 FF", "data=06 54 41 4C 31 FF", telegram.Length, 1},
		{"07", "07", "direction=request", "", 0}, {"07 answer", "07 6D", "direction=reply status=6D", "", 0},
		{"08", "08 00 00 A5 37", "direction=request or reply subfunction=0 value=42295", "", 0},
		{"16", "16 00 04 00 F2 00 25", "direction=request or reply register=4 and_mask=242 or_mask=37", "", 0},
		{"17", "17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF", "direction=request start=3 count=6 write_start=14 write_count=3 registers=[255 255 255]", "", 0},
		{"17 answer", "17 0C 00 FE 0A CD 00 01 00 03 00 0D 00 FF", "direction=reply byte_count=12 registers=[254 2765 1 3 13 255]", "", 0},
		{"17 wrong count", "17 00 03 00 06 00 0E 00 03 07 00 FF 00 FF 00 FF", "data=00 03 00 06 00 0E 00 03 07 00 FF 00 FF 00 FF", telegram.Length, 9},
		{"busy", "83 06", "direction=exception exception=06 exception_name=server device busy", telegram.Refused, 1},
		{"gateway", "84 0B", "direction=exception exception=0B exception_name=gateway target device failed to respond", telegram.Refused, 1},
		{"exception without a name", "83 77", "direction=exception exception=77", telegram.Refused, 1},
		{"exception too long", "83 02 00", "data=02 00", telegram.Length, 2},
		{"maker's own function", "41 01 02", "data=01 02", telegram.Control, 0},
		{"unknown function", "3F 01 02", "data=01 02", telegram.Control, 0},
		{"126 registers", "03 00 00 00 7E", "data=00 00 00 7E", telegram.Content, 3},
		{"no registers", "03 00 00 00 00", "data=00 00 00 00", telegram.Content, 3},
		{"odd byte count", "03 03 00 01 02", "direction=request start=768 count=258", "", 0},
		{"byte count too small", "03 02 00 01 02 03", "data=02 00 01 02 03", telegram.Length, 1},
		{"coil neither on nor off", "05 00 00 12 34", "data=00 00 12 34", telegram.Content, 3},
		{"write with a wrong byte count", "10 00 01 00 02 03 00 0A 01", "data=00 01 00 02 03 00 0A 01", telegram.Length, 5},
		{"either", "01 03 01 00 10", "direction=request start=769 count=16", telegram.Ambiguous, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "odd byte count" { // a request for 258 registers, or a reply with three bytes: neither
				c.want, c.code, c.offset = "data=03 00 01 02", telegram.Content, 3
			}
			for at, r := range map[int]telegram.Report{1: ExplainRTU(rtu(t, c.pdu), Options{}), 7: ExplainTCP(tcp(t, c.pdu), Options{})} {
				if show(r) != c.want {
					t.Errorf("got %s\nwant %s", show(r), c.want)
				}
				switch {
				case c.code == "" && len(r.Problems) > 0, c.code != "" && len(r.Problems) != 1:
					t.Errorf("problems %v, want %q", r.Problems, c.code)
				case c.code != "" && (r.Problems[0].Code != c.code || r.Problems[0].Offset != at+c.offset):
					t.Errorf("problem %+v, want %s at %d", r.Problems[0], c.code, at+c.offset)
				}
			}
		})
	}
}

func TestDamagedRTU(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		fit         telegram.Fit
		code        string
		offset      int
		want, got   string
	}{
		{"wrong CRC", "11 03 06 AE 41 56 52 43 40 49 AE", telegram.FitShape, telegram.Checksum, 9, "49 AD", "49 AE"},
		{"CRC high byte first", "11 03 00 6B 00 03 87 76", telegram.FitShape, telegram.Checksum, 6, "76 87", "87 76"},
		{"cut", "11 03 06 AE 41 56 52 43 40", telegram.FitStart, telegram.Checksum, 6, "82 A0", "52 43"},
		{"cut early", "11 03 06 AE 41", telegram.FitStart, telegram.Truncated, 5, "11 bytes", "5 bytes"},
		{"two bytes", "11 03", telegram.FitStart, telegram.Truncated, 2, "4 bytes", "2 bytes"},
		{"noise", "12 34 56", telegram.FitNothing, telegram.Truncated, 3, "4 bytes", "3 bytes"},
		{"unknown function, wrong CRC", "11 3F 01 02 03", telegram.FitNothing, telegram.Checksum, 3, "21 10", "02 03"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ExplainRTU(unhex(t, c.frame), Options{})
			if c.name == "cut" || c.name == "unknown function, wrong CRC" {
				b := unhex(t, c.frame)
				var want [2]byte
				binary.LittleEndian.PutUint16(want[:], CRC(b[:c.offset]))
				c.want = telegram.Hex(want[:]...)
			}
			if r.OK() || r.Fit != c.fit || len(r.Problems) != 1 || len(r.Values) > 0 {
				t.Fatalf("report %+v", r)
			}
			if p := r.Problems[0]; p.Code != c.code || p.Offset != c.offset || p.Want != c.want || p.Got != c.got {
				t.Errorf("problem %+v, want %s at %d: %s instead of %s", p, c.code, c.offset, c.want, c.got)
			}
		})
	}
}

func TestDamagedTCP(t *testing.T) {
	for _, c := range []struct {
		name, frame, code string
		fit               telegram.Fit
		offset            int
	}{
		{"half a header", "00 01 00 00 00", telegram.Truncated, telegram.FitStart, 5},
		{"another protocol", "00 01 00 02 00 06 11 03 00 6B 00 03", telegram.Start, telegram.FitMended, 3},
		{"quite another protocol", "00 01 12 34 00 06 11 03 00 6B 00 03", telegram.Start, telegram.FitNothing, 2},
		{"length 1", "00 01 00 00 00 01 11 03", telegram.Length, telegram.FitHeader, 4},
		{"length 255", "00 01 00 00 00 FF 11 03", telegram.Length, telegram.FitHeader, 4},
		{"length one too large", "00 01 00 00 00 07 11 03 00 6B 00 03", telegram.Length, telegram.FitMended, 5},
		{"length one too small", "00 01 00 00 00 05 11 03 00 6B 00 03", telegram.Length, telegram.FitMended, 5},
		{"length with a high byte", "00 01 00 00 01 06 11 03 00 6B 00 03", telegram.Length, telegram.FitMended, 4},
		{"cut", "00 01 00 00 00 06 11 03 00 6B", telegram.Truncated, telegram.FitHeader, 10},
		{"unknown function", "00 01 00 00 00 03 11 3F 00", telegram.Control, telegram.FitShape, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ExplainTCP(unhex(t, c.frame), Options{})
			if r.OK() || r.Fit != c.fit || len(r.Problems) != 1 || r.Problems[0].Code != c.code || r.Problems[0].Offset != c.offset {
				t.Errorf("fit %d, %+v, want %s at %d", r.Fit, r.Problems, c.code, c.offset)
			}
		})
	}
}

func TestLengthBehindTheFrame(t *testing.T) {
	for name, r := range map[string]telegram.Report{
		"rtu": ExplainRTU(unhex(t, "11 03 00 6B 00 03 76 87 FF FF"), Options{}),
		"tcp": ExplainTCP(unhex(t, "00 01 00 00 00 06 11 03 00 6B 00 03 FF FF"), Options{}),
	} {
		want := map[string]int{"rtu": 8, "tcp": 12}[name]
		if !r.OK() || r.Length != want {
			t.Errorf("%s: %d bytes, %v", name, r.Length, r.Problems)
		}
	}
}

// model has two requests that can be told apart by their length and one pair that cannot.
func model(t *testing.T) *profile.Profile {
	p, err := profile.Parse("test", []byte(`
model = "test"
source = "none"
protocol = "modbus"
[[register]]
name = "volume"
address = 8
type = "u32"
scale = 2
unit = "m3"
[[register]]
name = "flow"
address = 100
type = "f32"
unit = "m3/h"
[[register]]
name = "battery"
address = 200
type = "u16"
unit = "V"
`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRegistersOfAModel(t *testing.T) {
	for _, c := range []struct {
		name, pdu, want, code string
		from                  int
	}{
		{"by the plan", "03 02 00 24", "direction=reply byte_count=2 registers=[36] start=200 battery:36V", "", -1},
		{"two requests are as long", "03 04 00 00 FA 33", "direction=reply byte_count=4 registers=[0 64051]", telegram.Ambiguous, -1},
		{"by the first register", "03 04 00 00 FA 33", "direction=reply byte_count=4 registers=[0 64051] volume:640.51m3", "", 8},
		{"no request is as long", "03 06 00 00 FA 33 00 00", "direction=reply byte_count=6 registers=[0 64051 0]", telegram.Unknown, -1},
		{"first register in front of it", "03 06 00 00 00 00 FA 33", "direction=reply byte_count=6 registers=[0 0 64051] volume:640.51m3", "", 7},
		{"not a number", "03 04 7F C0 00 00", "direction=reply byte_count=4 registers=[32704 0]", telegram.Content, 100},
		{"other table", "04 02 00 24", "direction=reply byte_count=2 registers=[36]", telegram.Unknown, -1},
		{"written", "10 00 08 00 02 04 00 00 FA 33", "direction=request start=8 count=2 registers=[0 64051] volume:640.51m3", "", -1},
		{"one written", "06 00 C8 00 24", "direction=request or reply register=200 value=36 battery:36V", "", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ExplainRTU(rtu(t, c.pdu), Options{Profile: model(t), From: c.from, HasFrom: c.from >= 0})
			code := ""
			if len(r.Problems) > 0 {
				code = r.Problems[0].Code
			}
			if show(r) != c.want || code != c.code || r.OK() != (c.code != telegram.Content) {
				t.Errorf("got %s, %v\nwant %s", show(r), r.Problems, c.want)
			}
			if c.code == telegram.Content && r.Problems[0].Offset != 3 {
				t.Errorf("offset %d, want that of the register", r.Problems[0].Offset)
			}
		})
	}
}

// TestAnswerAfterItsQuestion: the question says which registers an answer carries; another's question does not.
func TestAnswerAfterItsQuestion(t *testing.T) {
	ask := func(pdu string) (*Question, *Question) {
		return QuestionOf(ExplainRTU(rtu(t, pdu), Options{})), QuestionOf(ExplainTCP(tcp(t, pdu), Options{}))
	}
	for _, c := range []struct{ name, question, answer, want string }{
		{"registers", "03 00 08 00 02", "03 04 00 00 FA 33", "direction=reply start=8 byte_count=4 registers=[0 64051] volume:640.51m3"},
		{"more registers", "03 00 00 00 02", "03 04 00 00 FA 33", "direction=reply start=0 byte_count=4 registers=[0 64051]"},
		{"another function", "04 00 08 00 02", "03 04 00 00 FA 33", "direction=reply byte_count=4 registers=[0 64051]"},
		{"another count", "03 00 08 00 03", "03 04 00 00 FA 33", "direction=reply byte_count=4 registers=[0 64051]"},
		{"coils", "01 00 13 00 0A", "01 02 CD 01", "direction=reply start=19 byte_count=2 coils=[1 0 1 1 0 0 1 1 1 0 0 0 0 0 0 0]"},
		{"what could be a request", "01 03 00 00 18", "01 03 01 00 10", "direction=reply start=768 byte_count=3 coils=[1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0]"},
		{"no question", "06 00 01 00 02", "03 04 00 00 FA 33", "direction=reply byte_count=4 registers=[0 64051]"},
	} {
		onRTU, onTCP := ask(c.question)
		o := Options{Profile: model(t)}
		o.Asked = onRTU
		r := ExplainRTU(rtu(t, c.answer), o)
		o.Asked = onTCP
		if s := ExplainTCP(tcp(t, c.answer), o); show(r) != c.want || show(s) != c.want {
			t.Errorf("%s: %s\n%s\nwant %s", c.name, show(r), show(s), c.want)
		}
	}
	// A question of another transaction or of a damaged frame is none of this answer's.
	_, other := ask("03 00 08 00 02")
	other.Transaction++
	if r := ExplainTCP(tcp(t, "03 04 00 00 FA 33"), Options{Profile: model(t), Asked: other}); len(r.Values) > 0 {
		t.Errorf("another transaction: %s", show(r))
	}
	if q := QuestionOf(ExplainRTU(unhex(t, "11 03 00 08 00 02 00 00"), Options{})); q != nil {
		t.Errorf("damaged question: %+v", q)
	}
	onRTU, _ := ask("03 00 00 00 02")
	if r := ExplainRTU(rtu(t, "03 04 00 00 FA 33"), Options{Profile: model(t), Asked: onRTU, From: 8, HasFrom: true}); len(r.Values) != 1 {
		t.Errorf("what the caller names counts more: %s", show(r))
	}
}

// FuzzExplain: never a panic, and every problem is within the bytes and of a class.
func FuzzExplain(f *testing.F) {
	for _, v := range rtuVectors {
		b := unhex(f, v.frame)
		f.Add(b, 0)
		f.Add(append([]byte{0, 1, 0, 0, 0, byte(len(b) - 2)}, b[:len(b)-2]...), 8)
	}
	f.Fuzz(func(t *testing.T, b []byte, from int) {
		o := Options{From: from & 0xFFFF, HasFrom: from >= 0}
		for _, r := range []telegram.Report{ExplainRTU(b, o), ExplainTCP(b, o)} {
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
