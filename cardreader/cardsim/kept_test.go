package cardsim_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/space"
)

// keepable are the kinds of cards that Keep takes.
func keepable(t *testing.T) (all []cardtest.Subject) {
	t.Helper()
	for _, s := range cardtest.Subjects() {
		if !strings.HasPrefix(s.Name, "SLE 4442") {
			all = append(all, s)
		}
	}
	return all
}

func keep(t *testing.T, d cardsim.Device) (*cardsim.Kept, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.card")
	k, err := cardsim.Keep(path, d)
	if err != nil {
		t.Fatal(err)
	}
	return k, path
}

// TestKeptConformance: a card in a file is a card like another.
func TestKeptConformance(t *testing.T) {
	for _, s := range keepable(t) {
		t.Run(s.Name, func(t *testing.T) {
			fresh := s.New
			s.New = func() cardsim.Device { k, _ := keep(t, fresh()); return k }
			cardtest.RunWith(t, s, func(t *testing.T) cardtest.Bench { return bench{cardsim.NewSource(reader)} })
		})
	}
}

// TestKeptCardIsAsItWasLeft: after each command the file has what the card has; the process may end at any.
func TestKeptCardIsAsItWasLeft(t *testing.T) {
	for _, s := range keepable(t) {
		t.Run(s.Name, func(t *testing.T) {
			k, path := keep(t, s.New())
			if err := k.Insert(); err != nil {
				t.Fatal(err)
			}
			k.Reset()
			send := func(cmd []byte) []byte {
				answer, err := k.Exchange(cmd)
				if err != nil {
					t.Fatal(err)
				}
				return answer
			}
			send(s.Choose)
			s.Unlock(send)
			s.Write(send)
			again, err := cardsim.OpenKept(path, nil) // as after a kill: the first is neither closed nor told
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Insert(); err != nil {
				t.Fatal(err)
			}
			atr := again.Reset()
			send = func(cmd []byte) []byte { answer, _ := again.Exchange(cmd); return answer }
			send(s.Choose)
			look := s.Look
			if look == nil {
				look = func(send func([]byte) []byte) []byte { return send(s.Read) }
			}
			if got := look(send); !bytes.Equal(got, s.Wrote) || !bytes.Equal(atr, s.ATR) {
				t.Errorf("the card in the file has % X, ATR % X", got, atr)
			}
			if _, err := cardsim.Keep(path, s.New()); !errors.Is(err, fs.ErrExist) {
				t.Errorf("a card over a card: %v", err)
			}
		})
	}
}

// TestKeptTriesAreSpentForGood: a wrong authentication, and one that was cut, cost their try in the file too.
func TestKeptTriesAreSpentForGood(t *testing.T) {
	wrong := append([]byte{0, 0x82, 0, 1, 8}, make([]byte, 8)...)
	k, path := keep(t, cardsim.NewCOS(cardsim.COSOptions{AID: []byte("GAS"), Vend: [16]byte{1}}))
	script := cardsim.Script(k, cardsim.Fault{At: 4, Kind: cardsim.PulledMidway})
	if err := script.Insert(); err != nil {
		t.Fatal(err)
	}
	script.Reset()
	for i, cmd := range [][]byte{{0, 0xA4, 4, 0, 3, 'G', 'A', 'S'}, {0, 0x84, 0, 0, 8}, wrong, wrong} {
		if _, err := script.Exchange(cmd); (err != nil) != (i == 3) {
			t.Fatalf("command %d: %v", i, err)
		}
	}
	again, err := cardsim.OpenKept(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := again.Device.(*cardsim.COS).KeyTries(1); n != 1 {
		t.Errorf("%d tries left, want 1", n)
	}
}

// TestKeptCardInAMetersSlot: what a meter writes is in the file, and a card in a reader takes nothing from a meter.
func TestKeptCardInAMetersSlot(t *testing.T) {
	areas := []space.Area{{Name: "a", Kind: space.Zone, From: 0x16, Len: 64}}
	k, path := keep(t, cardsim.ACS102(cardsim.NewAT88SC102(cardsim.AT88SC102Options{})))
	slot, ok := k.Slot(areas)
	if !ok {
		t.Fatal("no slot for an AT88SC102")
	}
	if err := slot.WriteMem(2, []byte{0x0F}); err != nil {
		t.Fatal(err)
	}
	again, err := cardsim.OpenKept(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if other, _ := again.Slot(areas); other.ReadMem()[2] != 0x0F {
		t.Error("the meter's byte is not in the file")
	}
	if err := k.Insert(); err != nil {
		t.Fatal(err)
	}
	if err := slot.WriteMem(3, []byte{0}); !errors.Is(err, cardsim.ErrInUse) {
		t.Errorf("a write to a card in a reader: %v", err)
	}
	if _, ok := k.Slot(nil); ok {
		t.Error("an AT88SC102 without a map is no run of bytes")
	}
	m, _ := keep(t, cardsim.NewMifare(cardsim.MifareOptions{}))
	if _, ok := m.Slot(areas); ok {
		t.Error("no simulated meter takes a Mifare")
	}
}

func TestKeptSLE4442(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.card")
	chip, err := cardsim.OpenFile(path, cardsim.Options{Main: []byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	k, err := cardsim.OpenKept(path, cardsim.OMNIKEY)
	if err != nil {
		t.Fatal(err)
	}
	slot, ok := k.Slot(nil)
	if !ok || !bytes.Equal(slot.ReadMem(), chip.ReadMem()) {
		t.Error("another card than in the file")
	}
	if _, err := cardsim.Keep(filepath.Join(t.TempDir(), "b"), cardsim.ACS(chip)); !errors.Is(err, cardsim.ErrNotKept) {
		t.Errorf("an SLE 4442 keeps itself: %v", err)
	}
}

func TestOpenKeptRefusesWhatIsNoCard(t *testing.T) {
	for _, text := range []string{
		"hello", "{}", `{"chip":"EPROM"}`, `{"chip":"AT88SC102","memory":"00"}`, `{"chip":"Mifare Classic","memory":"zz"}`,
		`{"chip":"CPU"}`, `{"chip":"CPU","serial":"0000000000000000","keys":{},"files":{}}`,
	} {
		path := filepath.Join(t.TempDir(), "a.card")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cardsim.OpenKept(path, nil); err == nil {
			t.Errorf("%s: opened", text)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%s: the file was changed", text)
		}
	}
	if _, err := cardsim.OpenKept(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestKeptFileThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	k, err := cardsim.Keep(filepath.Join(dir, "a.card"), cardsim.NewCOS(cardsim.COSOptions{AID: []byte("GAS"), Tries: 3}))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	k.Reset()
	for _, cmd := range [][]byte{{0, 0xA4, 4, 0, 3, 'G', 'A', 'S'}, {0, 0x84, 0, 0, 8}} {
		if _, err := k.Exchange(cmd); err != nil {
			t.Fatal(err) // nothing to keep
		}
	}
	if _, err := k.Exchange(append([]byte{0, 0x82, 0, 1, 8}, make([]byte, 7)...)); err != nil {
		t.Fatal(err)
	}
	_, _ = k.Exchange([]byte{0, 0x84, 0, 0, 8})
	if _, err := k.Exchange([]byte{0, 0x82, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8}); err == nil {
		t.Error("a change that could not be kept was answered")
	}
}

// FuzzOpenKept: no file makes a card panic, and what is opened can be kept again.
func FuzzOpenKept(f *testing.F) {
	for _, d := range []cardsim.Device{
		cardsim.ACS102(cardsim.NewAT88SC102(cardsim.AT88SC102Options{})), cardsim.NewCOS(cardsim.COSOptions{}), cardsim.NewMifare(cardsim.MifareOptions{}),
	} {
		path := filepath.Join(f.TempDir(), "a.card")
		if _, err := cardsim.Keep(path, d); err != nil {
			f.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"chip":"CPU","tries":{"9":1}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "a.card")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := cardsim.OpenKept(path, nil)
		if err != nil {
			return
		}
		k.Reset()
		if _, err := k.Exchange([]byte{0, 0x84, 0, 0, 8}); err != nil {
			t.Fatal(err)
		}
		if _, err := cardsim.OpenKept(path, nil); err != nil {
			t.Fatalf("kept once more it cannot be opened: %v", err)
		}
	})
}
