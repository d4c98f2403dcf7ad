package profile

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Field is one value in a block of the card.
type Field struct {
	Name  string           `toml:"name"`   // the maker's name for it, unique in the block
	Means Meaning          `toml:"means"`  // what the software knows it as
	At    int              `toml:"at"`     // offset in the block
	Len   int              `toml:"len"`    // bytes
	As    Encoding         `toml:"as"`     // how the value lies in its bytes
	Bit   int              `toml:"bit"`    // lowest bit, for a value that shares its byte (u8 only)
	Bits  int              `toml:"bits"`   // how many bits; 0: all of the field
	Scale int64            `toml:"scale"`  // the value is scale times what is stored; 0 is 1
	Words map[string]int64 `toml:"values"` // what each stored value is called
	Flags []string         `toml:"flags"`  // what each bit is called, bit 0 first; "" for one without meaning
	Must  *int64           `toml:"must"`   // the only value that this layout allows
}

// Int reads the value of f in the bytes of its block.
func (f *Field) Int(block []byte) (int64, error) {
	b, err := f.of(block)
	if err != nil {
		return 0, err
	}
	v, err := f.As.Int(b)
	if err != nil {
		return 0, fmt.Errorf("field %q: %w", f.Name, err)
	}
	if f.Bits > 0 {
		v = v >> f.Bit & f.bitMask()
	}
	return v * f.scale(), nil
}

// PutInt stores v; bits beside f stay as they are. A value that is no multiple of the scale is ErrRange: nothing is
// rounded.
func (f *Field) PutInt(block []byte, v int64) error {
	b, err := f.of(block)
	if err != nil {
		return err
	}
	if v%f.scale() != 0 {
		return fmt.Errorf("field %q: %d is no multiple of %d: %w", f.Name, v, f.scale(), ErrRange)
	}
	v /= f.scale()
	if f.Bits > 0 {
		if v < 0 || v > f.bitMask() {
			return fmt.Errorf("field %q: %d in %d bits: %w", f.Name, v, f.Bits, ErrRange)
		}
		v = int64(b[0])&^(f.bitMask()<<f.Bit) | v<<f.Bit
	}
	if err := f.As.PutInt(b, v); err != nil {
		return fmt.Errorf("field %q: %w", f.Name, err)
	}
	return nil
}

// Word reads the value as the word that the profile has for it, "" when it has none.
func (f *Field) Word(block []byte) (string, error) {
	v, err := f.Int(block)
	if err != nil {
		return "", err
	}
	for w, n := range f.Words {
		if n == v {
			return w, nil
		}
	}
	return "", nil
}

// PutWord stores the value that the profile has for a word.
func (f *Field) PutWord(block []byte, w string) error {
	v, ok := f.Words[w]
	if !ok {
		return fmt.Errorf("field %q: no value is called %q: %w", f.Name, w, ErrRange)
	}
	return f.PutInt(block, v)
}

// Text reads a value as people write it: digits with leading zeros, a time, hex for raw bytes, decimal otherwise. A
// number or time of nothing but FF is not set and gives "".
func (f *Field) Text(block []byte) (string, error) {
	b, err := f.of(block)
	if err != nil {
		return "", err
	}
	switch f.As {
	case BCDTime:
		return TimeText(b)
	case Raw:
		return hex.EncodeToString(b), nil
	case BCD, BCDLE:
		if allFF(b) {
			return "", nil
		}
		v, err := f.Int(block)
		return fmt.Sprintf("%0*d", 2*f.Len, v), err
	}
	v, err := f.Int(block)
	return fmt.Sprint(v), err
}

// PutDigits stores a decimal number of exactly the digits that a BCD field has; "" stores FF: not set.
func (f *Field) PutDigits(block []byte, s string) error {
	b, err := f.of(block)
	if err != nil {
		return err
	}
	if s == "" {
		copy(b, slices.Repeat([]byte{0xFF}, len(b)))
		return nil
	}
	if (f.As != BCD && f.As != BCDLE) || len(s) != 2*len(b) {
		return fmt.Errorf("field %q: want %d digits: %w", f.Name, 2*len(b), ErrRange)
	}
	var v int64
	for _, r := range []byte(s) {
		if r < '0' || r > '9' {
			return fmt.Errorf("field %q: want digits only: %w", f.Name, ErrRange)
		}
		v = v*10 + int64(r-'0')
	}
	return f.As.PutInt(b, v)
}

// PutTime stores a time in a BCD time field.
func (f *Field) PutTime(block []byte, t time.Time) error {
	b, err := f.of(block)
	if err != nil {
		return err
	}
	return PutTime(b, t)
}

// Set gives the words of the bits that are set, and "bit_n" for one without a word.
func (f *Field) Set(block []byte) ([]string, error) {
	b, err := f.of(block)
	if err != nil {
		return nil, err
	}
	words := []string{}
	for i := range 8 * len(b) {
		if b[len(b)-1-i/8]>>(i%8)&1 == 0 {
			continue
		}
		if i < len(f.Flags) && f.Flags[i] != "" {
			words = append(words, f.Flags[i])
			continue
		}
		words = append(words, fmt.Sprintf("bit_%d", i))
	}
	return words, nil
}

// Bytes gives the bytes of f in its block, not a copy.
func (f *Field) Bytes(block []byte) ([]byte, error) { return f.of(block) }

func (f *Field) of(block []byte) ([]byte, error) {
	if f.At < 0 || f.Len < 1 || f.At+f.Len > len(block) {
		return nil, fmt.Errorf("field %q at %d+%d of %d bytes: %w", f.Name, f.At, f.Len, len(block), ErrEncoding)
	}
	return block[f.At : f.At+f.Len : f.At+f.Len], nil
}

func (f *Field) scale() int64   { return max(f.Scale, 1) }
func (f *Field) bitMask() int64 { return 1<<f.Bits - 1 }
