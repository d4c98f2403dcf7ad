// Package telegram is what the serial meter protocols share when they explain a frame: values as the meter gave them,
// and problems that name the byte which is wrong and what it should be.
package telegram

import (
	"fmt"
	"strings"
	"time"

	"tally/meter"
	"tally/meter/quantity"
)

// Function says of which kind a value is.
type Function string

// Functions, in the words of EN 13757-3. Other protocols know only the first.
const (
	Instantaneous Function = "instantaneous"
	Maximum       Function = "maximum"
	Minimum       Function = "minimum"
	Error         Function = "error" // the meter could not measure it
)

// Value is one thing that a frame says.
type Value struct {
	Name     string // volume, volume_settlement, energy, power, flow, temperature_supply, clock, valve …
	Number   quantity.Decimal
	Unit     quantity.Unit
	Text     string // instead of a number or to explain it
	At       time.Time
	Storage  uint64 // 0 is now, others are remembered values
	Tariff   uint64
	Subunit  uint64
	Function Function
}

// Kept turns what can be kept of values into a reading's: current numbers. Texts and clocks are not numbers, and a value
// that the meter could not measure is none. The valve and the battery are flags: zero is what they say, not that they
// say nothing.
func Kept(values []Value) []meter.Value {
	var kept []meter.Value
	for _, v := range values {
		if v.Storage != 0 || v.Tariff != 0 || v.Subunit != 0 || v.Function != Instantaneous || !v.At.IsZero() || v.onlyText() {
			continue
		}
		kept = append(kept, meter.Value{Name: v.Name, Number: v.Number, Unit: v.Unit})
	}
	return kept
}

// onlyText tells whether a value is words and no number.
func (v Value) onlyText() bool {
	flag := v.Name == "valve" || v.Name == "battery"
	return v.Text != "" && v.Number == (quantity.Decimal{}) && v.Unit == "" && !flag
}

// Codes of problems.
const (
	Truncated = "truncated" // the frame ends too early
	Start     = "start"     // no start byte where one must be
	Length    = "length"    // length field does not fit
	Checksum  = "checksum"
	Stop      = "stop"      // no stop byte where one must be
	Control   = "control"   // control or function code is not known
	BCD       = "bcd"       // a nibble is no digit
	Content   = "content"   // does not fit the item
	Clock     = "clock"     // is no date or time
	Ambiguous = "ambiguous" // can be read in more than one way
	Unknown   = "unknown"   // a code without a meaning in the standard
	Refused   = "refused"   // the meter says that it will not
	Trailing  = "trailing"  // bytes behind the frame
	Junk      = "junk"      // bytes before the frame
	Encrypted = "encrypted" // only who has the key can read it
	More      = "more"      // the rest comes in further frames
	NotHex    = "hex"       // text that is no bytes
)

// Problem is one thing that is wrong with a frame. It is an error that matches one of package meter's.
type Problem struct {
	Code   string
	Offset int    // of the byte, from the first one given
	Want   string // hex or words; empty if there is no single right value
	Got    string
	Text   string // a sentence for people, without the bytes
	Class  error  // of package meter
	Note   bool   // worth knowing; the frame is good nevertheless
}

// Error says it in one line.
func (p *Problem) Error() string {
	s := fmt.Sprintf("byte %d: %s", p.Offset, p.Text)
	switch {
	case p.Want != "" && p.Got != "":
		s += fmt.Sprintf(" (is %s, should be %s)", p.Got, p.Want)
	case p.Got != "":
		s += fmt.Sprintf(" (is %s)", p.Got)
	case p.Want != "":
		s += fmt.Sprintf(" (should be %s)", p.Want)
	}
	return s
}

// Unwrap gives the class of package meter.
func (p *Problem) Unwrap() error { return p.Class }

// At returns the problem moved by n bytes: a part of a frame knows its own offsets only.
func (p *Problem) At(n int) *Problem {
	moved := *p
	moved.Offset += n
	return &moved
}

// Hex prints bytes as people write frames.
func Hex(b ...byte) string { return strings.ToUpper(fmt.Sprintf("% x", b)) }

// Wrong is a problem about one byte.
func Wrong(code string, offset int, want, got byte, text string, class error) *Problem {
	return &Problem{Code: code, Offset: offset, Want: Hex(want), Got: Hex(got), Text: text, Class: class}
}

// Short says that a frame of need bytes ends after have.
func Short(have, need int) *Problem {
	return &Problem{
		Code: Truncated, Offset: have, Want: fmt.Sprintf("%d bytes", need), Got: fmt.Sprintf("%d bytes", have),
		Text: "frame ends too early", Class: meter.ErrChecksum,
	}
}

// Sum is the checksum of CJ/T 188, DL/T 645 and M-Bus: all bytes, modulo 256.
func Sum(b []byte) byte {
	var s byte
	for _, c := range b {
		s += c
	}
	return s
}

// Digits reads packed BCD, the low byte first. A nibble above 9 is a problem at its byte's offset within b. b has at
// most 9 bytes.
func Digits(b []byte) (int64, *Problem) {
	var n int64
	for i := len(b) - 1; i >= 0; i-- {
		hi, lo := b[i]>>4, b[i]&0x0F
		if hi > 9 || lo > 9 {
			return 0, &Problem{Code: BCD, Offset: i, Got: Hex(b[i]), Text: "is not two decimal digits", Class: meter.ErrImplausible}
		}
		n = n*100 + int64(hi)*10 + int64(lo)
	}
	return n, nil
}

// PutDigits writes n as packed BCD, the low byte first; digits that do not fit are lost.
func PutDigits(b []byte, n uint64) {
	for i := range b {
		b[i] = byte(n%10) | byte(n/10%10)<<4
		n /= 100
	}
}
