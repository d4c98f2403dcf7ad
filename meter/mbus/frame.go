// Package mbus speaks wired M-Bus (EN 13757-2 and -3): a pure, strict codec with the tables of the application layer and
// a driver over a line.
//
// Frames are E5 (acknowledge), 10 C A CS 16 (short) and 68 L L 68 C A CI data CS 16 (control and long); CS is the sum
// from C to the last byte of data. A value is a data record: how it is coded (DIF, DIFE), what it is (VIF, VIFE), and
// its bytes, low byte first. What cannot be read is an error at its byte, never a zero.
package mbus

import (
	"fmt"

	"tally/meter"
	"tally/meter/telegram"
)

// Fixed bytes of frames.
const (
	ack       = 0xE5
	shortHead = 0x10
	longHead  = 0x68
	stop      = 0x16
)

// C fields of a master. The frame count bit (20H) of SND_UD and REQ_UD2 toggles with each new exchange.
const (
	SndNke  byte = 0x40 // reset the link
	SndUd   byte = 0x53 // send data
	ReqUd2  byte = 0x5B // ask for data
	fcb     byte = 0x20
	rspUd   byte = 0x08 // a meter's data; 20H: alarm data wait, 10H: the meter is busy
	rspMask byte = 0xCF
)

// Addresses with a meaning of their own; meters have 1–250.
const (
	Unconfigured byte = 0
	Secondary    byte = 253 // whoever is selected
	Everyone     byte = 254 // all answer
	Nobody       byte = 255 // nobody answers
)

// Kind is the form of a frame.
type Kind string

// Kinds of frames.
const (
	Ack     Kind = "ack"
	Short   Kind = "short"
	Control Kind = "control" // long without data
	Long    Kind = "long"
)

// Frame is one frame of the link layer.
type Frame struct {
	Kind    Kind
	C, A    byte
	CI      byte
	Data    []byte // behind CI
	dataPos int    // where Data begins, for offsets
}

// Append adds the frame's bytes to b. Data of more than 252 bytes does not fit a frame and is cut.
func (f Frame) Append(b []byte) []byte {
	switch f.Kind {
	case Ack:
		return append(b, ack)
	case Short:
		return append(b, shortHead, f.C, f.A, f.C+f.A, stop)
	}
	data := f.Data[:min(len(f.Data), 252)]
	n := byte(3 + len(data))
	b = append(b, longHead, n, n, longHead)
	from := len(b)
	b = append(append(b, f.C, f.A, f.CI), data...)
	return append(b, telegram.Sum(b[from:]), stop)
}

// Parse reads one frame and nothing behind it. Every deviation is a *telegram.Problem with its offset.
func Parse(b []byte) (Frame, error) {
	f, n, p := parse(b)
	switch {
	case p != nil:
		return f, p
	case n < len(b):
		return f, &telegram.Problem{
			Code: telegram.Trailing, Offset: n, Got: telegram.Hex(b[n:min(len(b), n+8)]...), Text: "bytes behind the frame", Class: meter.ErrMalformed,
		}
	}
	return f, nil
}

// parse reads the frame at the start of b and returns its length, also where the checksum is wrong; 0 if that is not
// known.
func parse(b []byte) (Frame, int, *telegram.Problem) {
	if len(b) == 0 {
		return Frame{}, 0, telegram.Short(0, 1)
	}
	switch b[0] {
	case ack:
		return Frame{Kind: Ack}, 1, nil
	case shortHead:
		return parseShort(b)
	case longHead:
		return parseLong(b)
	}
	return Frame{}, 0, &telegram.Problem{Code: telegram.Start, Got: telegram.Hex(b[0]), Want: "E5, 10 or 68", Text: "no frame starts here", Class: meter.ErrMalformed}
}

func parseShort(b []byte) (Frame, int, *telegram.Problem) {
	if len(b) < 5 {
		return Frame{}, 0, telegram.Short(len(b), 5)
	}
	f := Frame{Kind: Short, C: b[1], A: b[2]}
	return f, 5, tail(b, 1, 3)
}

func parseLong(b []byte) (Frame, int, *telegram.Problem) {
	if len(b) < 4 {
		return Frame{}, 0, telegram.Short(len(b), 9)
	}
	n := int(b[1])
	switch {
	case b[2] != b[1]:
		return Frame{}, 0, telegram.Wrong(telegram.Length, 2, b[1], b[2], "the two lengths differ", meter.ErrMalformed)
	case n < 3:
		return Frame{}, 0, &telegram.Problem{Code: telegram.Length, Offset: 1, Got: telegram.Hex(b[1]), Want: "03–FF", Text: "length is not possible", Class: meter.ErrMalformed}
	case b[3] != longHead:
		return Frame{}, 0, telegram.Wrong(telegram.Start, 3, longHead, b[3], "second start byte is missing", meter.ErrMalformed)
	case len(b) < n+6:
		return Frame{}, 0, telegram.Short(len(b), n+6)
	}
	f := Frame{Kind: Long, C: b[4], A: b[5], CI: b[6], Data: b[7 : n+4], dataPos: 7}
	if n == 3 {
		f.Kind = Control
	}
	return f, n + 6, tail(b, 4, n+4)
}

// tail checks checksum and stop at end, where the summed bytes begin at from.
func tail(b []byte, from, end int) *telegram.Problem {
	if sum := telegram.Sum(b[from:end]); b[end] != sum {
		return telegram.Wrong(telegram.Checksum, end, sum, b[end], "checksum is wrong", meter.ErrChecksum)
	}
	if b[end+1] != stop {
		return telegram.Wrong(telegram.Stop, end+1, stop, b[end+1], "frame does not stop here", meter.ErrChecksum)
	}
	return nil
}

// CI fields.
const (
	ciReset      byte = 0x50
	ciSend       byte = 0x51
	ciSelect     byte = 0x52
	ciSendHi     byte = 0x55
	ciSelectHi   byte = 0x56
	ciVariable   byte = 0x72
	ciVariableHi byte = 0x76 // high byte first; nobody sends it any more
	ciFixed      byte = 0x73
	ciFixedHi    byte = 0x77
	ciError      byte = 0x70
	ciAlarm      byte = 0x71
	ciBare       byte = 0x78 // records without a header
	ciShort      byte = 0x7A // records behind a short header
)

// Identity is what names a meter besides its primary address.
type Identity struct {
	ID           uint32 // eight digits
	Manufacturer string // three letters
	Version      byte
	Medium       byte
}

// ManufacturerCode packs three letters, EN 13757-3, 5.6.
func ManufacturerCode(letters string) (uint16, error) {
	if len(letters) != 3 {
		return 0, fmt.Errorf("manufacturer %q: three letters", letters)
	}
	var code uint16
	for _, c := range []byte(letters) {
		if c < 'A' || c > 'Z' {
			return 0, fmt.Errorf("manufacturer %q: capital letters", letters)
		}
		code = code<<5 | uint16(c-'A'+1)
	}
	return code, nil
}

// manufacturer unpacks three letters. A code that holds none is printed in hex.
func manufacturer(code uint16) string {
	b := []byte{byte(code>>10)&0x1F + 64, byte(code>>5)&0x1F + 64, byte(code)&0x1F + 64}
	for _, c := range b {
		if c < 'A' || c > 'Z' || code&0x8000 != 0 {
			return fmt.Sprintf("%04X", code)
		}
	}
	return string(b)
}
