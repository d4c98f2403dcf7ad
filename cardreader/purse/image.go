package purse

import (
	"encoding/hex"
	"fmt"
)

// Image is card bytes that print and marshal as lower-case hex. A memory image of a SLE 4442 holds no secret: the PSC
// lies in the security memory, which is never read into one.
type Image []byte

// MarshalText gives hex.
func (m Image) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, m), nil }

// UnmarshalText reads hex.
func (m *Image) UnmarshalText(t []byte) error {
	b, err := hex.AppendDecode(nil, t)
	if err != nil {
		return fmt.Errorf("card image: %w", err)
	}
	*m = b
	return nil
}

// Tag is the three bytes that tell our order from another with the same sequence.
type Tag [3]byte

// MarshalText gives hex.
func (g Tag) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, g[:]), nil }

// UnmarshalText reads exactly three bytes of hex.
func (g *Tag) UnmarshalText(t []byte) error {
	if len(t) != 2*len(g) {
		return fmt.Errorf("card tag %q: want 6 hex digits", t)
	}
	_, err := hex.Decode(g[:], t)
	return err
}
