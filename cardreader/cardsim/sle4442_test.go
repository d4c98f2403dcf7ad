package cardsim

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// exchange sends hex and compares with hex.
func exchange(t *testing.T, d Device, cmd, want string) {
	t.Helper()
	c, err := hex.DecodeString(cmd)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Exchange(c)
	if err != nil || hex.EncodeToString(got) != want {
		t.Fatalf("%s answered %x, %v; want %s", cmd, got, err, want)
	}
}

// powered is a chip in an ACS reader with its type chosen.
func powered(t *testing.T, chip *SLE4442) Device {
	t.Helper()
	d := ACS(chip)
	if err := d.Insert(); err != nil {
		t.Fatal(err)
	}
	d.Reset()
	exchange(t, d, "ffa400000106", "9000")
	return d
}

func chip112233(ec byte) *SLE4442 {
	return NewSLE4442(Options{PSC: []byte{0x11, 0x22, 0x33}, EC: &ec, Main: []byte{0xF0, 0x0F}})
}

func TestATR(t *testing.T) {
	d := ACS(NewSLE4442(Options{}))
	if got := d.Reset(); !bytes.Equal(got, []byte{0x3B, 0x04, 0xA2, 0x13, 0x10, 0x91}) {
		t.Errorf("ATR % X", got)
	}
}

// The rules of the data sheet, one dialogue each.
func TestChipFollowsItsDataSheet(t *testing.T) {
	for _, v := range []struct {
		name string
		ec   byte
		talk []string // command, answer, command, answer …
	}{
		{"reading is free", 7, []string{"ffb0002002", "f00f9000"}},
		{"writing needs the code", 7, []string{"ffd0002001aa", "9000", "ffb0002001", "f09000"}},
		{"the right code unlocks", 7, []string{"ff20000003112233", "9007", "ffd0002001aa", "9000", "ffb0002001", "aa9000"}},
		{"a write erases first", 7, []string{"ff20000003112233", "9007", "ffd000210100", "9000", "ffd00021013c", "9000", "ffb0002101", "3c9000"}},
		{"three wrong codes lock for ever", 7, []string{
			"ff20000003000000", "9006", "ff20000003000000", "9004", "ff20000003000000", "9000", "ff20000003112233", "9000",
			"ffd0002001aa", "9000", "ffb0002001", "f09000"}},
		{"the right code gives the tries back", 4, []string{"ff20000003112233", "9007", "ffb1000004", "071122339000"}},
		{"a wrong code after the right one takes nothing away until power-down", 7, []string{
			"ff20000003112233", "9007", "ffa400000106", "9000", "ff20000003112244", "9006", "ffb1000004", "060000009000"}},
		{"the code is not shown before", 7, []string{"ffb1000004", "070000009000"}},
		{"choosing the type powers down", 7, []string{"ff20000003112233", "9007", "ffa400000106", "9000", "ffd0002001aa", "9000", "ffb0002001", "f09000"}},
		{"the code can be changed", 7, []string{
			"ff20000003112233", "9007", "ffd2000103aabbcc", "9000", "ffa400000106", "9000", "ff20000003112233", "9006", "ff20000003aabbcc", "9007"}},
		{"not without the code", 7, []string{"ffd2000103aabbcc", "9000", "ff20000003112233", "9007"}},
		{"the ATR is protected", 7, []string{"ff20000003112233", "9007", "ffd000000100", "9000", "ffb0000001", "a29000", "ffb2000004", "30ff1ff89000"}},
		{"protection needs the right content", 7, []string{
			"ff20000003112233", "9007", "ffd100040100", "9000", "ffd000040155", "9000", "ffd100040155", "9000", "ffd000040100", "9000", "ffb0000401", "559000"}},
		{"bad lengths", 7, []string{"ff200000021122", "6700", "ffb000ff02", "6b00", "ffd000ff020000", "6b00", "ffb1000003", "6700", "ff", "6700", "ffd1001f020000", "6b00", "ffd20000020000", "6b00"}},
		{"unknown commands", 7, []string{"ffcc000000", "6d00", "00b0000000", "6e00", "ffa400000109", "6a81", "ffb0000001", "6a81", "ffa4000000", "6700"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			d := powered(t, chip112233(v.ec))
			talk(t, d, v.talk...)
		})
	}
}

// talk holds a dialogue of commands and answers.
func talk(t *testing.T, d Device, lines ...string) {
	t.Helper()
	for i := 0; i < len(lines); i += 2 {
		exchange(t, d, lines[i], lines[i+1])
	}
}

func TestOldACSFirmware(t *testing.T) {
	c := chip112233(7)
	d := OldACS(c)
	d.Reset()
	talk(t, d,
		"ffb0002002", "6a81", "ffa400000106", "9000",
		"ffb0002002", "f00f"+"30ff1ff8"+"9000", "ffb1000000", "070000009000", "ffb1000004", "6700",
		"ff20000003112244", "06000000"+"9000", "ff20000003112233", "07112233"+"9000",
		"ffd0002001aa", "9000", "ffb0002001", "aa"+"30ff1ff8"+"9000")
}

func TestOMNIKEYFirmware(t *testing.T) {
	c := chip112233(7)
	d := OMNIKEY(c)
	d.Reset()
	talk(t, d,
		"ffb0002002", "f00f9000", "ffa400000106", "6d00", "ffb1000004", "6d00", "ffd0002001aa", "6d00",
		"ffd6002001aa", "9000", "ffb0002001", "f09000", // it cannot know that the chip refused
		"ff200000021122", "6700", "00b0000001", "6e00", "ff", "6700",
		"ff20000003112244", "6300", "ff20000003112233", "9000", "ffd6002001aa", "9000", "ffb0002001", "aa9000")
	d.Reset()
	talk(t, d, "ff20000003000000", "6300", "ff20000003000000", "6300", "ff20000003000000", "6983", "ff20000003112233", "6983")
}

func TestWithoutPowerNothingHappens(t *testing.T) {
	c := chip112233(7)
	d := powered(t, c)
	exchange(t, d, "ff20000003112233", "9007")
	d.PowerOff()
	if c.Unlocked() {
		t.Error("unlocked without power")
	}
	exchange(t, d, "ffb0002002", "6a81")
}

func TestInterruptedPresentationCostsOneTry(t *testing.T) {
	c := chip112233(7)
	d := Script(powered(t, c), Fault{At: 1, Kind: PulledMidway})
	if _, err := d.Exchange([]byte{0xFF, 0x20, 0, 0, 3, 0x11, 0x22, 0x33}); !errors.Is(err, ErrPulled) {
		t.Fatal(err)
	}
	if c.Tries() != 2 || c.Unlocked() {
		t.Errorf("%d tries, unlocked %t", c.Tries(), c.Unlocked())
	}
}

func TestInterruptedWriteIsTorn(t *testing.T) {
	c := chip112233(7)
	inner := powered(t, c)
	exchange(t, inner, "ff20000003112233", "9007")
	d := Script(inner, Fault{At: 1, Kind: PulledMidway})
	if _, err := d.Exchange([]byte{0xFF, 0xD0, 0, 0x20, 4, 1, 2, 3, 4}); !errors.Is(err, ErrPulled) {
		t.Fatal(err)
	}
	if got := c.ReadMem()[0x20:0x24]; !bytes.Equal(got, []byte{1, 2, 0xFF, 0xFF}) {
		t.Errorf("% X", got)
	}
}

// Every fault does what its comment says, seen at the chip and at the host.
func TestFaults(t *testing.T) {
	write := []byte{0xFF, 0xD0, 0, 0x20, 4, 1, 2, 3, 4}
	old, whole := []byte{0xF0, 0x0F, 0xFF, 0xFF}, []byte{1, 2, 3, 4}
	ok := []byte{0x90, 0}
	for _, v := range []struct {
		kind   FaultKind
		answer []byte
		err    error
		mem    []byte
	}{
		{PulledBefore, nil, ErrPulled, old},
		{PulledMidway, nil, ErrPulled, []byte{1, 2, 0xFF, 0xFF}},
		{PulledAfter, nil, ErrPulled, whole},
		{EmptyAnswer, nil, nil, whole},
		{OneByteAnswer, ok[:1], nil, whole},
		{WrongAnswer, []byte{0x6F, 0}, nil, whole},
		{NoEffect, ok, nil, old},
		{OneByteWrong, ok, nil, []byte{1, 2, 0x13, 4}},
		{Silence, nil, ErrSilent, old},
		{LateAnswer, nil, ErrSilent, whole},
		{Swapped, ok, nil, old},
		{Unplugged, nil, ErrUnplugged, whole},
	} {
		t.Run(v.kind.String(), func(t *testing.T) {
			c, other := chip112233(7), chip112233(7)
			inner := powered(t, c)
			exchange(t, inner, "ff20000003112233", "9007")
			d := Script(inner, Fault{At: 1, Kind: v.kind, With: ACS(other)})
			got, err := d.Exchange(write)
			if !bytes.Equal(got, v.answer) || !errors.Is(err, v.err) {
				t.Errorf("answer % X, %v; want % X, %v", got, err, v.answer, v.err)
			}
			if m := c.ReadMem()[0x20:0x24]; !bytes.Equal(m, v.mem) {
				t.Errorf("chip holds % X, want % X", m, v.mem)
			}
			if m := other.ReadMem()[0x20:0x24]; !bytes.Equal(m, old) {
				t.Errorf("the other chip holds % X", m)
			}
			if d.Count() != 1 || d.Fired() != 1 {
				t.Errorf("%d APDUs, %d faults", d.Count(), d.Fired())
			}
		})
	}
	if len(FaultKinds()) != int(Unplugged) {
		t.Error("a fault is not listed")
	}
}

func TestSwappedCardKeepsTheReadersSelection(t *testing.T) {
	d := Script(powered(t, chip112233(7)), Fault{At: 1, Kind: Swapped, With: ACS(NewSLE4442(Options{Main: []byte{0x77}}))})
	exchange(t, d, "ffb0002001", "779000")
}

func TestWriteMem(t *testing.T) {
	c := chip112233(7)
	if err := c.WriteMem(0x20, []byte{9, 8}); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteMem(0, []byte{0, 0}); err != nil {
		t.Fatal(err)
	}
	m := c.ReadMem()
	if m[0] != 0xA2 || m[0x20] != 9 || m[0x21] != 8 {
		t.Errorf("% X", m[:0x22])
	}
	for _, at := range []int{-1, 256, 255} {
		if err := c.WriteMem(at, []byte{1, 2}); err == nil {
			t.Errorf("wrote at %d", at)
		}
	}
	locked := chip112233(0)
	if err := locked.WriteMem(0x20, []byte{1}); !errors.Is(err, ErrLocked) {
		t.Errorf("a locked chip: %v", err)
	}
}

func TestFileKeepsEveryCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card.json")
	c, err := OpenFile(path, Options{PSC: []byte{0x11, 0x22, 0x33}})
	if err != nil {
		t.Fatal(err)
	}
	reopened := func() *SLE4442 {
		t.Helper()
		// As after a kill: the first chip is neither closed nor told.
		again, err := OpenFile(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	d := powered(t, c)
	exchange(t, d, "ff20000003000000", "9006")
	if n := reopened().Tries(); n != 2 {
		t.Errorf("%d tries on file, want 2", n)
	}
	exchange(t, d, "ff20000003112233", "9007")
	exchange(t, d, "ffd0003004deadbeef", "9000")
	exchange(t, d, "ffd2000103aabbcc", "9000")
	exchange(t, d, "ffd10004"+"01ff", "9000")
	again := reopened()
	if !bytes.Equal(again.ReadMem(), c.ReadMem()) || !again.HasPSC([3]byte{0xAA, 0xBB, 0xCC}) || again.Tries() != 3 {
		t.Error("the file is behind the chip")
	}
	if !again.im.protected(4) || again.im != c.im {
		t.Error("protection is not on file")
	}
	d.Remove()
	if err := c.WriteMem(0x40, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if reopened().ReadMem()[0x40] != 1 {
		t.Error("a meter's write is not on file")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestFileThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if _, err := OpenFile(filepath.Join(dir, "card.json"), Options{}); err == nil {
		t.Fatal("made a card in a directory that is not there")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := OpenFile(filepath.Join(dir, "card.json"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := powered(t, c)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Exchange([]byte{0xFF, 0x20, 0, 0, 3, 1, 2, 3}); err == nil {
		t.Error("a change that could not be kept was answered")
	}
}

func TestOpenFileRefusesWhatIsNoCard(t *testing.T) {
	for name, text := range map[string]string{
		"not json": "hello", "another chip": `{"chip":"AT88SC102"}`, "short": `{"chip":"SLE4442","main":"00","protection":"","ec":7,"psc":"ffffff"}`,
		"counter": `{"chip":"SLE4442","ec":255}`,
	} {
		path := filepath.Join(t.TempDir(), "card.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenFile(path, Options{}); err == nil {
			t.Errorf("%s: opened", name)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// FuzzExchange: whatever a host sends, the chip answers a status word, and without the code nothing is written.
func FuzzExchange(f *testing.F) {
	for _, s := range []string{"ffb0002010", "ff20000003112233", "ffd0002001aa", "ffa400000106", "ffd2000103aabbcc", "ff", "", "ffd100040155"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, cmd []byte) {
		c := chip112233(7)
		before := c.ReadMem()
		d := powered(t, c)
		got, err := d.Exchange(cmd)
		if err != nil || len(got) < 2 {
			t.Fatalf("% X answered % X, %v", cmd, got, err)
		}
		if !bytes.Equal(before, c.ReadMem()) {
			t.Fatalf("% X wrote without the code", cmd)
		}
		if c.Tries() < 2 {
			t.Fatalf("% X cost more than one try", cmd)
		}
	})
}

func FuzzParseImage(f *testing.F) {
	f.Add([]byte(`{"chip":"SLE4442","main":"","protection":"","ec":7,"psc":""}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		im, err := parseImage(raw)
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "c")
		if err := writeImage(path, im); err != nil {
			t.Fatal(err)
		}
		back, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseImage(back); err != nil || again != im {
			t.Fatalf("came back as another chip: %v", err)
		}
	})
}
