package cpucard

import (
	"crypto/cipher"
	"crypto/des"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Key is a 16-byte key for two-key 3DES or SM4. No way of printing shows it.
type Key [16]byte

const redacted = "Key(hidden)"

// ParseKey reads 32 hex digits. Its error does not hold the text.
func ParseKey(s string) (Key, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Key{}) {
		return Key{}, errors.New("parse key: want 32 hex digits")
	}
	return Key(b), nil
}

// String does not show the key.
func (Key) String() string { return redacted }

// Format does not show the key, whatever the verb.
func (Key) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue does not show the key.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText does not show the key; a Key cannot be stored by marshalling it.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Serial is what a card's keys are diversified by: its application serial number.
type Serial [8]byte

// triple is two-key 3DES: left, right, left.
func (k Key) triple() cipher.Block {
	return must(des.NewTripleDESCipher(append(k[:], k[:8]...)))
}

// must: the only error of these ciphers is a wrong key length, and the lengths here are fixed by types.
func must(b cipher.Block, err error) cipher.Block {
	if err != nil {
		panic(err)
	}
	return b
}
