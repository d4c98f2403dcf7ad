package profile

// Checksum names a check over bytes. The names and check values (over the ASCII text "123456789") are those of the
// catalogue of parametrised CRC algorithms by Greg Cook.
type Checksum string

// Checksums.
const (
	CRC8       Checksum = "crc8"              // CRC-8/SMBUS: polynomial 07, init 00, not reflected; check F4
	CRC16False Checksum = "crc16_ccitt_false" // CRC-16/IBM-3740: polynomial 1021, init FFFF, not reflected; check 29B1
	CRC16X     Checksum = "crc16_xmodem"      // CRC-16/XMODEM: polynomial 1021, init 0000, not reflected; check 31C3
	Sum8       Checksum = "sum8"              // sum of all bytes modulo 256; check DD
	Xor8       Checksum = "xor8"              // exclusive or of all bytes; check 31
	NoCheck    Checksum = "none"              // said aloud: the maker's card has none
)

// Size is the number of bytes of the check, 0 for none or an unknown name.
func (c Checksum) Size() int {
	switch c {
	case CRC8, Sum8, Xor8:
		return 1
	case CRC16False, CRC16X:
		return 2
	}
	return 0
}

// Of computes the check over b; a check of two bytes is stored big-endian.
func (c Checksum) Of(b []byte) []byte {
	switch c {
	case CRC8:
		return []byte{crc8(b)}
	case CRC16False:
		return be16(crc16(0xFFFF, b))
	case CRC16X:
		return be16(crc16(0, b))
	case Sum8:
		var s byte
		for _, x := range b {
			s += x
		}
		return []byte{s}
	case Xor8:
		var s byte
		for _, x := range b {
			s ^= x
		}
		return []byte{s}
	}
	return nil
}

func (c Checksum) known() bool { return c == NoCheck || c.Size() > 0 }

// Bit by bit: a card has 256 bytes, a table would be longer than the time it saves.
func crc8(b []byte) byte {
	var crc byte
	for _, x := range b {
		crc ^= x
		for range 8 {
			top := crc & 0x80
			crc <<= 1
			if top != 0 {
				crc ^= 0x07
			}
		}
	}
	return crc
}

func crc16(crc uint16, b []byte) uint16 {
	for _, x := range b {
		crc ^= uint16(x) << 8
		for range 8 {
			top := crc & 0x8000
			crc <<= 1
			if top != 0 {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

func be16(v uint16) []byte { return []byte{byte(v >> 8), byte(v)} }
