package modbus

import "encoding/binary"

// FrameRTU makes the serial frame of a PDU: address, PDU, CRC.
func FrameRTU(unit byte, pdu ...byte) []byte {
	b := append([]byte{unit}, pdu...)
	return binary.LittleEndian.AppendUint16(b, crc16(b))
}

// CheckRTU tells whether b is a whole serial frame by its CRC. It says nothing of its content.
func CheckRTU(b []byte) bool { return len(b) >= 4 && crcOK(b) }
