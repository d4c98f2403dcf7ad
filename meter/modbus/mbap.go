package modbus

import (
	"encoding/binary"
	"fmt"

	"tally/meter"
	"tally/meter/line"
)

const (
	mbapHeader  = 7 // transaction 2, protocol 2, length 2, unit 1
	mbapShort   = mbapHeader + 2
	mbapMinimum = 3   // value of the length field: unit, function, one byte
	mbapMaximum = 254 // unit and the longest PDU
)

// mbap judges the bytes that come after a TCP request, its transaction number as sent.
type mbap struct{ request []byte }

func (j mbap) expect(b []byte) (line.Verdict, error) {
	if len(b) < mbapShort {
		return line.Verdict{Need: mbapShort}, nil
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	need := 6 + length
	switch {
	case b[2] != 0 || b[3] != 0:
		return line.Verdict{}, fmt.Errorf("protocol number is %02X%02X, not Modbus: %w", b[2], b[3], meter.ErrMalformed)
	case length < mbapMinimum || length > mbapMaximum:
		return line.Verdict{}, fmt.Errorf("length field says %d: %w", length, meter.ErrMalformed)
	case len(b) < need:
		return line.Verdict{Need: need}, nil
	case b[0] != j.request[0] || b[1] != j.request[1]:
		return line.Verdict{Drop: need}, nil // the answer to an older question
	case b[6] != j.request[6]:
		return line.Verdict{Need: need}, fmt.Errorf("answer is from unit %d, asked was %d: %w", b[6], j.request[6], meter.ErrForeign)
	}
	return j.judge(b[:need])
}

// judge looks at a whole frame with the right number and unit.
func (j mbap) judge(b []byte) (line.Verdict, error) {
	asked, pdu := j.request[mbapHeader:], b[mbapHeader:]
	whole := line.Verdict{Need: len(b)}
	switch {
	case pdu[0] == asked[0]|exceptionBit && len(pdu) == 2:
		return whole, refusal(pdu[1])
	case pdu[0] != asked[0]:
		return whole, fmt.Errorf("answer has function %02X, asked was %02X: %w", pdu[0], asked[0], meter.ErrMalformed)
	case !mirrors(asked, pdu):
		return whole, fmt.Errorf("answer does not repeat what was written: %w", meter.ErrMalformed)
	}
	want := len(pdu)
	switch asked[0] {
	case readHolding, readInput:
		want = 2 + dataBytes(asked)
	case writeSingle, writeMultiple:
		want = 5
	case reportServer:
		want = 2 + int(pdu[1])
	case encapsulated:
		want, _ = identityLength(pdu)
	}
	if len(pdu) != want || asked[0] <= readInput && int(pdu[1]) != want-2 {
		return whole, fmt.Errorf("answer carries %d bytes, asked were %d: %w", len(pdu)-2, want-2, meter.ErrMalformed)
	}
	return whole, nil
}
