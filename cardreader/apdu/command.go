package apdu

import (
	"errors"
	"fmt"
)

// Limits of a short command APDU (ISO 7816-4 §5.1).
const (
	MaxData = 255 // Lc is one byte and 00 does not mean 256
	MaxLe   = 256 // coded as 00
	MinLen  = 4
	MaxLen  = 4 + 1 + MaxData + 1
)

// Errors of the codec.
var (
	ErrShort    = errors.New("apdu too short")
	ErrExtended = errors.New("extended-length apdu is not supported")
	ErrLength   = errors.New("apdu length does not fit its length fields")
)

// Command is a short command APDU. Its case (1–4) follows from Data and Le.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte // up to 255 bytes; empty means no Lc field
	Le               int    // bytes expected in the answer, 1–256; 0 means no Le field
}

// Bytes encodes the command. It refuses data or Le out of range with ErrLength.
func (c Command) Bytes() ([]byte, error) {
	if len(c.Data) > MaxData || c.Le < 0 || c.Le > MaxLe {
		return nil, fmt.Errorf("encode command with %d data bytes, Le %d: %w", len(c.Data), c.Le, ErrLength)
	}
	b := make([]byte, 0, MaxLen)
	b = append(b, c.CLA, c.INS, c.P1, c.P2)
	if len(c.Data) > 0 {
		b = append(b, byte(len(c.Data)))
		b = append(b, c.Data...)
	}
	if c.Le > 0 {
		b = append(b, byte(c.Le)) // 256 becomes 00
	}
	return b, nil
}

// ParseCommand decodes a short command APDU. Data aliases b.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < MinLen {
		return Command{}, fmt.Errorf("parse command of %d bytes: %w", len(b), ErrShort)
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	body := b[MinLen:]
	switch {
	case len(body) == 0: // case 1
		return c, nil
	case len(body) == 1: // case 2
		c.Le = le(body[0])
		return c, nil
	case body[0] == 0:
		return Command{}, fmt.Errorf("parse command: %w", ErrExtended)
	}
	lc := int(body[0])
	switch len(body) - 1 - lc {
	case 0: // case 3
	case 1: // case 4
		c.Le = le(body[1+lc])
	default:
		return Command{}, fmt.Errorf("parse command with Lc %d in %d bytes: %w", lc, len(b), ErrLength)
	}
	c.Data = body[1 : 1+lc]
	return c, nil
}

func le(b byte) int {
	if b == 0 {
		return MaxLe
	}
	return int(b)
}

// String shows header and lengths only: the data may be a secret code.
func (c Command) String() string {
	return fmt.Sprintf("%02X %02X %02X %02X Lc %d Le %d", c.CLA, c.INS, c.P1, c.P2, len(c.Data), c.Le)
}

// Format keeps the data out of every verb, %v and %#v too.
func (c Command) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// Response is an answer split into its data and its status word.
type Response struct {
	Data []byte
	SW   Status
}

// ParseResponse splits an answer; fewer than two bytes are ErrShort. Data aliases b.
func ParseResponse(b []byte) (Response, error) {
	n := len(b)
	if n < 2 {
		return Response{}, fmt.Errorf("parse response of %d bytes: %w", n, ErrShort)
	}
	return Response{Data: b[:n-2], SW: Status(b[n-2])<<8 | Status(b[n-1])}, nil
}

// Bytes encodes the response.
func (r Response) Bytes() []byte {
	b := make([]byte, 0, len(r.Data)+2)
	b = append(b, r.Data...)
	return append(b, byte(r.SW>>8), byte(r.SW))
}
