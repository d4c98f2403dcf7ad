// Package dlt645 speaks DL/T 645-2007 and DL/T 645-1997, the protocols of electricity meters: a pure, strict codec and a
// driver over a line.
//
// A frame is 68 A0…A5 68 C L data CS 16 behind up to four FE. Addresses and numbers are BCD, low byte first; 33H is
// added to each byte of the data on the wire; CS is the sum of what is on the wire from the first 68 on. The control
// code tells the editions apart: 2007 reads with 11, 1997 with 01.
package dlt645

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
	offset33 = 0x33
	header   = 10  // up to and with L
	overhead = 12  // bytes around the data
	maxData  = 200 // longest data of a read, 5.2.5
)

// Address is a meter's address as on the wire, the lowest digits first.
type Address [6]byte

// Addresses with a meaning of their own.
var (
	Anyone   = Address{0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA} // every meter answers; only where one is alone
	Everyone = Address{0x99, 0x99, 0x99, 0x99, 0x99, 0x99} // broadcast, nobody answers
)

// ParseAddress reads the 12 digits that are printed on a meter (fewer are filled up with zeros in front).
func ParseAddress(s string) (Address, error) {
	var a Address
	if s == "" || len(s) > 12 || strings.Trim(s, "0123456789") != "" {
		return a, fmt.Errorf("address %q: up to 12 digits", s)
	}
	s = strings.Repeat("0", 12-len(s)) + s
	for i := range a {
		at := 10 - 2*i
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

// Edition is the year of the standard.
type Edition int

// Editions. Both is said of control codes that mean the same in both.
const (
	Both        Edition = 0
	Edition1997 Edition = 1997
	Edition2007 Edition = 2007
)

// Control codes of questions.
const (
	Read97        byte = 0x01
	Next97        byte = 0x02
	Write97       byte = 0x04
	BroadcastTime byte = 0x08
	Read07        byte = 0x11
	Next07        byte = 0x12
	ReadAddress   byte = 0x13
	Write07       byte = 0x14
	WriteAddress  byte = 0x15
	Freeze        byte = 0x16
	Relay         byte = 0x1C

	answerBit  byte = 0x80
	refusalBit byte = 0x40
	moreBit    byte = 0x20
	function   byte = 0x1F
)

// Frame is one frame without its preamble, its data without the 33H.
type Frame struct {
	Address Address
	Control byte
	Data    []byte
}

// Answer tells whether a meter sent the frame.
func (f Frame) Answer() bool { return f.Control&answerBit != 0 }

// Refusal tells whether the meter says no.
func (f Frame) Refusal() bool { return f.Answer() && f.Control&refusalBit != 0 }

// More tells whether the rest must be asked for.
func (f Frame) More() bool { return f.Answer() && f.Control&moreBit != 0 }

// Edition tells which edition the control code belongs to.
func (f Frame) Edition() Edition {
	switch f.Control & function {
	case 0x08:
		return Both
	case 0x01, 0x02, 0x03, 0x04, 0x0A, 0x0C, 0x0F, 0x10:
		return Edition1997
	case 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C:
		return Edition2007
	}
	return -1
}

func (f Frame) knownControl() bool {
	return f.Edition() >= 0 && (f.Answer() || f.Control&(refusalBit|moreBit) == 0)
}

// Append adds the frame's bytes to b.
func (f Frame) Append(b []byte) []byte {
	from := len(b)
	b = append(b, start)
	b = append(b, f.Address[:]...)
	b = append(b, start, f.Control, byte(len(f.Data)))
	for _, c := range f.Data {
		b = append(b, c+offset33)
	}
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
	case len(b) > 7 && b[7] != start:
		return Frame{}, 0, telegram.Wrong(telegram.Start, 7, start, b[7], "second start byte is missing", meter.ErrMalformed)
	case len(b) < header:
		return Frame{}, 0, telegram.Short(len(b), overhead)
	}
	if f := lead(b); !f.knownControl() {
		return f, 0, unknownControl(f.Control)
	}
	return body(b)
}

// lead reads what stands in front of the length; b has at least nine bytes.
func lead(b []byte) Frame { return Frame{Address: Address(b[1:7]), Control: b[8]} }

func unknownControl(c byte) *telegram.Problem {
	return &telegram.Problem{Code: telegram.Control, Offset: 8, Got: telegram.Hex(c), Text: "control code is not known", Class: meter.ErrMalformed}
}

// body checks length, checksum and stop of a frame whose header is in b.
func body(b []byte) (Frame, int, *telegram.Problem) {
	f := lead(b)
	length := int(b[9])
	switch {
	case length > maxData:
		return f, 0, &telegram.Problem{Code: telegram.Length, Offset: 9, Got: telegram.Hex(b[9]), Want: "00–C8", Text: "length of the data is not possible", Class: meter.ErrMalformed}
	case len(b) < overhead+length:
		return f, 0, telegram.Short(len(b), overhead+length)
	}
	end := header + length
	for _, c := range b[header:end] {
		f.Data = append(f.Data, c-offset33)
	}
	if sum := telegram.Sum(b[:end]); b[end] != sum {
		return f, end + 2, telegram.Wrong(telegram.Checksum, end, sum, b[end], "checksum is wrong", meter.ErrChecksum)
	}
	if b[end+1] != stop {
		return f, end + 2, telegram.Wrong(telegram.Stop, end+1, stop, b[end+1], "frame does not stop here", meter.ErrChecksum)
	}
	return f, end + 2, nil
}
