package modbus

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"tally/meter"
	"tally/meter/line"
)

// errRefused marks a well-formed exception answer: the line is in order, the meter is not willing.
var errRefused = fmt.Errorf("exception answer: %w", meter.ErrException)

// crc16 is the checksum of RTU frames (polynomial A001, start FFFF), sent low byte first.
func crc16(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			odd := crc & 1
			crc >>= 1
			if odd == 1 {
				crc ^= 0xA001
			}
		}
	}
	return crc
}

func crcOK(frame []byte) bool {
	n := len(frame) - 2
	return n >= 2 && binary.LittleEndian.Uint16(frame[n:]) == crc16(frame[:n])
}

const (
	exceptionBit    = 0x80
	exceptionLength = 5   // address, function, code, CRC
	shortest        = 5   // no answer is shorter
	longest         = 256 // no RTU frame is longer
)

// dataBytes is how many bytes of registers the answer to request (function 3 or 4) carries. request starts with the
// function code.
func dataBytes(pdu []byte) int { return 2 * int(binary.BigEndian.Uint16(pdu[3:5])) }

// rtuLength is the length of a right answer to request, 0 where the answer itself says it.
func rtuLength(request []byte) int {
	switch request[1] {
	case readHolding, readInput:
		return 3 + dataBytes(request[1:]) + 2
	case writeSingle, writeMultiple:
		return 8
	}
	return 0
}

// Functions that are used (Application Protocol V1.1b3, 6).
const (
	readHolding   = 0x03
	readInput     = 0x04
	writeSingle   = 0x06
	writeMultiple = 0x10
	reportServer  = 0x11
	encapsulated  = 0x2B // with type 0E: read device identification
	deviceID      = 0x0E
)

// mirrors tells whether the answer PDU repeats what the request PDU wrote: the answer to a write is its own beginning.
func mirrors(request, answer []byte) bool {
	return request[0] != writeSingle && request[0] != writeMultiple || bytes.HasPrefix(answer, request[:5])
}

// rtu judges the bytes that come after an RTU request.
type rtu struct {
	request []byte
	patient bool // old answers of this meter may still come: drop those of another length instead of giving up
}

func (j rtu) expect(b []byte) (line.Verdict, error) {
	unit, function := j.request[0], j.request[1]
	if b[0] != unit && (b[0] == 0x00 || b[0] == 0xFF) {
		return line.Verdict{Drop: 1}, nil // the driver chip's switching glitch; neither is a meter's address
	}
	if len(b) < shortest {
		return line.Verdict{Need: shortest}, nil
	}
	need, known := frameLength(b)
	switch {
	case !known && b[0] != unit:
		return line.Verdict{}, fmt.Errorf("answer starts with address %d, asked was %d: %w", b[0], unit, meter.ErrForeign)
	case !known || need > longest:
		return line.Verdict{}, fmt.Errorf("answer has function %02X, asked was %02X: %w", b[1], function, meter.ErrMalformed)
	case len(b) < need:
		return line.Verdict{Need: need}, nil
	case !crcOK(b[:need]):
		n := need - 2
		return line.Verdict{Need: need}, fmt.Errorf("CRC is %04X and should be %04X: %w",
			binary.LittleEndian.Uint16(b[n:]), crc16(b[:n]), meter.ErrChecksum)
	case b[0] != unit:
		return line.Verdict{Drop: need}, nil // a whole answer of another meter that was late: ours may follow
	}
	return j.judge(b[:need])
}

// judge looks at a whole, undamaged frame of our meter.
func (j rtu) judge(b []byte) (line.Verdict, error) {
	need, function := len(b), j.request[1]
	switch {
	case b[1] == function|exceptionBit:
		return line.Verdict{Need: need}, refusal(b[2])
	case b[1] == function && (rtuLength(j.request) == 0 || need == rtuLength(j.request)) && mirrors(j.request[1:], b[1:]):
		return line.Verdict{Need: need}, nil
	case j.patient:
		return line.Verdict{Drop: need}, nil // the answer to an older question
	case b[1] != function:
		return line.Verdict{Need: need}, fmt.Errorf("answer has function %02X, asked was %02X: %w", b[1], function, meter.ErrMalformed)
	}
	if function == writeSingle || function == writeMultiple {
		return line.Verdict{Need: need}, fmt.Errorf("answer does not repeat what was written: %w", meter.ErrMalformed)
	}
	return line.Verdict{Need: need}, fmt.Errorf("answer carries %d bytes, asked were %d: %w", b[2], dataBytes(j.request[1:]), meter.ErrMalformed)
}

// frameLength foretells how long the frame that starts with b is; false if its function does not tell. b has at least
// three bytes.
func frameLength(b []byte) (int, bool) {
	switch {
	case b[1]&exceptionBit != 0:
		return exceptionLength, true
	case b[1] >= 1 && b[1] <= 4 || b[1] == reportServer:
		return 3 + int(b[2]) + 2, true
	case b[1] == 5 || b[1] == 6 || b[1] == 15 || b[1] == 16:
		return 8, true
	case b[1] == encapsulated && b[2] == deviceID:
		n, known := identityLength(b[1:])
		return 1 + n + 2, known
	}
	return 0, false
}

// identityLength foretells how long the PDU of an answer with device identification is, as far as its bytes tell:
// function, type, code, conformity, more, next, number of objects; then number, length and text of each (Application
// Protocol V1.1b3, 6.21).
func identityLength(pdu []byte) (int, bool) {
	n := identityHead
	if len(pdu) < n {
		return n, true
	}
	for range pdu[n-1] {
		n += 2
		if n > longest {
			return 0, false
		}
		if len(pdu) < n {
			return n, true
		}
		n += int(pdu[n-1])
	}
	return n, true
}

const identityHead = 7

func refusal(code byte) error {
	return fmt.Errorf("%w: code %02X", errRefused, code)
}
