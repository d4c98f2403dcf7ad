package cardsim

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"
)

// Sizes of the SLE 4442 (data sheet SLE 4432/SLE 4442, §1).
const (
	mainSize    = 256
	protectable = 32 // 00–1F
	ecMask      = 0x07
)

// ErrLocked: the error counter is zero, the chip is read-only for ever.
var ErrLocked = errors.New("chip is locked")

// Options describe a fresh chip. The zero value is a chip as the factory delivers it.
type Options struct {
	PSC  []byte // three bytes; nil is the transport code FF FF FF
	EC   *byte  // error counter; nil is 07, three tries
	Main []byte // user memory from address 20 on; what is not given stays FF
}

// SLE4442 is the chip: 256 bytes of EEPROM, of which the first 32 can be protected for ever, and a security memory of
// error counter and three-byte secret code (PSC). Its methods may be called from any goroutine.
type SLE4442 struct {
	mu       sync.Mutex
	im       image
	inSlot   bool
	powered  bool
	armed    bool // an EC bit was written since power-up or the last comparison: compare commands count
	matched  int  // bytes of the PSC compared right, in order
	unlocked bool
	dirty    bool
	persist  func(image) error // nil: in memory only
}

// image is what survives power-off.
type image struct {
	main [mainSize]byte
	prot [protectable / 8]byte // bit 0 of byte 0 is address 00; 0 = protected
	ec   byte
	psc  [3]byte
}

// NewSLE4442 makes a chip that lives in memory. Wrong lengths in o panic: they are a mistake in a test.
func NewSLE4442(o Options) *SLE4442 { return &SLE4442{im: o.image()} }

func (o Options) image() image {
	im := image{ec: ecMask, psc: [3]byte{0xFF, 0xFF, 0xFF}}
	for i := range im.main {
		im.main[i] = 0xFF
	}
	im.prot = [4]byte{0xFF, 0xFF, 0xFF, 0xFF}
	// ATR, chip manufacturer and application identifier as delivered, protected by the maker.
	im.fuse(0x00, 0xA2, 0x13, 0x10, 0x91)
	im.fuse(0x06, 0x81, 0x15)
	im.fuse(0x15, 0xD2, 0x76, 0x00, 0x00, 0x04, 0x00)
	if o.PSC != nil {
		if len(o.PSC) != len(im.psc) {
			panic("cardsim: a PSC has three bytes")
		}
		copy(im.psc[:], o.PSC)
	}
	if o.EC != nil {
		im.ec = *o.EC & ecMask
	}
	if copy(im.main[protectable:], o.Main) < len(o.Main) {
		panic("cardsim: user memory has 224 bytes")
	}
	return im
}

func (im *image) fuse(addr int, data ...byte) {
	for i, b := range data {
		im.main[addr+i] = b
		im.protect(addr + i)
	}
}

func (im *image) protect(addr int) { im.prot[addr/8] &^= 1 << (addr % 8) }

func (im *image) protected(addr int) bool {
	return addr < protectable && im.prot[addr/8]>>(addr%8)&1 == 0
}

// ReadMem returns the 256 bytes of the main memory. Reading is free, in a reader or out of it.
func (c *SLE4442) ReadMem() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte(nil), c.im.main[:]...)
}

// WriteMem is a write by somebody who knows the PSC and is no PC/SC reader, such as a gas meter: byte by byte, erase
// and write. It fails with ErrInUse while the chip lies in a reader and with ErrLocked when the error counter is used
// up; protected bytes stay as they are without an error, as the chip has it.
func (c *SLE4442) WriteMem(addr int, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case addr < 0 || addr+len(data) > mainSize:
		return fmt.Errorf("write %d bytes at %#x: outside the chip", len(data), addr)
	case c.inSlot:
		return ErrInUse
	case c.im.ec == 0:
		return ErrLocked
	}
	for i, b := range data {
		c.update(addr+i, b)
	}
	return c.flush()
}

// Tries is the number of times that a wrong PSC may still be presented: the bits set in the error counter.
func (c *SLE4442) Tries() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bits.OnesCount8(c.im.ec)
}

// HasPSC reports whether psc is the chip's secret code.
func (c *SLE4442) HasPSC(psc [3]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.im.psc == psc
}

// Unlocked reports whether the PSC was presented since power-up.
func (c *SLE4442) Unlocked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unlocked
}

// update is UPDATE MAIN MEMORY without the question whether it is allowed: erase to FF, then write, which can only
// clear bits.
func (c *SLE4442) update(addr int, b byte) {
	if c.im.protected(addr) {
		return
	}
	c.im.main[addr] = 0xFF
	c.im.main[addr] &= b
	c.dirty = true
}

func (c *SLE4442) flush() error {
	if !c.dirty {
		return nil
	}
	c.dirty = false
	if c.persist == nil {
		return nil
	}
	return c.persist(c.im)
}
