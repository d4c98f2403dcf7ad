package modbus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"tally/meter"
	"tally/meter/line"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// framed adds the CRC.
func framed(t testing.TB, s string) []byte {
	b := unhex(t, s)
	sum := crc16(b)
	return append(b, byte(sum), byte(sum>>8))
}

func TestCRC(t *testing.T) {
	for _, frame := range []string{
		"01 03 00 00 00 0A C5 CD",          // TUF-2000F User Manual, 5.1
		"02 07 41 12",                      // Modbus over Serial Line V1.02, 6.2.2
		"11 03 00 6B 00 03 76 87",          // the usual example of the protocol's first description
		"11 03 06 AE 41 56 52 43 40 49 AD", // and its answer
	} {
		if b := unhex(t, frame); !crcOK(b) {
			t.Errorf("% X: CRC should be %04X, low byte first", b, crc16(b[:len(b)-2]))
		}
	}
	if crcOK([]byte{0xFF, 0xFF}) || crcOK(nil) {
		t.Error("a checksum of nothing is accepted")
	}
}

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

type verdictCase struct {
	name   string
	bytes  []byte
	answer int // length of what is accepted
	waits  bool
	err    error
}

func checkVerdicts(t *testing.T, cases []verdictCase, expect func([]byte) (line.Verdict, error)) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, waits, err := judgement(c.bytes, expect)
			if len(got) != c.answer || waits != c.waits || !errors.Is(err, c.err) {
				t.Errorf("% X: answer % X, waits %v, error %v; want %d bytes, %v, %v", c.bytes, got, waits, err, c.answer, c.waits, c.err)
			}
		})
	}
}

func TestTrapsOfRTUAnswers(t *testing.T) {
	good := framed(t, "11 03 06 AE41 5652 4340")
	bad := bytes.Clone(good)
	bad[4] ^= 1
	foreign := framed(t, "12 03 06 0000 0000 0000")
	cases := []verdictCase{
		{"good", good, 11, false, nil},
		{"trailing bytes", append(bytes.Clone(good), 0, 1, 2), 11, false, nil},
		{"two frames glued", append(bytes.Clone(good), good...), 11, false, nil},
		{"leading 00 and FF", append([]byte{0, 0xFF, 0}, good...), 11, false, nil},
		{"only 00", []byte{0, 0, 0}, 0, true, nil},
		{"damaged", bad, 0, false, meter.ErrChecksum},
		{"another meter's answer first", append(bytes.Clone(foreign), good...), 11, false, nil},
		{"another meter's answer only", foreign, 0, true, nil},
		{"another meter's frame of no known function", framed(t, "12 2B 06 00 00 00 00"), 0, false, meter.ErrForeign},
		{"exception", framed(t, "11 83 02"), 0, false, errRefused},
		{"exception damaged", append(framed(t, "11 83 02")[:3], 0, 0), 0, false, meter.ErrChecksum},
		{"exception in dribbles", framed(t, "11 83 02")[:4], 0, true, nil},
		{"exception to another question", framed(t, "11 84 02"), 0, false, meter.ErrMalformed},
		{"another function", framed(t, "11 04 06 AE41 5652 4340"), 0, false, meter.ErrMalformed},
		{"fewer registers than asked", framed(t, "11 03 04 AE41 5652"), 0, false, meter.ErrMalformed},
		{"more registers than asked", framed(t, "11 03 08 AE41 5652 4340 0000"), 0, false, meter.ErrMalformed},
		{"no registers", framed(t, "11 03 00"), 0, false, meter.ErrMalformed},
		{"odd byte count", framed(t, "11 03 05 AE41 5652 43"), 0, false, meter.ErrMalformed},
		{"byte count beyond a frame", framed(t, "11 03 FF 00"), 0, false, meter.ErrMalformed},
		{"our own request", framed(t, "11 03 006B 0003"), 0, false, meter.ErrChecksum},
	}
	for n := 1; n < len(good); n++ {
		cases = append(cases, verdictCase{"truncated at " + hex.EncodeToString(good[:n]), good[:n], 0, true, nil})
	}
	checkVerdicts(t, cases, rtu{request: framed(t, "11 03 006B 0003")}.expect)
}

func TestAnswersOfAMeterThatOwesOne(t *testing.T) {
	good := framed(t, "11 03 06 AE41 5652 4340")
	old := framed(t, "11 03 04 0000 0000")
	checkVerdicts(t, []verdictCase{
		{"an old one first", append(bytes.Clone(old), good...), 11, false, nil},
		{"an old one of another function", append(framed(t, "11 04 04 0000 0000"), good...), 11, false, nil},
		{"only an old one", old, 0, true, nil},
	}, rtu{request: framed(t, "11 03 006B 0003"), patient: true}.expect)
}

func TestTrapsOfTCPAnswers(t *testing.T) {
	good := unhex(t, "0007 0000 0009 11 03 06 AE41 5652 4340")
	stale := unhex(t, "0006 0000 0009 11 03 06 0000 0000 0000")
	cases := []verdictCase{
		{"good", good, 15, false, nil},
		{"stale transaction first", append(bytes.Clone(stale), good...), 15, false, nil},
		{"only a stale transaction", stale, 0, true, nil},
		{"stale exception first", append(unhex(t, "0006 0000 0003 11 83 02"), good...), 15, false, nil},
		{"another unit", unhex(t, "0007 0000 0009 12 03 06 AE41 5652 4340"), 0, false, meter.ErrForeign},
		{"another protocol", unhex(t, "0007 0001 0009 11 03 06 AE41 5652 4340"), 0, false, meter.ErrMalformed},
		{"length 0", unhex(t, "0007 0000 0000 11 03 06"), 0, false, meter.ErrMalformed},
		{"length FFFF", unhex(t, "0007 0000 FFFF 11 03 06"), 0, false, meter.ErrMalformed},
		{"exception", unhex(t, "0007 0000 0003 11 83 0B"), 0, false, errRefused},
		{"exception too long", unhex(t, "0007 0000 0004 11 83 0B 00"), 0, false, meter.ErrMalformed},
		{"another function", unhex(t, "0007 0000 0009 11 04 06 AE41 5652 4340"), 0, false, meter.ErrMalformed},
		{"byte count and length differ", unhex(t, "0007 0000 0009 11 03 04 AE41 5652 4340"), 0, false, meter.ErrMalformed},
		{"fewer registers than asked", unhex(t, "0007 0000 0007 11 03 04 AE41 5652"), 0, false, meter.ErrMalformed},
	}
	for n := 1; n < len(good); n++ {
		cases = append(cases, verdictCase{"half header and more, " + hex.EncodeToString(good[:n]), good[:n], 0, true, nil})
	}
	checkVerdicts(t, cases, mbap{request: unhex(t, "0007 0000 0006 11 03 006B 0003")}.expect)
}

func TestExceptionsAreBusyRefusedOrSilent(t *testing.T) {
	for code, want := range map[byte]error{
		1: meter.ErrException, 2: meter.ErrException, 3: meter.ErrException, 4: meter.ErrException, 8: meter.ErrException,
		5: meter.ErrBusy, 6: meter.ErrBusy, 0x0A: meter.ErrException, 0x0B: meter.ErrSilent, 0x77: meter.ErrException,
	} {
		if err := exception(code); !errors.Is(err, want) {
			t.Errorf("exception %02X: %v, want %v", code, err, want)
		}
	}
	if err := classify(errors.New("modbus: something new")); !errors.Is(err, meter.ErrMalformed) {
		t.Errorf("unknown error of the library: %v", err)
	}
}

// FuzzRTU: whatever comes, an accepted answer is whole, ours, undamaged and as long as was asked.
func FuzzRTU(f *testing.F) {
	f.Add(framed(f, "11 03 06 AE41 5652 4340"), false)
	f.Add(framed(f, "11 83 02"), true)
	f.Add([]byte{0, 0xFF, 0x11, 3}, false)
	f.Add(append(framed(f, "12 03 02 0000"), framed(f, "11 03 06 AE41 5652 4340")...), true)
	request := framed(f, "11 03 006B 0003")
	f.Fuzz(func(t *testing.T, b []byte, patient bool) {
		got, _, err := judgement(b, rtu{request: request, patient: patient}.expect)
		if err != nil && meter.Code(err) == "error" {
			t.Errorf("error %v is of no class", err)
		}
		if got != nil && (len(got) != 11 || !crcOK(got) || got[0] != 0x11 || got[1] != 3 || got[2] != 6) {
			t.Errorf("accepted % X", got)
		}
	})
}

// FuzzTCP is the same for TCP.
func FuzzTCP(f *testing.F) {
	f.Add(unhex(f, "0007 0000 0009 11 03 06 AE41 5652 4340"))
	f.Add(unhex(f, "0006 0000 0003 11 83 02 0007 0000 0003 11 83 02"))
	request := unhex(f, "0007 0000 0006 11 03 006B 0003")
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _, err := judgement(b, mbap{request: request}.expect)
		if err != nil && meter.Code(err) == "error" {
			t.Errorf("error %v is of no class", err)
		}
		if got != nil && (len(got) != 15 || !bytes.Equal(got[:9], unhex(t, "0007 0000 0009 11 03 06"))) {
			t.Errorf("accepted % X", got)
		}
	})
}

// FuzzIdentity: what a meter says of itself is hostile until its lengths were checked.
func FuzzIdentity(f *testing.F) {
	f.Add([]byte("\x0E\x01\x01\x00\x00\x03\x00\x04ACME\x01\x02G4\x02\x031.7"))
	f.Add([]byte("\x0E\x01\x01\xFF\x02\x01\x00\x04ACME"))
	f.Add([]byte("\x0E\x01\x01\x00\x00\xFF\x00\xFF"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, pdu []byte) {
		var id meter.Identity
		if _, _, err := objects(pdu, &id); err != nil && !errors.Is(err, meter.ErrMalformed) {
			t.Errorf("error %v is none of package meter", err)
		}
		if n, known := identityLength(append([]byte{encapsulated}, pdu...)); known && n < identityHead {
			t.Errorf("%d bytes foretold", n)
		}
	})
}
