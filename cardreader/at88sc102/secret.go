package at88sc102

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Code is the security code of one chip. No way of printing shows it.
type Code [2]byte

// Keys are the erase keys of the two zones. No way of printing shows them.
type Keys struct {
	Zone1 [6]byte
	Zone2 [4]byte
}

const redacted = "(hidden)"

// ParseCode reads four hex digits. Its error does not hold the text.
func ParseCode(s string) (Code, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Code{}) {
		return Code{}, errors.New("parse security code: want four hex digits")
	}
	return Code(b), nil
}

// IsFactory reports whether c is a code that chips are delivered or tested with.
func (c Code) IsFactory() bool { return c == Code{0xFF, 0xFF} || c == Code{0xF0, 0xF0} }

// String does not show the code.
func (Code) String() string { return redacted }

// Format does not show the code, whatever the verb.
func (Code) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue does not show the code.
func (Code) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText does not show the code.
func (Code) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String does not show the keys.
func (Keys) String() string { return redacted }

// Format does not show the keys, whatever the verb.
func (Keys) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue does not show the keys.
func (Keys) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText does not show the keys.
func (Keys) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Secret is what a caller knows about the card.
type Secret struct {
	Code    Code
	Keys    Keys
	Issued  bool // the card was issued by the utility: it cannot have a factory's code any more
	Counted bool // zone 2 has its erase counter enabled (fuse EC2EN), as the issuer decided
}
