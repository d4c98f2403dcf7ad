package metersim

import "encoding/binary"

// modbusSpeech is Modbus RTU.
type modbusSpeech struct{ bus *Bus }

// Frame foretells the length of the request from its function code.
func (modbusSpeech) Frame(b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case b[1] == 15 || b[1] == 16:
		if len(b) < 7 {
			return 0
		}
		return 7 + int(b[6]) + 2
	case b[1] == 17:
		return 4
	case b[1] == 0x2B:
		return 7
	}
	return 8
}

// Hear lets the slave with the request's address answer.
func (m modbusSpeech) Hear(frame []byte) (Reply, bool) {
	n := len(frame) - 2
	slave := m.bus.slave(frame[0])
	if slave == nil || binary.LittleEndian.Uint16(frame[n:]) != checksum(frame[:n]) {
		return Reply{}, false
	}
	f := slave.fault()
	pdu := frame[1:n]
	out := append([]byte{f.address(frame[0])}, f.mangle(pdu, slave.answer(pdu))...)
	return Reply{Who: string(frame[:1]), Bytes: binary.LittleEndian.AppendUint16(out, checksum(out)), Fault: f}, true
}

// checksum is the CRC of the serial line specification, 6.2.2, bit by bit over the reversed polynomial.
func checksum(b []byte) uint16 {
	sum := uint16(0xFFFF)
	for _, c := range b {
		sum ^= uint16(c)
		for bit := 0; bit < 8; bit++ {
			if carry := sum & 1; carry != 0 {
				sum = sum>>1 ^ 0xA001
			} else {
				sum >>= 1
			}
		}
	}
	return sum
}
