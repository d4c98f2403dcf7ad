package icmeter

import "fmt"

// Addresses of GEN4442 v1.
const (
	chipSize   = 256
	headerAt   = 0x20
	orderA     = 0x30
	orderB     = 0x50
	backA      = 0x70
	backB      = 0x90
	slotLen    = 32
	commitAt   = 31
	commitByte = 0xA5
	openByte   = 0xFF // the slot is being written
)

// header is what the meter looks at of the bytes 20–2F.
type header struct {
	kind   byte
	unit   byte
	region uint16
	card   string
	meter  string // "" when the card is not bound yet
	issue  byte
}

func readHeader(m []byte) (header, Reason) {
	h := m[headerAt : headerAt+16]
	switch {
	case h[0] != 0x5A || h[1] != 0x01:
		return header{}, ReasonLayout
	case crc8(h[:15]) != h[15]:
		return header{}, ReasonHeader
	}
	out := header{kind: h[2], unit: h[3] & 3, region: be16(h[4:]), issue: h[14]}
	var ok bool
	if out.card, ok = digits(h[6:10]); !ok {
		return header{}, ReasonHeader
	}
	if be32(h[10:]) != 0xFFFFFFFF {
		if out.meter, ok = digits(h[10:14]); !ok {
			return header{}, ReasonHeader
		}
	}
	return out, ""
}

// order is what the meter looks at of an order slot.
type order struct {
	seq                     uint16
	cum                     uint32
	price                   uint32
	alarm, hoard, overdraft uint16
}

func readOrder(m []byte, at int) (order, bool) {
	s := m[at : at+slotLen]
	cover := append(append([]byte{}, m[headerAt:headerAt+15]...), s[:29]...)
	if s[commitAt] != commitByte || crc16(cover) != be16(s[29:]) {
		return order{}, false
	}
	return order{
		seq: be16(s), cum: be32(s[6:]), price: be32(s[10:]),
		alarm: be16(s[15:]), hoard: be16(s[17:]), overdraft: be16(s[19:]),
	}, true
}

// newestOrder picks the order that counts; two valid ones of which neither is newer count as none.
func newestOrder(m []byte) (order, Reason) {
	a, okA := readOrder(m, orderA)
	b, okB := readOrder(m, orderB)
	switch {
	case !okA && !okB:
		return order{}, ReasonNoOrder
	case !okB, okA && after(a.seq, b.seq), okA && a == b:
		return a, ""
	case !okA, after(b.seq, a.seq):
		return b, ""
	}
	return order{}, ReasonConflict
}

// back is what the meter looks at of its own write-back slots.
type back struct {
	seq   uint16
	used  uint32
	time  uint32
	meter string
}

func readBack(m []byte, at int) (back, bool) {
	s := m[at : at+slotLen]
	if s[commitAt] != commitByte || crc16(s[:29]) != be16(s[29:]) {
		return back{}, false
	}
	no, ok := digits(s[25:29])
	return back{seq: be16(s), used: be32(s[10:]), time: be32(s[21:]), meter: no}, ok
}

// olderBack is the address of the write-back slot to be overwritten: an invalid one, else the older.
func olderBack(m []byte) int {
	a, okA := readBack(m, backA)
	b, okB := readBack(m, backB)
	switch {
	case !okA:
		return backA
	case !okB:
		return backB
	case a.seq != b.seq && after(b.seq, a.seq), a.seq == b.seq && b.used > a.used,
		a.seq == b.seq && b.used == a.used && b.time > a.time:
		return backA
	}
	return backB
}

// writtenBy names the meter that wrote on this card before, "" when none has.
func writtenBy(m []byte) string {
	for _, at := range []int{backA, backB} {
		if b, ok := readBack(m, at); ok {
			return b.meter
		}
	}
	return ""
}

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
