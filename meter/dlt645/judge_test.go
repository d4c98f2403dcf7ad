package dlt645

import (
	"errors"
	"strings"
	"testing"

	"tally/meter"
	"tally/meter/line"
)

// judgement runs expect as the line does and tells what the answer was.
func judgement(b []byte, expect func([]byte) (line.Verdict, error)) (answer []byte, waits bool, err error) {
	for len(b) > 0 {
		v, err := expect(b)
		switch {
		case err != nil:
			return nil, false, err
		case v.Drop > 0:
			b = b[min(v.Drop, len(b)):]
		case v.Need <= len(b):
			return b[:v.Need], false, nil
		default:
			return nil, true, nil
		}
	}
	return nil, true, nil
}

var ours = Address{0x29, 0x25, 0x07, 0x07, 0x21, 0x20}

func question() Frame { return Frame{Address: ours, Control: Read07, Data: Combined.bytes()} }

func TestTrapsOfAnswers(t *testing.T) {
	right := string(unhex(t, answer07))
	framed := func(a Address, control byte, data string) string {
		return string(Frame{Address: a, Control: control, Data: unhex(t, data)}.Append(nil))
	}
	bad := []byte(right)
	bad[15] ^= 1
	asked := string(question().Append(nil))
	for _, c := range []struct {
		name, bytes string
		accepted    bool
		err         error
	}{
		{"no preamble", right, true, nil},
		{"4 FE", strings.Repeat("\xFE", 4) + right, true, nil},
		{"20 FE", strings.Repeat("\xFE", 20) + right, true, nil},
		{"junk in front", "\x00\xFF\x13" + right, true, nil},
		{"a 68 in the junk", "\x68\x29" + right, true, nil},
		{"our own question first", asked + right, true, nil},
		{"two frames glued", right + right, true, nil},
		{"another meter's answer first", framed(Address{1}, 0x91, "00000000 76170300") + right, true, nil},
		{"the answer to an older question first", framed(ours, 0x91, "00000100 11110000") + right, true, nil},
		{"a CJ/T 188 frame first", "\x68\x10\x44\x33\x22\x11\x00\x33\x78\x81\x03\x90\x1F\x00\x00\x16" + right, true, nil},
		{"only another meter's answer", framed(Address{1}, 0x91, "00000000 76170300"), false, nil},
		{"only another item", framed(ours, 0x91, "00000100 11110000"), false, nil},
		{"only our own question", asked, false, nil},
		{"damaged", string(bad), false, meter.ErrChecksum},
		{"refused", framed(ours, 0xD1, "02"), false, meter.ErrException},
		{"another control code", framed(ours, 0x94, ""), false, meter.ErrMalformed},
		{"answer of the other edition", framed(ours, 0x81, "1090 01000000"), false, meter.ErrMalformed},
		{"no value", framed(ours, 0x91, "00000000"), false, meter.ErrMalformed},
		{"no identifier", framed(ours, 0x91, "0000"), false, meter.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := &judge{request: question()}
			got, waits, err := judgement([]byte(c.bytes), j.expect)
			if (string(got) == right) != c.accepted || !errors.Is(err, c.err) || waits != (!c.accepted && c.err == nil) {
				t.Errorf("% X:\nanswer % X, waits %v, error %v", c.bytes, got, waits, err)
			}
		})
	}
	for n := 1; n < len(right); n++ { // byte by byte
		j := &judge{request: question()}
		if got, waits, err := judgement([]byte(right[:n]), j.expect); got != nil || !waits || err != nil {
			t.Errorf("%d bytes: % X, %v, %v", n, got, waits, err)
		}
	}
}

// FuzzAnswer: whatever comes, an accepted answer is whole, undamaged, ours, and about what was asked.
func FuzzAnswer(f *testing.F) {
	f.Add(unhex(f, answer07))
	f.Add(unhex(f, "FE FE 68 29 25 07 07 21 20 68 D1 01 35 3C 16"))
	f.Fuzz(func(t *testing.T, b []byte) {
		j := &judge{request: question()}
		got, _, err := judgement(b, j.expect)
		if err != nil && meter.Code(err) == "error" {
			t.Errorf("error %v has no class", err)
		}
		if got == nil {
			return
		}
		frame, err := Parse(got)
		item, _, _ := itemOf(Edition2007, frame.Data)
		if err != nil || frame.Address != ours || frame.Control != 0x91 || item != Combined {
			t.Errorf("accepted % X: %v", got, err)
		}
	})
}
