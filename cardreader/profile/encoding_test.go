package profile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// all are the encodings of integers with a size that each may have.
var all = map[Encoding]int{
	U8: 1, U16BE: 2, U16LE: 2, U24BE: 3, U24LE: 3, U32BE: 4, U32LE: 4, S32BE: 4, S32LE: 4, BCD: 4, BCDLE: 3, Base100BE: 3, Base100LE: 9,
}

func TestInt(t *testing.T) {
	for _, c := range []struct {
		as   Encoding
		hex  string
		want int64
	}{
		{U8, "ff", 255},
		{U16BE, "0102", 258}, {U16LE, "0102", 513},
		{U24BE, "010203", 0x010203}, {U24LE, "010203", 0x030201},
		{U32BE, "ffffffff", math.MaxUint32}, {U32LE, "01000080", 0x80000001},
		{S32BE, "ffffffff", -1}, {S32BE, "80000000", math.MinInt32}, {S32LE, "ffffff7f", math.MaxInt32},
		{BCD, "00012345", 12345}, {BCDLE, "452301", 12345}, {BCD, "999999999999999999", 999999999999999999},
		{Base100BE, "010263", 10299}, {Base100LE, "630201", 10299},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.as.Int(b)
		if err != nil || got != c.want {
			t.Errorf("%s %s: %d, %v, want %d", c.as, c.hex, got, err, c.want)
		}
		back := make([]byte, len(b))
		if err := c.as.PutInt(back, c.want); err != nil || !bytes.Equal(back, b) {
			t.Errorf("%d as %s: %x, %v, want %x", c.want, c.as, back, err, b)
		}
	}
}

func TestIntRefuses(t *testing.T) {
	for _, c := range []struct {
		as  Encoding
		hex string
	}{
		{BCD, "1a"}, {BCD, "a1"}, {BCD, "ff"}, {Base100BE, "64"}, {Base100LE, "00ff"}, {U16BE, "01"}, {U16BE, "010203"}, {BCD, ""},
		{BCD, "00000000000000000000"}, {Raw, "00"}, {BCDTime, "260101"}, {"u64", "0000000000000000"},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := c.as.Int(b); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s %q: %d, %v, want ErrEncoding", c.as, c.hex, v, err)
		}
	}
}

func TestPutIntRefusesAndLeavesTheBytes(t *testing.T) {
	for as, n := range all {
		lo, hi := as.Bounds(n)
		for _, v := range []int64{lo - 1, hi + 1, math.MinInt64, math.MaxInt64} {
			b := bytes.Repeat([]byte{0x77}, n)
			if err := as.PutInt(b, v); !errors.Is(err, ErrRange) {
				t.Errorf("%d as %s: %v, want ErrRange", v, as, err)
			}
			if !bytes.Equal(b, bytes.Repeat([]byte{0x77}, n)) {
				t.Errorf("%d as %s left %x", v, as, b)
			}
		}
	}
}

func TestEveryIntComesBack(t *testing.T) {
	for as, n := range all {
		rapid.Check(t, func(t *rapid.T) {
			lo, hi := as.Bounds(n)
			v := rapid.Int64Range(lo, hi).Draw(t, "v")
			b := make([]byte, n)
			if err := as.PutInt(b, v); err != nil {
				t.Fatal(err)
			}
			if got, err := as.Int(b); err != nil || got != v {
				t.Fatalf("%d as %s came back as %d, %v", v, as, got, err)
			}
		})
	}
}

// FuzzInt: bytes that decode are canonical, so they come back the same.
func FuzzInt(f *testing.F) {
	for as, n := range all {
		f.Add(string(as), make([]byte, n))
		f.Add(string(as), bytes.Repeat([]byte{0x99}, n))
		f.Add(string(as), bytes.Repeat([]byte{0xFF}, n))
	}
	f.Fuzz(func(t *testing.T, as string, b []byte) {
		v, err := Encoding(as).Int(b)
		if err != nil {
			return
		}
		back := make([]byte, len(b))
		if err := Encoding(as).PutInt(back, v); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%x as %s is %d, which comes back as %x, %v", b, as, v, back, err)
		}
	})
}

func TestTimeText(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"261121", "2026-11-21"}, {"26112114", "2026-11-21T14"}, {"2611211405", "2026-11-21T14:05"},
		{"261121140509", "2026-11-21T14:05:09"}, {"24022923", "2024-02-29T23"}, {"ffffffff", ""}, {"99123123", "2099-12-31T23"},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := TimeText(b); err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", c.hex, got, err, c.want)
		}
	}
	for _, s := range []string{"26022900", "26023000", "26130100", "26000100", "26010000", "26010124", "2a010100", "260101ff", "2601", "26010101010101",
		"2601010060", "260101000060"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := TimeText(b); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s: %q, %v, want ErrEncoding", s, got, err)
		}
	}
}

func TestPutTime(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	b := make([]byte, 6)
	if err := PutTime(b, time.Date(2026, 11, 21, 23, 59, 58, 999, shanghai)); err != nil || hex.EncodeToString(b) != "261121235958" {
		t.Errorf("%x, %v: want the wall clock of the time's own zone", b, err)
	}
	for _, y := range []int{1999, 2100} {
		if err := PutTime(b, time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)); !errors.Is(err, ErrRange) {
			t.Errorf("year %d: %v, want ErrRange", y, err)
		}
	}
	if err := PutTime(b[:2], time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); !errors.Is(err, ErrEncoding) {
		t.Errorf("two bytes: %v, want ErrEncoding", err)
	}
}

// FuzzTimeText: a time that decodes is one that exists, and encodes to the same bytes.
func FuzzTimeText(f *testing.F) {
	for _, s := range []string{"261121", "26112114", "240229235959", "ffffff", "26023000"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := TimeText(b)
		if err != nil || s == "" {
			return
		}
		when, err := time.Parse(bcdTimeLayouts[len(b)], s)
		if err != nil {
			t.Fatalf("%x gave %q: %v", b, s, err)
		}
		back := make([]byte, len(b))
		if err := PutTime(back, when); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%x gave %q, which comes back as %x, %v", b, s, back, err)
		}
	})
}

// The check values are those of the CRC catalogue (Greg Cook, "Catalogue of parametrised CRC algorithms").
func TestChecksums(t *testing.T) {
	for c, want := range map[Checksum]string{CRC8: "f4", CRC16False: "29b1", CRC16X: "31c3", Sum8: "dd", Xor8: "31", NoCheck: ""} {
		got := c.Of([]byte("123456789"))
		if hex.EncodeToString(got) != want || len(got) != c.Size() || !c.known() {
			t.Errorf("%s: %x, want %s", c, got, want)
		}
	}
	if Checksum("crc32").known() {
		t.Error("crc32 is known")
	}
}
