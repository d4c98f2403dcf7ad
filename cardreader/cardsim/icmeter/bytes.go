package icmeter

import "fmt"

// after is RFC 1982 serial arithmetic in 16 bits.
func after(a, b uint16) bool { return a != b && a-b < 0x8000 }

func digits(b []byte) (string, bool) {
	for _, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return "", false
		}
	}
	return fmt.Sprintf("%x", b), true
}

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func be32(b []byte) uint32 { return uint32(be16(b))<<16 | uint32(be16(b[2:])) }

// crc8 has polynomial 07 and starts at 0 (CRC-8/SMBUS).
func crc8(b []byte) (c byte) {
	for _, x := range b {
		c ^= x
		for i := 0; i < 8; i++ {
			if c >= 0x80 {
				c = c<<1 ^ 0x07
			} else {
				c <<= 1
			}
		}
	}
	return c
}

// crc16 has polynomial 1021 and starts at FFFF (CRC-16/IBM-3740, known as CCITT-FALSE).
func crc16(b []byte) uint16 {
	c := uint16(0xFFFF)
	for _, x := range b {
		for bit := 7; bit >= 0; bit-- {
			in := c>>15 ^ uint16(x>>bit)&1
			c <<= 1
			if in == 1 {
				c ^= 0x1021
			}
		}
	}
	return c
}

func le16(b []byte) uint16 { return uint16(b[1])<<8 | uint16(b[0]) }

func putLE(b []byte, v uint64) {
	for i := range b {
		b[i] = byte(v)
		v >>= 8
	}
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, x := range b {
		out[len(b)-1-i] = x
	}
	return out
}

// decimal reads BCD, the most significant digit first.
func decimal(b []byte) (v int64, ok bool) {
	for _, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return 0, false
		}
		v = v*100 + int64(x>>4)*10 + int64(x&15)
	}
	return v, true
}

// base100 reads bytes that count to 99, the most significant first.
func base100(b []byte) (v int64, ok bool) {
	for _, x := range b {
		if x > 99 {
			return 0, false
		}
		v = v*100 + int64(x)
	}
	return v, true
}

// packed is a number of an even number of digits as BCD.
func packed(s string) []byte {
	b := make([]byte, len(s)/2)
	for i := range b {
		b[i] = (s[2*i]-'0')<<4 | (s[2*i+1] - '0')
	}
	return b
}

func sum8(b []byte) (s byte) {
	for _, x := range b {
		s += x
	}
	return s
}

func xor8(b []byte) (s byte) {
	for _, x := range b {
		s ^= x
	}
	return s
}

// xmodem has polynomial 1021 and starts at 0 (CRC-16/XMODEM).
func xmodem(b []byte) (c uint16) {
	for _, x := range b {
		c ^= uint16(x) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
	}
	return c
}
