package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// hidden is what a secret looks like to everybody who prints it.
const hidden = "(hidden)"

// Secret is a value that must not be printed. Every way of printing or marshalling it gives "(hidden)", also as a field
// of a struct; only Reveal gives the value. The zero Secret is unset. Secrets cannot be compared with ==.
type Secret struct {
	// A pointer, so that reflection that goes around the methods (a Secret in an unexported field) prints an address.
	value *string
}

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value, empty when unset. The result must go where it is needed and nowhere else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet reports whether there is a value.
func (s Secret) IsSet() bool { return s.value != nil && *s.value != "" }

// String hides the value.
func (s Secret) String() string { return hidden }

// GoString hides the value from %#v.
func (s Secret) GoString() string { return hidden }

// Format hides the value from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the value.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// MarshalText hides the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
