package space

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

var areas = []Area{
	{Name: "issuer", Kind: Bytes, At: 0, Len: 8, From: 2}, {Name: "zone", Kind: Zone, At: 8, Len: 64, From: 0x16},
	{Name: "records", Kind: Records, At: 72, Len: 96, File: 1, Record: 48},
}

func TestSplitCoversJustWhatWasAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addr, n := rapid.IntRange(-5, 200).Draw(t, "addr"), rapid.IntRange(-5, 200).Draw(t, "n")
		parts, err := Split(areas, addr, n)
		if inside := addr >= 0 && n > 0 && addr+n <= 168; inside != (err == nil) {
			t.Fatalf("%d bytes at %d: %v", n, addr, err)
		} else if !inside {
			if !errors.Is(err, ErrOutside) {
				t.Fatal(err)
			}
			return
		}
		at := addr
		for _, p := range parts {
			if p.Area.At+p.Off != at || p.Len < 1 || p.Off+p.Len > p.Area.Len {
				t.Fatalf("part %+v, want one from %d", p, at)
			}
			at += p.Len
		}
		if at != addr+n {
			t.Fatalf("parts end at %d, want %d", at, addr+n)
		}
	})
}

func TestGapsAreOutside(t *testing.T) {
	gap := []Area{{Name: "a", Kind: Bytes, Len: 4}, {Name: "b", Kind: Bytes, At: 8, Len: 4}}
	if _, err := Split(gap, 2, 8); !errors.Is(err, ErrOutside) {
		t.Errorf("%v", err)
	}
	if _, ok := Find(gap, 5); ok || Size(gap) != 12 || Size(nil) != 0 {
		t.Error("a gap is an area")
	}
}

func TestUnits(t *testing.T) {
	for k, want := range map[Kind]int{Bytes: 1, Zone: 1, Binary: 1, Records: 48, Cyclic: 48, Purse: PurseLen, Blocks: BlockLen} {
		if got := (Area{Kind: k, Record: 48}).Unit(); got != want {
			t.Errorf("%s is written by %d, want %d", k, got, want)
		}
	}
}

// TestCheck: what reaches a code, a key or a counter is never an area.
func TestCheck(t *testing.T) {
	for _, v := range []struct {
		chip string
		a    Area
		key  string
	}{
		{"at88sc102", areas[0], ""}, {"at88sc102", areas[1], ""}, {"cpu", areas[2], ""},
		{"at88sc102", Area{Kind: Bytes, Len: 1, From: 0x0A}, "from"}, {"at88sc102", Area{Kind: Bytes, Len: 1, From: 0x0C}, "from"},
		{"at88sc102", Area{Kind: Bytes, Len: 9, From: 0x0E}, "from"}, {"at88sc102", Area{Kind: Zone, Len: 64, From: 0x17}, "from"},
		{"at88sc102", Area{Kind: Zone, Len: 63, From: 0x16}, "from"}, {"at88sc102", Area{Kind: Records, Len: 48, Record: 48, File: 1}, "kind"},
		{"sle4442", Area{Kind: Bytes, Len: 256}, ""}, {"sle4442", Area{Kind: Bytes, Len: 1, From: 256}, "from"},
		{"cpu", Area{Kind: Binary, Len: 32, File: 0x15}, ""}, {"cpu", Area{Kind: Binary, Len: 300, File: 1}, "len"},
		{"cpu", Area{Kind: Binary, Len: 1}, "file"}, {"cpu", Area{Kind: Records, Len: 10, Record: 3, File: 1}, "record"},
		{"cpu", Area{Kind: Records, Len: 255, Record: 1, File: 1}, "len"}, {"cpu", Area{Kind: Cyclic, Len: 48, Record: 16, File: 5, Bulk: 17}, "bulk"},
		{"cpu", Area{Kind: Purse, Len: 6}, ""}, {"cpu", Area{Kind: Purse, Len: 6, File: 2}, "len"},
		{"mifare", Area{Kind: Blocks, Len: 48, From: 4}, ""}, {"mifare", Area{Kind: Blocks, Len: 64, From: 4}, "from"},
		{"mifare", Area{Kind: Blocks, Len: 16, From: 0}, "from"}, {"mifare", Area{Kind: Blocks, Len: 16, From: 7}, "from"},
		{"mifare", Area{Kind: Blocks, Len: 32, From: 6}, "from"}, {"mifare", Area{Kind: Blocks, Len: 17, From: 4}, "len"},
		{"mifare", Area{Kind: Blocks, Len: 16, From: 64}, "from"}, {"none", Area{Kind: Bytes, Len: 1}, "kind"},
		{"cpu", Area{Kind: Binary, Len: 0, File: 1}, "len"}, {"cpu", Area{Kind: Binary, Len: 1, File: 1, From: -1}, "from"},
	} {
		if key, err := v.a.Check(v.chip); key != v.key || (err != nil) != (v.key != "") {
			t.Errorf("%s %+v: %q %v, want %q", v.chip, v.a, key, err, v.key)
		}
	}
}
