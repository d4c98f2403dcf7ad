package telegram

import (
	"encoding/json"
	"testing"

	"tally/meter"
)

func TestReportIsGoodOnlyWhenWhole(t *testing.T) {
	note := &Problem{Code: Ambiguous, Note: true, Class: meter.ErrMalformed}
	for _, c := range []struct {
		name string
		r    Report
		want bool
	}{
		{"whole", Report{Fit: FitWhole}, true}, {"whole with a note", Report{Fit: FitWhole, Problems: []*Problem{note}}, true},
		{"whole with a fault", Report{Fit: FitWhole, Problems: []*Problem{note, {Code: BCD}}}, false}, {"mended", Report{Fit: FitMended}, false},
		{"shape only", Report{Fit: FitShape}, false}, {"nothing", Report{}, false},
	} {
		if c.r.OK() != c.want {
			t.Errorf("%s: %t", c.name, c.r.OK())
		}
	}
}

func TestFieldsKeepTheirOrder(t *testing.T) {
	var f Fields
	f.Add("z", 1)
	f.Add("a", "<text>")
	f.Add("list", []int{})
	b, err := json.Marshal(f)
	if err != nil || string(b) != `{"z":1,"a":"\u003ctext\u003e","list":[]}` {
		t.Errorf("%s, %v", b, err)
	}
	if f.Get("a") != "<text>" || f.Get("b") != nil {
		t.Error("parts are not found")
	}
	if b, _ := json.Marshal(Fields{}); string(b) != "{}" {
		t.Errorf("no parts: %s", b)
	}
	f.Add("bad", func() {})
	if _, err := json.Marshal(f); err == nil {
		t.Error("what is no JSON is accepted")
	}
}

func TestShiftAndFault(t *testing.T) {
	var r Report
	shared := &Problem{Code: Start, Offset: 2}
	r.Fault(nil)
	r.Fault(shared)
	r.Shift(5)
	if len(r.Problems) != 1 || r.Problems[0].Offset != 7 || shared.Offset != 2 {
		t.Errorf("%+v, %+v", r.Problems, shared)
	}
}

// TestMend: one wrong byte is found, two are not, and a right frame has none.
func TestMend(t *testing.T) {
	parts := []Part{{At: 0, Want: 1, Code: Start, Text: "a"}, {At: 2, Want: 3, Code: Stop, Text: "b"}, {At: 9, Want: 9}}
	whole := func(b []byte) bool { return string(b) == "\x01\x02\x03" }
	for _, c := range []struct {
		b    []byte
		want string
	}{{[]byte{1, 2, 3}, ""}, {[]byte{7, 2, 3}, "start"}, {[]byte{1, 2, 9}, "stop"}, {[]byte{7, 2, 9}, ""}, {[]byte{1, 7, 3}, ""}} {
		before := string(c.b)
		p := Mend(c.b, parts, whole, meter.ErrChecksum)
		if (p == nil) != (c.want == "") || p != nil && (p.Code != c.want || p.Want != Hex(parts[map[string]int{"start": 0, "stop": 1}[c.want]].Want)) {
			t.Errorf("% X: %+v", c.b, p)
		}
		if string(c.b) != before {
			t.Error("the frame itself was changed")
		}
	}
}

func TestASCII(t *testing.T) {
	for in, want := range map[string]string{"220V": "220V", "\x00\x00A1 \x00": "A1", "a\x1bb\xff": "a.b.", "": "", "  x ": "x"} {
		if got := ASCII([]byte(in)); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
