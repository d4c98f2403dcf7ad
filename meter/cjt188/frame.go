// Package cjt188 speaks CJ/T 188-2004, the protocol of household water, gas and heat meters: a pure, strict codec and a
// driver over a line.
//
// A frame is 68 T A0…A6 C L data CS 16 behind up to four FE; multi-byte fields have their low byte first, numbers are
// BCD, CS is the sum of all bytes from 68 on. Makers diverge in the order of the data identifier, in whether a unit
// stands before or after its value, in the order of the clock's bytes; a [Variant] says which, and without one the
// codec recognises what it can and says what is ambiguous. The edition of 2018 is not claimed.
package cjt188

import (
	"fmt"
	"strings"

	"tally/meter"
	"tally/meter/telegram"
)

// Fixed bytes of a frame.
const (
	preamble = 0xFE
	start    = 0x68
	stop     = 0x16
	overhead = 13   // bytes around the data
	maxData  = 0x64 // longest data of a read
)

// Kind is what is metered (T).
type Kind byte

// Kinds of meters, CJ/T 188-2004, 6.1.
const (
	ColdWater      Kind = 0x10
	HotWater       Kind = 0x11
	DrinkingWater  Kind = 0x12
	ReclaimedWater Kind = 0x13
	Heat           Kind = 0x20
	Cold           Kind = 0x21
	Gas            Kind = 0x30
	Electricity    Kind = 0x40
	AnyKind        Kind = 0xAA
)

var kindNames = map[Kind]string{
	ColdWater: "cold water", HotWater: "hot water", DrinkingWater: "drinking water", ReclaimedWater: "reclaimed water",
	Heat: "heat", Cold: "cold", Gas: "gas", Electricity: "electricity", AnyKind: "any",
}

// class is the group of kinds (10–19 water, 20–29 heat, 30–39 gas, 40–49 others) by its first, 0 if there is none.
func (k Kind) class() Kind {
	if first := k & 0xF0; first >= ColdWater && first <= Electricity && k&0x0F <= 9 {
		return first
	}
	return 0
}

func (k Kind) known() bool { return k == AnyKind || k.class() != 0 }

// classNames are said of the kinds that the standard leaves to makers.
var classNames = map[Kind]string{ColdWater: "water", Heat: "heat", Gas: "gas", Electricity: "other"}

// String names the kind.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	if s, ok := classNames[k.class()]; ok {
		return s
	}
	return fmt.Sprintf("kind %02X", byte(k))
}

// Address is a meter's address as on the wire, A0 (the lowest digits) first.
type Address [7]byte

// Anyone is answered by every meter; it may be used only where one meter is alone on the line.
var Anyone = Address{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA}

// ParseAddress reads the 14 digits that are printed on a meter (fewer are filled up with zeros in front).
func ParseAddress(s string) (Address, error) {
	var a Address
	if s == "" || len(s) > 14 || strings.Trim(s, "0123456789") != "" {
		return a, fmt.Errorf("address %q: up to 14 digits", s)
	}
	s = strings.Repeat("0", 14-len(s)) + s
	for i := range a {
		at := 12 - 2*i
		a[i] = (s[at]-'0')<<4 | (s[at+1] - '0')
	}
	return a, nil
}

// String prints the address as on the meter, the highest digits first.
func (a Address) String() string {
	var b strings.Builder
	for i := len(a) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "%02X", a[i])
	}
	return b.String()
}

// Control codes (C). An answer has bit 7 set, a refusal bits 7 and 6.
const (
	Read         byte = 0x01
	ReadAddress  byte = 0x03
	Write        byte = 0x04
	ReadKey      byte = 0x09
	WriteAddress byte = 0x15
	WriteCounter byte = 0x16
	MakersRead   byte = 0x21 // what some makers want instead of Read

	answerBit  byte = 0x80
	refusalBit byte = 0x40
)

func knownControl(c byte) bool {
	switch c &^ (answerBit | refusalBit) {
	case Read, ReadAddress, Write, ReadKey, WriteAddress, WriteCounter, MakersRead:
		return c&refusalBit == 0 || c&answerBit != 0
	}
	return false
}

// Frame is one frame without its preamble.
type Frame struct {
	Kind    Kind
	Address Address
	Control byte
	Data    []byte // data identifier, serial number, data; of a refusal serial number and status
}

// Answer tells whether a meter sent the frame.
func (f Frame) Answer() bool { return f.Control&answerBit != 0 }

// Refusal tells whether the meter says no.
func (f Frame) Refusal() bool { return f.Control&(answerBit|refusalBit) == answerBit|refusalBit }

// Append adds the frame's bytes to b. Data of more than 100 bytes is cut by the protocol, not by us: it panics nowhere
// and such a frame does not parse.
func (f Frame) Append(b []byte) []byte {
	from := len(b)
	b = append(b, start, byte(f.Kind))
	b = append(b, f.Address[:]...)
	b = append(b, f.Control, byte(len(f.Data)))
	b = append(b, f.Data...)
	return append(b, telegram.Sum(b[from:]), stop)
}

// Parse reads one frame that begins at b[0] or behind leading FE, and nothing behind it. Every deviation is a
// *telegram.Problem with the offset in b.
func Parse(b []byte) (Frame, error) {
	skip := 0
	for skip < len(b) && b[skip] == preamble {
		skip++
	}
	f, n, p := parse(b[skip:])
	if p != nil {
		return f, p.At(skip)
	}
	if rest := b[skip+n:]; len(rest) > 0 {
		return f, &telegram.Problem{
			Code: telegram.Trailing, Offset: skip + n, Got: telegram.Hex(rest[:min(len(rest), 8)]...),
			Text: "bytes behind the frame", Class: meter.ErrMalformed,
		}
	}
	return f, nil
}

// parse reads the frame at the start of b and returns its length, also where the checksum is wrong.
func parse(b []byte) (Frame, int, *telegram.Problem) {
	switch {
	case len(b) == 0:
		return Frame{}, 0, telegram.Short(0, overhead)
	case b[0] != start:
		return Frame{}, 0, telegram.Wrong(telegram.Start, 0, start, b[0], "frame does not start here", meter.ErrMalformed)
	case len(b) < overhead-2:
		return Frame{}, 0, telegram.Short(len(b), overhead)
	}
	if c := b[9]; !knownControl(c) {
		return header(b), 0, &telegram.Problem{Code: telegram.Control, Offset: 9, Got: telegram.Hex(c), Text: "control code is not known", Class: meter.ErrMalformed}
	}
	return body(b)
}

// header reads what stands in front of the length; b has at least ten bytes.
func header(b []byte) Frame { return Frame{Kind: Kind(b[1]), Address: Address(b[2:9]), Control: b[9]} }

// body checks length, checksum and stop of a frame whose header is in b.
func body(b []byte) (Frame, int, *telegram.Problem) {
	f := header(b)
	length := int(b[10])
	switch {
	case length == 0 || length > maxData:
		return f, 0, &telegram.Problem{Code: telegram.Length, Offset: 10, Got: telegram.Hex(b[10]), Want: "01–64", Text: "length of the data is not possible", Class: meter.ErrMalformed}
	case len(b) < overhead+length:
		return f, 0, telegram.Short(len(b), overhead+length)
	}
	f.Data = b[11 : 11+length]
	end := 11 + length
	if sum := telegram.Sum(b[:end]); b[end] != sum {
		return f, end + 2, telegram.Wrong(telegram.Checksum, end, sum, b[end], "checksum is wrong", meter.ErrChecksum)
	}
	if b[end+1] != stop {
		return f, end + 2, telegram.Wrong(telegram.Stop, end+1, stop, b[end+1], "frame does not stop here", meter.ErrChecksum)
	}
	return f, end + 2, nil
}
