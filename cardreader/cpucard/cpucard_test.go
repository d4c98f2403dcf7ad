package cpucard

import (
	"bytes"
	"crypto/des"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"tally/cardreader/apdu"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key(t testing.TB, s string) Key {
	t.Helper()
	k, err := ParseKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const lineKey = "00112233445566778899AABBCCDDEEFF"

// Line protection: a command without data, and UPDATE BINARY of 32 bytes 00..1F, both under challenge A1B2C3D4.
func TestSealVectors(t *testing.T) {
	counting := make([]byte, 32)
	for i := range counting {
		counting[i] = byte(i)
	}
	for _, v := range []struct {
		cmd  apdu.Command
		want string
	}{
		{apdu.Command{CLA: 0x84, INS: 0x1E}, "841E000004 1AA55DFF"},
		{apdu.Command{CLA: 0x04, INS: 0xD6, P1: 0x81, Data: counting}, "04D6810024" + hex.EncodeToString(counting) + "F0DFBB08"},
	} {
		sealed, err := TripleDES.Seal(key(t, lineKey), Challenge{0xA1, 0xB2, 0xC3, 0xD4}, v.cmd)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sealed.Bytes()
		if err != nil || !bytes.Equal(got, unhex(t, v.want)) {
			t.Errorf("% X, %v; want %s", got, err, v.want)
		}
	}
	if !bytes.Equal(counting[28:], []byte{28, 29, 30, 31}) {
		t.Error("sealing changed the caller's data")
	}
}

// ISO/IEC 9797-1:2011 annex B.4: algorithm 3 with padding method 2, "Now is the time for all ".
func TestRetailMACOfTheStandard(t *testing.T) {
	k := key(t, "0123456789ABCDEFFEDCBA9876543210")
	got := retailMAC(k, make([]byte, des.BlockSize), []byte("Now is the time for all "))
	if want := unhex(t, "E9086230"); !bytes.Equal(got[:], want) {
		t.Errorf("% X, want % X", got[:], want)
	}
}

func TestSealCoversEverything(t *testing.T) {
	k := key(t, lineKey)
	base := apdu.Command{CLA: 0x04, INS: 0xD6, P1: 0x81, P2: 3, Data: []byte{1, 2, 3}}
	mac := func(k Key, c Challenge, cmd apdu.Command) string {
		s, err := TripleDES.Seal(k, c, cmd)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(s.Data[len(s.Data)-4:])
	}
	seen := map[string]string{mac(k, Challenge{1}, base): "itself"}
	change := func(name string, k Key, c Challenge, f func(*apdu.Command)) {
		cmd := base
		f(&cmd)
		m := mac(k, c, cmd)
		if other, ok := seen[m]; ok {
			t.Errorf("%s has the MAC of %s", name, other)
		}
		seen[m] = name
	}
	change("CLA", k, Challenge{1}, func(c *apdu.Command) { c.CLA = 0x84 })
	change("INS", k, Challenge{1}, func(c *apdu.Command) { c.INS = 0xDC })
	change("P1", k, Challenge{1}, func(c *apdu.Command) { c.P1++ })
	change("P2", k, Challenge{1}, func(c *apdu.Command) { c.P2++ })
	change("data", k, Challenge{1}, func(c *apdu.Command) { c.Data = []byte{1, 2, 4} })
	change("length", k, Challenge{1}, func(c *apdu.Command) { c.Data = []byte{1, 2, 3, 0} })
	change("challenge", k, Challenge{2}, func(*apdu.Command) {})
	k[15] ^= 2
	change("right key half", k, Challenge{1}, func(*apdu.Command) {})
}

func TestSealRefusesTooMuch(t *testing.T) {
	if _, err := TripleDES.Seal(Key{}, Challenge{}, apdu.Command{Data: make([]byte, MaxSealed)}); err != nil {
		t.Error(err)
	}
	if _, err := TripleDES.Seal(Key{}, Challenge{}, apdu.Command{Data: make([]byte, MaxSealed+1)}); !errors.Is(err, apdu.ErrLength) {
		t.Errorf("%v", err)
	}
}

// The published example of a load.
func TestLoadVector(t *testing.T) {
	dlk := key(t, "11223344556677888877665544332211")
	l := LoadInit{Seq: 0, Balance: 0, Random: [4]byte{0x11, 0x22, 0x33, 0x44}}
	term := Terminal(unhex(t, "001122334455"))
	s := NewLoadSession(dlk, l)
	if want := unhex(t, "9B1D924E05595603"); !bytes.Equal(s.key[:], want) {
		t.Errorf("session key % X, want % X", s.key, want)
	}
	if got := s.MAC1(l, 0x1000, TradeLoad, term); !got.Equal(MAC(unhex(t, "2988AE5A"))) {
		t.Errorf("MAC1 % X", got[:])
	}
	at := Stamp{[4]byte(unhex(t, "20111221")), [3]byte(unhex(t, "214822"))}
	if got := s.MAC2(0x1000, TradeLoad, term, at); !got.Equal(MAC(unhex(t, "3A845BF0"))) {
		t.Errorf("MAC2 % X", got[:])
	}
	if (MAC{1}).Equal(MAC{2}) {
		t.Error("two MACs are equal")
	}
}

// Diversification checked against 3DES written out: E(left) D(right) E(left).
func TestDiversify(t *testing.T) {
	mk, sn := key(t, lineKey), Serial{1, 2, 3, 4, 5, 6, 7, 8}
	got := TripleDES.Diversify(mk, sn)
	left, right := must(des.NewCipher(mk[:8])), must(des.NewCipher(mk[8:]))
	for half, in := range [][]byte{sn[:], {0xFE, 0xFD, 0xFC, 0xFB, 0xFA, 0xF9, 0xF8, 0xF7}} {
		want := bytes.Clone(in)
		left.Encrypt(want, want)
		right.Decrypt(want, want)
		left.Encrypt(want, want)
		if !bytes.Equal(got[8*half:8*half+8], want) {
			t.Errorf("half %d: % X, want % X", half, got[8*half:8*half+8], want)
		}
	}
	if sn != (Serial{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Error("the serial was changed")
	}
}

func TestKeysAreNeverShown(t *testing.T) {
	k := key(t, "AB"+strings.Repeat("CD", 15))
	s := NewLoadSession(k, LoadInit{})
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", k, s, struct{ K Key }{k})
	}
	j, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	slog.New(slog.NewJSONHandler(&out, timeless)).Info("x", "key", k)
	_, err = ParseKey("ABCDCDCD")
	out.WriteString(err.Error())
	for _, leak := range []string{"abcd", "cdcd", "205", "171", hex.EncodeToString(s.key[:4])} {
		if strings.Contains(strings.ToLower(out.String()), leak) {
			t.Errorf("%q shown in\n%s", leak, out.String())
		}
	}
}

func FuzzParseLoadInit(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := ParseLoadInit(raw)
		if err != nil {
			if !errors.Is(err, ErrLoadInit) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(l.Bytes(), raw) {
			t.Fatalf("% X came back as % X", raw, l.Bytes())
		}
	})
}

// timeless leaves the time out of a log line: its digits may be any.
var timeless = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}
