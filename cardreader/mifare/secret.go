package mifare

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Key opens a sector. No way of printing shows it.
type Key [6]byte

const redacted = "Key(hidden)"

// ParseKey reads twelve hex digits. Its error does not hold the text.
func ParseKey(s string) (Key, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Key{}) {
		return Key{}, errors.New("parse sector key: want twelve hex digits")
	}
	return Key(b), nil
}

// IsFactory reports whether k is a key that cards are delivered with, or that everybody knows.
func (k Key) IsFactory() bool {
	return k == Key{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF} || k == Key{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5} || k == Key{}
}

// String does not show the key.
func (Key) String() string { return redacted }

// Format does not show the key, whatever the verb.
func (Key) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue does not show the key.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText does not show the key.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Secret is what a caller knows of a card's keys. A is the one that reads, B the one that writes, as the access conditions
// of issued cards have it.
type Secret struct {
	A, B   Key
	Issued bool // the card was issued by the utility: it cannot have factory keys any more
}
