package modbus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/goburrow/modbus"

	"tally/meter"
	"tally/meter/line"
)

var _ meter.Identifier = (*Meter)(nil)

// Identify asks for the device identification (function 2B/0E, basic), and where the meter does not know that function
// for its report (function 11). Many meters refuse both.
func (m *Meter) Identify(ctx context.Context) (id meter.Identity, err error) {
	err = m.lend(ctx, "identify", line.PriorityOf(ctx), func(s *session, _ modbus.Client) error {
		id, err = m.basicIdentity(s)
		if !errors.Is(err, meter.ErrException) {
			return err
		}
		id, err = m.report(s)
		return err
	})
	return id, err
}

// Objects of the basic identification.
const (
	objectMaker   = 0
	objectProduct = 1
	objectVersion = 2
	basicStream   = 1
	mostRounds    = 4 // requests that a meter may need for three texts
)

func (m *Meter) basicIdentity(s *session) (id meter.Identity, err error) {
	for next, round := byte(0), 0; round < mostRounds; round++ {
		pdu, err := m.function(s, encapsulated, deviceID, basicStream, next)
		if err != nil {
			return meter.Identity{}, err
		}
		id.At, id.Raw = s.last.At, append(id.Raw, s.last.Bytes...)
		more, following, err := objects(pdu, &id)
		if err != nil || !more {
			return id, err
		}
		next = following
	}
	return id, fmt.Errorf("identification does not end: %w", meter.ErrMalformed)
}

// objects reads an answer's texts. pdu is without the function code.
func objects(pdu []byte, id *meter.Identity) (more bool, next byte, err error) {
	if n, ok := identityLength(append([]byte{encapsulated}, pdu...)); !ok || n != len(pdu)+1 || pdu[0] != deviceID {
		return false, 0, fmt.Errorf("identification of %d bytes is not well formed: %w", len(pdu), meter.ErrMalformed)
	}
	at := identityHead - 1
	for range pdu[at-1] {
		object, text := pdu[at], printable(pdu[at+2:at+2+int(pdu[at+1])])
		at += 2 + int(pdu[at+1])
		switch object {
		case objectMaker:
			id.Maker = text
		case objectProduct:
			id.Product = text
		case objectVersion:
			id.Version = text
		}
	}
	return pdu[3] == 0xFF, pdu[4], nil
}

// report is function 11: what it says is the maker's own, so that its text goes into the product.
func (m *Meter) report(s *session) (meter.Identity, error) {
	pdu, err := m.function(s, reportServer)
	if err != nil {
		return meter.Identity{}, err
	}
	return meter.Identity{Product: printable(pdu[1:]), At: s.last.At, Raw: s.last.Bytes}, nil
}

// function sends a PDU that the library has no call for, and returns the answer without its function code.
func (m *Meter) function(s *session, code byte, data ...byte) ([]byte, error) {
	p := m.packager()
	request, err := p.Encode(&modbus.ProtocolDataUnit{FunctionCode: code, Data: data})
	if err != nil {
		return nil, err
	}
	answer, err := s.Send(request)
	if err != nil {
		return nil, classify(err)
	}
	if err := p.Verify(request, answer); err != nil {
		return nil, classify(err)
	}
	pdu, err := p.Decode(answer)
	if err != nil {
		return nil, classify(err)
	}
	if pdu.FunctionCode == code|exceptionBit && len(pdu.Data) > 0 {
		return nil, exception(pdu.Data[0])
	}
	return pdu.Data, nil
}

// printable keeps what can be printed.
func printable(b []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == '\uFFFD' {
			return -1
		}
		return r
	}, string(b)))
}
