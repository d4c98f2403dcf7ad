package icmeter

import (
	"errors"
	"slices"
	"time"
)

// card is 256 bytes in the meter's slot. The cards of these tests are laid out by hand, from the published map.
type card struct {
	mem  []byte
	gone bool
}

func (c *card) ReadMem() []byte {
	if c.gone {
		return nil
	}
	return slices.Clone(c.mem)
}

func (c *card) WriteMem(at int, data []byte) error {
	if c.gone {
		return errors.New("gone")
	}
	copy(c.mem[at:], data)
	return nil
}

// issue is a user card in 0.01 m³ for meter 00005678, or an unbound one.
func issue(bound bool) *card {
	c := &card{mem: slices.Repeat([]byte{0xFF}, chipSize)}
	copy(c.mem[0x20:], []byte{0x5A, 0x01, 0x01, 0x01, 0x05, 0x71, 0x00, 0x00, 0x12, 0x34, 0x00, 0x00, 0x56, 0x78, 0x01})
	if !bound {
		copy(c.mem[0x2A:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
	}
	return c.sealed()
}

// edit changes a byte of the header and seals header and orders again.
func (c *card) edit(at int, b byte) *card {
	c.mem[at] = b
	return c.sealed()
}

func (c *card) sealed() *card {
	c.mem[0x2F] = crc8(c.mem[0x20:0x2F])
	for _, at := range []int{orderA, orderB} {
		c.sealOrder(at)
	}
	return c
}

func (c *card) sealOrder(at int) {
	cover := append(slices.Clone(c.mem[0x20:0x2F]), c.mem[at:at+29]...)
	put(c.mem[at+29:at+31], uint64(crc16(cover)))
}

// limits are the figures of an order beside its sequence and total.
type limits struct{ price, alarm, hoard, overdraft uint64 }

func (c *card) put(at int, seq, cum uint64, l limits) *card {
	s := c.mem[at : at+slotLen]
	put(s[0:2], seq)
	put(s[2:6], 0)
	put(s[6:10], cum)
	put(s[10:14], l.price)
	s[14] = 1
	put(s[15:17], l.alarm)
	put(s[17:19], l.hoard)
	put(s[19:21], l.overdraft)
	copy(s[21:29], []byte{0x26, 0x11, 0x21, 0x14, 1, 0xAB, 0xCD, 0xEF})
	c.sealOrder(at)
	s[commitAt] = commitByte
	return c
}

func noon() time.Time { return time.Date(2026, 11, 21, 12, 30, 0, 0, time.UTC) }
