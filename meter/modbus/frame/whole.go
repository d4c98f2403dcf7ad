package frame

import "encoding/binary"

// WrapRTU makes the serial frame of a PDU: address, PDU, CRC.
func WrapRTU(unit byte, pdu ...byte) []byte {
	b := append([]byte{unit}, pdu...)
	return binary.LittleEndian.AppendUint16(b, CRC(b))
}

// WholeRTU tells whether b is a whole serial frame by its CRC. It says nothing of its content.
func WholeRTU(b []byte) bool { return len(b) >= 4 && crcOK(b) }
