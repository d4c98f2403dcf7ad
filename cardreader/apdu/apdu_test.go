package apdu

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The four cases of ISO 7816-4 §5.1 and what must be refused.
var commandVectors = []struct {
	name, hex string
	want      Command
	err       error
}{
	{"case 1", "00 70 00 00", Command{INS: 0x70}, nil},
	{"case 2", "FF B0 00 20 40", Command{CLA: 0xFF, INS: 0xB0, P2: 0x20, Le: 64}, nil},
	{"case 2, 256", "00 B0 00 00 00", Command{INS: 0xB0, Le: 256}, nil},
	{"case 3", "FF A4 00 00 01 06", Command{CLA: 0xFF, INS: 0xA4, Data: []byte{6}}, nil},
	{"case 4", "00 A4 04 00 02 3F 00 00", Command{INS: 0xA4, P1: 4, Data: []byte{0x3F, 0}, Le: 256}, nil},
	{"empty", "", Command{}, ErrShort},
	{"three bytes", "00 A4 00", Command{}, ErrShort},
	{"extended", "00 B0 00 00 00 01 00", Command{}, ErrExtended},
	{"data missing", "00 D0 00 00 05 01 02", Command{}, ErrLength},
	{"data left over", "00 D0 00 00 01 01 02 03", Command{}, ErrLength},
}

func TestParseCommand(t *testing.T) {
	for _, v := range commandVectors {
		t.Run(v.name, func(t *testing.T) {
			raw := unhex(t, v.hex)
			got, err := ParseCommand(raw)
			if !errors.Is(err, v.err) {
				t.Fatalf("error %v, want %v", err, v.err)
			}
			if err != nil {
				return
			}
			if d := cmp.Diff(v.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			back, err := got.Bytes()
			if err != nil || !bytes.Equal(back, raw) {
				t.Errorf("encoded to %X (%v), want %X", back, err, raw)
			}
		})
	}
}

func TestBytesRefusesWhatDoesNotFit(t *testing.T) {
	for _, c := range []Command{{Data: make([]byte, 256)}, {Le: 257}, {Le: -1}} {
		if b, err := c.Bytes(); !errors.Is(err, ErrLength) {
			t.Errorf("%v became %X, %v", c, b, err)
		}
	}
}

func TestCommandKeepsDataToItself(t *testing.T) {
	c := Command{CLA: 0xFF, INS: 0x20, Data: []byte{0xAB, 0xCD, 0xEF}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		s := strings.ToLower(fmt.Sprintf(verb, c))
		if strings.Contains(s, "ab") || strings.Contains(s, "171") {
			t.Errorf("%s prints %q", verb, s)
		}
	}
}

func TestParseResponse(t *testing.T) {
	r, err := ParseResponse([]byte{1, 2, 0x90, 0x07})
	if err != nil || r.SW != 0x9007 || !bytes.Equal(r.Data, []byte{1, 2}) {
		t.Errorf("got %v, %v", r, err)
	}
	for _, b := range [][]byte{nil, {0x90}} {
		if _, err := ParseResponse(b); !errors.Is(err, ErrShort) {
			t.Errorf("%X: %v", b, err)
		}
	}
}

func TestStatusMeans(t *testing.T) {
	for _, v := range []struct {
		s    Status
		want error
	}{
		{0x6112, ErrMoreData}, {0x6C10, ErrWrongLe}, {0x63C2, ErrWrongCode}, {0x6982, ErrSecurity},
		{0x6983, ErrBlocked}, {0x9303, ErrBlocked}, {0x6988, ErrMAC}, {0x9302, ErrMAC}, {0x9401, ErrBalance},
		{0x9406, ErrNoProof}, {0x6A82, ErrNotFound}, {0x6D00, ErrNotSupported}, {0x6581, ErrMemory}, {0x6984, ErrNoChallenge},
	} {
		err := fmt.Errorf("read: %w", v.s.Err())
		if !errors.Is(err, v.want) || !errors.Is(err, v.s) {
			t.Errorf("%04X does not match %v", uint16(v.s), v.want)
		}
		if v.want != ErrWrongCode && errors.Is(err, ErrWrongCode) {
			t.Errorf("%04X matches wrong code", uint16(v.s))
		}
	}
	if OK.Err() != nil {
		t.Error("9000 is an error")
	}
	if n, ok := Status(0x63C2).Tries(); n != 2 || !ok {
		t.Errorf("tries %d, %t", n, ok)
	}
	if _, ok := Status(0x6982).Tries(); ok {
		t.Error("6982 has tries")
	}
	if n, ok := Status(0x6100).More(); n != 256 || !ok {
		t.Errorf("more %d, %t", n, ok)
	}
	if s := Status(0x1234).Error(); s != "status 1234" {
		t.Error(s)
	}
	if _, ok := OK.More(); ok {
		t.Error("9000 has more")
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, v := range commandVectors {
		f.Add(unhex(f, v.hex))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseCommand(raw)
		if err != nil {
			return
		}
		back, err := c.Bytes()
		if err != nil {
			t.Fatalf("parsed but not encoded: %v", err)
		}
		if !bytes.Equal(back, raw) {
			t.Fatalf("%X came back as %X", raw, back)
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	f.Add([]byte{0x90, 0})
	f.Add([]byte{0x63, 0xC2})
	f.Add([]byte{7})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseResponse(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Bytes(), raw) {
			t.Fatalf("%X came back as %X", raw, r.Bytes())
		}
		if r.SW != OK && r.SW.Err().Error() == "" {
			t.Fatal("status without words")
		}
	})
}
