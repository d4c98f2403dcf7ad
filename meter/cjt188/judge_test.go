package cjt188

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

// framed makes a frame of kind 10 from meter 78330011223344.
func framed(t *testing.T, control byte, data string) string {
	f := Frame{Kind: ColdWater, Address: Address{0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78}, Control: control, Data: unhex(t, data)}
	return string(f.Append(nil))
}

func TestTrapsOfAnswers(t *testing.T) {
	const values = "00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84"
	right := framed(t, 0x81, "1F 90 05"+values)
	question := framed(t, 0x01, "90 1F 05")
	bad := []byte(right)
	bad[15] ^= 1
	other := string(Frame{Kind: ColdWater, Address: Address{0x45}, Control: 0x81, Data: []byte(right)[11:33]}.Append(nil))
	kind := string(Frame{Kind: Gas, Address: Address{0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78}, Control: 0x81, Data: []byte(right)[11:33]}.Append(nil))
	cases := []struct {
		name, bytes string
		accepted    bool
		err         error
	}{
		{"no preamble", right, true, nil},
		{"1 FE", "\xFE" + right, true, nil},
		{"4 FE", strings.Repeat("\xFE", 4) + right, true, nil},
		{"20 FE", strings.Repeat("\xFE", 20) + right, true, nil},
		{"junk in front", "\x00\xFF\x13\x37" + right, true, nil},
		{"a 68 in the junk", "\x68\x10\x00" + right, true, nil},
		{"two 68 in the junk", "\x68\x68" + right, true, nil},
		{"a 68 and a control code in the junk", "\x68\x10\x44\x33\x22\x11\x00\x33\x78\x04\x40" + right, true, nil},
		{"our own question first", question + right, true, nil},
		{"two frames glued", right + right, true, nil},
		{"trailing bytes", right + "\x00\x68", true, nil},
		{"another meter's answer first", other + right, true, nil},
		{"another kind of meter first", kind + right, true, nil},
		{"the answer to an older question first", framed(t, 0x81, "1F 90 04"+values) + right, true, nil},
		{"an old refusal first", framed(t, 0xC1, "04 00 00") + right, true, nil},
		{"only our own question", question, false, nil},
		{"only another meter's answer", other, false, nil},
		{"another type", kind, false, nil},
		{"serial number not given back", framed(t, 0x81, "1F 90 00"+values), false, nil},
		{"damaged", string(bad), false, meter.ErrChecksum},
		{"refused", framed(t, 0xC1, "05 02 00"), false, meter.ErrException},
		{"another control code", framed(t, 0x84, "1F 90 05"+values), false, meter.ErrMalformed},
		{"another item", framed(t, 0x81, "D1 20 05 00 00 00 00 2C"), false, meter.ErrMalformed},
		{"no serial number", framed(t, 0x81, "1F 90"), false, meter.ErrChecksum},
		{"length 0", right[:10] + "\x00" + right[11:], false, nil},
		{"length FF", right[:10] + "\xFF" + right[11:], false, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			request := Request(ColdWater, Address{0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78}, Read, Current, 5, Variant{})
			j := &judge{request: request}
			got, waits, err := judgement([]byte(c.bytes), j.expect)
			if (string(got) == right) != c.accepted || !errors.Is(err, c.err) || waits != (!c.accepted && c.err == nil) {
				t.Errorf("% X:\nanswer % X, waits %v, error %v", c.bytes, got, waits, err)
			}
		})
	}
	for n := 1; n < len(right); n++ { // byte by byte
		j := &judge{request: Request(ColdWater, Address{0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78}, Read, Current, 5, Variant{})}
		if got, waits, err := judgement([]byte(right[:n]), j.expect); got != nil || !waits || err != nil {
			t.Errorf("%d bytes: % X, %v, %v", n, got, waits, err)
		}
	}
}

// FuzzAnswer: whatever comes, an accepted answer is whole, undamaged, ours, and to this question.
func FuzzAnswer(f *testing.F) {
	f.Add(unhex(f, good))
	f.Add(unhex(f, "FE FE 68 10 44 33 22 11 00 33 78 C1 03 00 02 00 8F 16"))
	f.Fuzz(func(t *testing.T, b []byte) {
		j := &judge{request: Request(ColdWater, Address{0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78}, Read, Current, 0, Variant{})}
		got, _, err := judgement(b, j.expect)
		if err != nil && meter.Code(err) == "error" {
			t.Errorf("error %v has no class", err)
		}
		if got == nil {
			return
		}
		frame, err := Parse(got)
		if err != nil || frame.Address != j.request.Address || frame.Kind != ColdWater || frame.Control != 0x81 || frame.Data[2] != 0 {
			t.Errorf("accepted % X: %v", got, err)
		}
	})
}
