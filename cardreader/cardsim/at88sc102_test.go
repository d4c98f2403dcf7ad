package cardsim

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func at102(o AT88SC102Options) *AT88SC102 {
	o.Code, o.EZ1, o.EZ2 = [2]byte{0x12, 0x34}, [6]byte{1, 2, 3, 4, 5, 6}, [4]byte{7, 8, 9, 10}
	return NewAT88SC102(o)
}

func TestAT88SC102FollowsItsDataSheet(t *testing.T) {
	const (
		sel, code = "ffa400000109", "ff20080a021234"
		erase1    = "ff20005606010203040506"
	)
	for _, v := range []struct {
		name string
		o    AT88SC102Options
		talk []string
	}{
		{"nothing before the type is chosen", AT88SC102Options{}, []string{"ffb0001602", "6a81"}},
		{"another type is not ours", AT88SC102Options{}, []string{"ffa400000106", "6a81", "ffb0001602", "6a81"}},
		{"writing needs the code", AT88SC102Options{}, []string{sel, "9000", "ffd00018" + "01aa", "9000", "ffb0001801", "ff9000"}},
		{"bits only fall", AT88SC102Options{}, []string{sel, "9000", code, "9000", "ffd0001801f0", "9000", "ffd00018013c", "9000", "ffb0001801", "309000"}},
		{"a zone is erased as a whole", AT88SC102Options{}, []string{
			sel, "9000", code, "9000", "ffd00018020000", "9000", "ffd0005e0100", "9000", erase1, "9000",
			"ffb0001802", "ffff9000", "ffb0005e01", "009000"}},
		{"not with a wrong key, and the answer is the same", AT88SC102Options{}, []string{
			sel, "9000", code, "9000", "ffd0001801aa", "9000", "ff20005606000000000000", "9000", "ffb0001801", "aa9000"}},
		{"not without the code", AT88SC102Options{}, []string{
			sel, "9000", code, "9000", "ffd0001801aa", "9000", sel, "9000", erase1, "9000", "ffb0001801", "aa9000"}},
		{"zone 2 without a counter", AT88SC102Options{}, []string{
			sel, "9000", code, "9000", "ffd0005e01aa", "9000", "ff20009c04" + "0708090a", "9000", "ffb0005e01", "ff9000"}},
		{"zone 2 with a counter needs the counting command", AT88SC102Options{EC2: true}, []string{
			sel, "9000", code, "9000", "ffd0005e01aa", "9000", "ff20009c04" + "0708090a", "9000", "ffb0005e01", "aa9000",
			"ff20809c04" + "0708090a", "9000", "ffb0005e01", "ff9000", "ffb000a002", "7fff9000"}},
		{"the counter is used up", AT88SC102Options{EC2: true, Erasures: 128}, []string{
			sel, "9000", code, "9000", "ff20809c04" + "0708090a", "6300"}},
		{"four wrong codes lock", AT88SC102Options{}, []string{
			sel, "9000", "ff20080a020000", "9000", "ffb0000c02", "7fff9000", "ff20080a020000", "9000", "ff20080a020000", "9000",
			"ff20080a020000", "9000", code, "6300", "ffb0000c02", "0fff9000"}},
		{"the right code wins the attempts back", AT88SC102Options{Used: 3}, []string{sel, "9000", code, "9000", "ffb0000c02", "ffff9000"}},
		{"codes and keys are not shown", AT88SC102Options{}, []string{
			sel, "9000", code, "9000", "ffb0000a02", "ffff9000", "ffb0005606", "ffffffffffff9000", "ffb0009c04", "ffffffff9000"}},
		{"R bit", AT88SC102Options{}, []string{
			sel, "9000", code, "9000", "ffd00016023f55", "9000", "ffb0001602", "3f559000", sel, "9000", "ffb0001602", "ffff9000"}},
		{"the code can be changed", AT88SC102Options{}, []string{
			sel, "9000", code, "9000", "ffd2000a00", "9000", "ffd0000a02abcd", "9000", sel, "9000", "ff20080a02abcd", "9000", "ffb0000c02", "ffff9000"}},
		{"the issuer's zone stays", AT88SC102Options{}, []string{sel, "9000", code, "9000", "ffd000020100", "9000", "ffb0000201", "ff9000"}},
		{"fresh: with the code all is shown and written, without it no code and no key", AT88SC102Options{Fresh: true}, []string{
			sel, "9000", "ffb0000a02", "ffff9000", "ffb0005602", "ffff9000", "ffd000020155", "9000", "ffb0000201", "ff9000",
			code, "9000", "ffb0000a02", "12349000", "ffb0005606", "0102030405069000", "ffd000020155", "9000", "ffb0000201", "559000",
			"ffd2005600", "9000", "ffb0005606", "ffff030405069000"}},
		{"fresh: a zone is erased by words, whatever the key", AT88SC102Options{Fresh: true}, []string{
			sel, "9000", code, "9000", "ffd00018020000", "9000", "ffd0001a020000", "9000", erase1, "9000", "ffb0001804", "000000009000",
			"ffd2001800", "9000", "ffb0001804", "ffff00009000"}},
		{"the fuse needs the code and is blown for good", AT88SC102Options{Fresh: true}, []string{
			sel, "9000", "ff0500000406100101", "9000", code, "9000", "ffb0000a02", "12349000", "ff0500000406100101", "9000", "ffb0000a02", "ffff9000",
			"ffd000020155", "9000", "ffb0000201", "ff9000", "ffd2005600", "9000", erase1, "9000", "ffd2001800", "9000", sel, "9000", code, "9000",
			"ffb0000a02", "ffff9000"}},
		{"an issued chip's keys are not written", AT88SC102Options{}, []string{
			sel, "9000", code, "9000", "ffd00056020000", "9000", "ffd00018020000", "9000", erase1, "9000", "ffb0001802", "ffff9000"}},
		{"the test zone is everybody's", AT88SC102Options{}, []string{sel, "9000", "ffd000b0020000", "9000", "ffb000b002", "00009000", "ffd200b000", "9000", "ffb000b002", "ffff9000"}},
		{"bad commands", AT88SC102Options{}, []string{
			sel, "9000", "ff20000a021234", "6700", "ffb000b102", "6b00", "ffd000b1020000", "6b00", "ff2000560401020304", "6b00", "ffcc000000", "6d00", "00b0000001", "6e00", "ff", "6700", "ffd200ff00", "6b00"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			d := ACS102(at102(v.o))
			if err := d.Insert(); err != nil {
				t.Fatal(err)
			}
			d.Reset()
			talk(t, d, v.talk...)
		})
	}
}

func TestAT88SC102WriteMem(t *testing.T) {
	c := at102(AT88SC102Options{})
	if err := errors.Join(c.WriteMem(0x18, []byte{0xF0}), c.WriteMem(0x18, []byte{0x3C})); err != nil {
		t.Fatal(err)
	}
	if c.ReadMem()[0x18] != 0x30 {
		t.Error("a meter set bits")
	}
	for _, at := range []int{-1, 0x0A, 0x55, 0x9B, 0xAF} {
		if c.WriteMem(at, []byte{0, 0}) == nil {
			t.Errorf("wrote two bytes at %#x", at)
		}
	}
	d := ACS102(c)
	if err := d.Insert(); err != nil {
		t.Fatal(err)
	}
	if err := ACS102(c).Insert(); !errors.Is(err, ErrInUse) {
		t.Errorf("in two slots: %v", err)
	}
	if err := c.WriteMem(0x18, []byte{0}); !errors.Is(err, ErrInUse) {
		t.Errorf("in a reader: %v", err)
	}
	if err := at102(AT88SC102Options{Used: 4}).WriteMem(0x18, []byte{0}); !errors.Is(err, ErrLocked) {
		t.Errorf("locked: %v", err)
	}
}

func TestAT88SC102Interrupted(t *testing.T) {
	c := at102(AT88SC102Options{})
	inner := ACS102(c)
	inner.Reset()
	talk(t, inner, "ffa400000109", "9000")
	pull := func(cmd string) {
		t.Helper()
		b, _ := hex.DecodeString(cmd)
		if _, err := Script(inner, Fault{At: 1, Kind: PulledMidway}).Exchange(b); !errors.Is(err, ErrPulled) {
			t.Fatal(err)
		}
	}
	pull("ff20080a021234")
	if c.Tries() != 3 || c.Unlocked() {
		t.Errorf("%d tries, unlocked %t", c.Tries(), c.Unlocked())
	}
	talk(t, inner, "ff20080a021234", "9000")
	pull("ffd0001804" + "01020304")
	if got := c.ReadMem()[0x18:0x1C]; !bytes.Equal(got, []byte{1, 2, 0xFF, 0xFF}) {
		t.Errorf("torn write % X", got)
	}
	talk(t, inner, "ffd0005401"+"77", "9000")
	pull("ff20005606010203040506")
	if m := c.ReadMem(); m[0x18] != 0xFF || m[0x54] != 0x77 {
		t.Errorf("torn erasure: % X … % X", m[0x18], m[0x54])
	}
}

func FuzzAT88SC102(f *testing.F) {
	for _, s := range []string{"ffb0001602", "ff20080a020000", "ffd00018020000", "ff20005606010203040506", "ff20809c04", ""} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, cmd []byte) {
		c := at102(AT88SC102Options{})
		d := ACS102(c)
		d.Reset()
		before := c.ReadMem()[atAZ1:atEC2]
		if _, err := d.Exchange([]byte{0xFF, 0xA4, 0, 0, 1, 9}); err != nil {
			t.Fatal(err)
		}
		got, err := d.Exchange(cmd)
		if err != nil || len(got) < 2 {
			t.Fatalf("% X answered % X, %v", cmd, got, err)
		}
		if !bytes.Equal(before, c.ReadMem()[atAZ1:atEC2]) {
			t.Fatalf("% X changed a zone without the code", cmd)
		}
	})
}
