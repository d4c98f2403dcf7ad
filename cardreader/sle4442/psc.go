package sle4442

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// PSC is the secret code of one chip. No way of printing shows it.
type PSC [3]byte

// factory: data sheet, "as delivered".
var factory = PSC{0xFF, 0xFF, 0xFF}

const redacted = "PSC(hidden)"

// ParsePSC reads six hex digits. Its error does not hold the text.
func ParsePSC(s string) (PSC, error) {
	var p PSC
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(p) {
		return p, errors.New("parse secret code: want six hex digits")
	}
	return PSC(b), nil
}

// FactoryPSC is the transport code that new chips come with.
func FactoryPSC() PSC { return factory }

// IsFactory reports whether p is the transport code.
func (p PSC) IsFactory() bool { return p == factory }

// String does not show the code.
func (PSC) String() string { return redacted }

// Format does not show the code, whatever the verb.
func (PSC) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue does not show the code.
func (PSC) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText does not show the code; a PSC cannot be stored by marshalling it.
func (PSC) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Secret is what a caller knows about the card's code.
type Secret struct {
	PSC    PSC
	Issued bool // the card was issued by the utility: it cannot have the factory's code any more
	// Blind lets the code be presented through a reader that cannot show the error counter, so that nobody knows
	// whether it is the last try. Somebody has to have decided that for the readers of an office. After one
	// presentation that was not clearly right there is no other until the program is started again.
	Blind bool
}
