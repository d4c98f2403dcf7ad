package cardsim

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"tally/cardreader/space"
)

// Kept is a card of any chip that lies in a file: every command that changes it is written through before its answer, as
// [OpenFile] does it for an SLE 4442. Keys and codes in the file are no secrets: whoever has the file has the card. Two
// processes must not open the same file.
type Kept struct {
	Device
	chip any // *SLE4442, *AT88SC102, *COS or *Mifare
	path string

	mu   sync.Mutex
	last []byte
}

// ErrNotKept: a device that cannot be kept in a file.
var ErrNotKept = errors.New("no chip that can be kept in a file")

// Keep puts a new card into a file that is not there yet. The device is one that drives an AT88SC102, a COS or a Mifare.
func Keep(path string, d Device) (*Kept, error) {
	k := &Kept{Device: d, chip: chipOf(d), path: path}
	if k.chip == nil {
		return nil, fmt.Errorf("keep card: %w", ErrNotKept)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("keep card: %w", errors.Join(err, fs.ErrExist))
	}
	return k, k.store()
}

func chipOf(d Device) any {
	switch d := d.(type) {
	case *acs102:
		return d.chip
	case *COS, *Mifare:
		return d
	}
	return nil
}

// OpenKept opens the card in a file. brand puts an SLE 4442 into a reader; nil is one of ACS.
func OpenKept(path string, brand func(*SLE4442) Device) (*Kept, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open card: %w", err)
	}
	var f struct {
		Chip string `json:"chip"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("open card %s: %w", path, err)
	}
	k := &Kept{path: path, last: bytes.TrimRight(raw, "\n")}
	switch f.Chip {
	case chipName:
		c, err := OpenFile(path, Options{})
		if err != nil {
			return nil, err
		}
		if brand == nil {
			brand = ACS
		}
		k.chip, k.Device = c, brand(c)
		return k, nil
	case "AT88SC102":
		c := new(AT88SC102)
		k.chip, k.Device, err = c, ACS102(c), c.restore(raw)
	case "CPU":
		c := new(COS)
		k.chip, k.Device, err = c, c, c.restore(raw)
	case "Mifare Classic":
		c := NewMifare(MifareOptions{})
		k.chip, k.Device, err = c, c, c.restore(raw)
	default:
		err = fmt.Errorf("chip %q", f.Chip)
	}
	if err != nil {
		return nil, fmt.Errorf("open card %s: %w", path, err)
	}
	return k, nil
}

// store writes the card when it changed.
func (k *Kept) store() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var state any
	switch c := k.chip.(type) {
	case *AT88SC102:
		state = c.state()
	case *COS:
		state = c.state()
	case *Mifare:
		state = c.state()
	default:
		return nil // an SLE 4442 keeps itself
	}
	raw, err := json.MarshalIndent(state, "", "  ")
	if err != nil || bytes.Equal(raw, k.last) {
		return err
	}
	if err := writeWhole(k.path, append(raw, '\n')); err != nil {
		return err
	}
	k.last = raw
	return nil
}

// Exchange carries out a command; an error of keeping the file is one of the card.
func (k *Kept) Exchange(command []byte) ([]byte, error) {
	answer, err := k.Device.Exchange(command)
	if serr := k.store(); serr != nil {
		return nil, serr
	}
	return answer, err
}

// Save makes a script's answer without effect possible.
func (k *Kept) Save() func() {
	restore := k.Device.(Saver).Save()
	return func() {
		restore()
		_ = k.store() // a file that cannot be written now keeps the effect; the next command reports the cause
	}
}

func (k *Kept) interrupt(command []byte) error {
	i, ok := k.Device.(interrupter)
	if !ok {
		return ErrPulled
	}
	return errors.Join(i.interrupt(command), k.store())
}

// inherit: what firmware carries over from a card, it carries over from one in a file.
func (k *Kept) inherit(old Device) {
	if o, ok := old.(*Kept); ok {
		old = o.Device
	}
	if h, ok := k.Device.(heir); ok {
		h.inherit(old)
	}
}

// Slot is the card in a meter's slot, as areas lay it out; nil areas are those of a chip that is one run of bytes. false:
// the card has another chip than the areas are for, or not what they say.
func (k *Kept) Slot(areas []space.Area) (Slot, bool) {
	switch c := k.chip.(type) {
	case *SLE4442:
		return Slot{c, k}, len(areas) == 0
	case *AT88SC102:
		return Slot{c.Run(areas), k}, fit(areas, "at88sc102", func(a space.Area) bool { return a.From+a.Len <= atSize })
	case *COS:
		return Slot{c.Run(areas), k}, fit(areas, "cpu", func(a space.Area) bool {
			return a.Kind == space.Purse || fileOff(a)+a.Len <= len(c.ReadFile(byte(a.File)))
		})
	}
	return Slot{}, false
}

// fit reports whether there are areas, all of the chip's kinds and all within it.
func fit(areas []space.Area, chip string, within func(space.Area) bool) bool {
	for _, a := range areas {
		if _, err := a.Check(chip); err != nil || !within(a) {
			return false
		}
	}
	return len(areas) > 0
}

// Slot is a kept card as a meter reads and writes it.
type Slot struct {
	mem interface {
		ReadMem() []byte
		WriteMem(addr int, data []byte) error
	}
	kept *Kept
}

// ReadMem is a copy of the run.
func (s Slot) ReadMem() []byte { return s.mem.ReadMem() }

// WriteMem writes as the meter does, into the file too.
func (s Slot) WriteMem(addr int, data []byte) error {
	return errors.Join(s.mem.WriteMem(addr, data), s.kept.store())
}

// hexed is bytes in a card's file.
type hexed []byte

// MarshalText writes hex digits.
func (h hexed) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// UnmarshalText reads them.
func (h *hexed) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// into copies bytes that must fill their place.
func (h hexed) into(dst []byte, name string) error {
	if len(h) != len(dst) {
		return fmt.Errorf("%s: want %d bytes of hex", name, len(dst))
	}
	copy(dst, h)
	return nil
}
