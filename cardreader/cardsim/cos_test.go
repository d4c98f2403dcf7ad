package cardsim

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func newTestCOS() *COS {
	return NewCOS(COSOptions{
		AID: []byte("GAS"), Serial: [8]byte{1}, Identity: []byte{0xCA, 0xFE},
		Vend: [16]byte{1}, Meter: [16]byte{2}, Line: [16]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF},
	})
}

const selectGAS = "00a4040003474153"

// ask sends hex and returns data and status word.
func ask(t *testing.T, d Device, cmd string) (data []byte, sw string) {
	t.Helper()
	b, err := hex.DecodeString(cmd)
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.Exchange(b)
	if err != nil || len(a) < 2 {
		t.Fatalf("%s answered %x, %v", cmd, a, err)
	}
	return a[:len(a)-2], hex.EncodeToString(a[len(a)-2:])
}

func wantSW(t *testing.T, d Device, cmd, want string) {
	t.Helper()
	if _, sw := ask(t, d, cmd); sw != want {
		t.Errorf("%s answered %s, want %s", cmd, sw, want)
	}
}

// authenticate proves key kid to the card.
func authenticate(t *testing.T, c *COS, kid byte, key [16]byte) string {
	t.Helper()
	challenge, _ := ask(t, c, "0084000008")
	_, sw := ask(t, c, "008200"+hex.EncodeToString([]byte{kid, 8})+hex.EncodeToString(desEDE(key, challenge)))
	return sw
}

// sealed fetches a challenge and puts the MAC behind a command whose Lc counts it already.
func sealed(t *testing.T, c *COS, cmd string) string {
	t.Helper()
	challenge, _ := ask(t, c, "0084000004")
	b, err := hex.DecodeString(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return cmd + hex.EncodeToString(desMAC(c.o.Line, challenge, b))
}

// The published vectors of the line protection, against the card's own MAC.
func TestLineMACVectors(t *testing.T) {
	key := newTestCOS().o.Line
	counting := make([]byte, 32)
	for i := range counting {
		counting[i] = byte(i)
	}
	for _, v := range []struct {
		msg  []byte
		want string
	}{
		{[]byte{0x84, 0x1E, 0, 0, 4}, "1aa55dff"},
		{append([]byte{0x04, 0xD6, 0x81, 0, 0x24}, counting...), "f0dfbb08"},
	} {
		if got := hex.EncodeToString(desMAC(key, []byte{0xA1, 0xB2, 0xC3, 0xD4}, v.msg)); got != v.want {
			t.Errorf("%x: %s, want %s", v.msg[:5], got, v.want)
		}
	}
}

func TestCOSReadsFreely(t *testing.T) {
	c := newTestCOS()
	if got := c.Reset(); got[0] != 0x3B || len(got) != 12 {
		t.Errorf("ATR % X", got)
	}
	talk(t, c,
		"00b0950002", "6a82", // nothing selected
		"00a4040003000000", "6a82",
		selectGAS, "6107", "00c0000005", "6c07", "00c0000007", "6f058403474153"+"9000", "00c0000007", "6985",
		"00b0950002", "cafe9000", "00b0951f02", "6b00",
		"00b0810001", "6a82", // records are not read as a binary file
		"00b0110001", "6a82", // P1 without the bit that says SFI
		"00b2010c30", strings.Repeat("00", 48)+"9000", "00b2010c31", "6c30",
		"00b20b0c30", "6a83", "00b2000c30", "6a83", "00b2011430", "6a82",
		"00cc000000", "6d00", "00", "6700")
	c.PowerOff()
	talk(t, c, selectGAS, "6700")
}

func TestCOSUpdates(t *testing.T) {
	c := newTestCOS()
	c.Reset()
	wantSW(t, c, selectGAS, "6107")
	wantSW(t, c, sealed(t, c, "04d68400061122"), "6982")
	if sw := authenticate(t, c, 1, c.o.Vend); sw != "9000" {
		t.Fatal(sw)
	}
	wantSW(t, c, sealed(t, c, "04d68400061122"), "9000")
	if f := c.ReadFile(sfiTariff); !bytes.Equal(f[:3], []byte{0x11, 0x22, 0}) {
		t.Errorf("% X", f[:3])
	}
	wantSW(t, c, "00d684000211"+"22", "6982")         // without protection
	wantSW(t, c, "04d684000611223"+"3333333", "6984") // no challenge
	old := sealed(t, c, "04d68400063344")
	wantSW(t, c, old[:len(old)-2]+"00", "6988") // a wrong MAC uses the challenge up
	wantSW(t, c, old, "6984")
	wantSW(t, c, sealed(t, c, "04d68300063344"), "6982") // the meter's file
	wantSW(t, c, sealed(t, c, "04d6842f063344"), "6b00") // beyond its end
	wantSW(t, c, sealed(t, c, "04dc010c063344"), "6700") // half a record
	record := bytes.Repeat([]byte{0x77}, 48)
	wantSW(t, c, sealed(t, c, "04dc020c34"+hex.EncodeToString(record)), "9000")
	if f := c.ReadFile(sfiOrders); !bytes.Equal(f[48:2*48], record) {
		t.Error("the record is not where it belongs")
	}
	c.PowerOff()
	c.Reset()
	wantSW(t, c, selectGAS, "6107")
	wantSW(t, c, sealed(t, c, "04d68400065566"), "6982") // power-off forgets
}

func TestCOSCountsWrongKeys(t *testing.T) {
	c := newTestCOS()
	c.Reset()
	wantSW(t, c, "0082000108"+"0000000000000000", "6a82") // nothing selected
	wantSW(t, c, selectGAS, "6107")
	wantSW(t, c, "0082000108"+"0000000000000000", "6984")
	for _, want := range []string{"63c2", "63c1"} {
		if sw := authenticate(t, c, 1, [16]byte{9}); sw != want {
			t.Errorf("%s, want %s", sw, want)
		}
	}
	if sw := authenticate(t, c, 1, c.o.Vend); sw != "9000" || c.KeyTries(1) != 3 {
		t.Errorf("right key: %s, %d tries", sw, c.KeyTries(1))
	}
	for range 3 {
		authenticate(t, c, 1, [16]byte{9})
	}
	if sw := authenticate(t, c, 1, c.o.Vend); sw != "6983" {
		t.Errorf("locked: %s", sw)
	}
	if sw := authenticate(t, c, 2, c.o.Meter); sw != "9000" {
		t.Errorf("the meter's key: %s", sw)
	}
	wantSW(t, c, sealed(t, c, "04d68300063344"), "9000")
	wantSW(t, c, "0082000908"+"0000000000000000", "6a82")
	wantSW(t, c, "00820001021122", "6700")
	wantSW(t, c, "0084000005", "6700")
}

func TestCOSMeterSide(t *testing.T) {
	c := newTestCOS()
	if err := c.WriteFile(sfiWriteBack, 2, []byte{5}); err != nil || c.ReadFile(sfiWriteBack)[2] != 5 {
		t.Errorf("%v", err)
	}
	if c.WriteFile(sfiWriteBack, 63, []byte{1, 2}) == nil || c.WriteFile(0x1D, 0, []byte{1}) == nil {
		t.Error("wrote outside a file")
	}
	if err := c.Insert(); err != nil {
		t.Fatal(err)
	}
	if err := c.Insert(); !errors.Is(err, ErrInUse) {
		t.Errorf("in two slots: %v", err)
	}
	if err := c.WriteFile(sfiWriteBack, 0, []byte{1}); !errors.Is(err, ErrInUse) {
		t.Errorf("in a reader: %v", err)
	}
	c.Remove()
	if err := c.Insert(); err != nil {
		t.Error(err)
	}
}

func FuzzCOS(f *testing.F) {
	for _, s := range []string{"00b0950002", "04d684000611220000", "008200010800", "00a4040003474153", "00c0000000", "00b2010c30"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, cmd []byte) {
		c := newTestCOS()
		c.Reset()
		wantSW(t, c, selectGAS, "6107")
		got, err := c.Exchange(cmd)
		if err != nil || len(got) < 2 {
			t.Fatalf("% X answered % X, %v", cmd, got, err)
		}
		for sfi, size := range map[byte]int{sfiOrders: 480, sfiWriteBack: 64, sfiTariff: 48} {
			if !bytes.Equal(c.ReadFile(sfi), make([]byte, size)) {
				t.Fatalf("% X wrote file %d without a key", cmd, sfi)
			}
		}
	})
}
