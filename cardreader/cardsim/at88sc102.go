package cardsim

import (
	"bytes"
	"fmt"
	"math/bits"
	"sync"
)

// Memory map of the AT88SC102 in bytes (data sheet 1419, "Memory Map"; the addresses that the reader manuals give for
// code and keys fit it).
const (
	atIZ    = 0x02 // issuer zone, 8
	atSC    = 0x0A // security code, 2
	atSCAC  = 0x0C // attempts counter, 2
	atCPZ   = 0x0E // code protected zone, 8
	atAZ1   = 0x16 // application zone 1, 64
	atEZ1   = 0x56 // its erase key, 6
	atAZ2   = 0x5C // application zone 2, 64
	atEZ2   = 0x9C // its erase key, 4
	atEC2   = 0xA0 // erase counter of zone 2, 16 bytes of one bit an erasure
	atMTZ   = 0xB0 // memory test zone, 2: anybody may write and erase it
	atSize  = 0xB2
	atZone  = 64
	atReadR = 0x40 // second bit of an application zone: 1 = readable without the code
	// atTries: revision C of the data sheet allows four wrong attempts (revision B eight).
	atTries = 4
)

// AT88SC102Options describe an issued chip, its issuer fuse blown. Zero codes and keys are zero bytes.
type AT88SC102Options struct {
	// Fresh: the issuer fuse is intact (security level 1). With the code all zones, codes and keys are read, written and erased
	// by words, and the erase keys have no use yet.
	Fresh    bool
	Code     [2]byte
	EZ1      [6]byte
	EZ2      [4]byte
	Used     int  // wrong attempts already spent
	Erasures int  // of zone 2 already spent
	EC2      bool // the erase counter is enabled

	Issuer    []byte // start of the issuer zone
	Protected []byte // start of the code protected zone; the rest is FF, as everywhere
	Zone1     []byte // start of the application zones
	Zone2     []byte
}

// AT88SC102 is the chip: two application zones that are written bit by bit from 1 to 0 and erased only as a whole, with
// a key each. It lives in memory. What is not modelled: the P bits, the manufacturer's zones behind the erase counter and
// their fuse, the block erase of level 1.
type AT88SC102 struct {
	mu       sync.Mutex
	mem      [atSize]byte
	ec2      bool
	fresh    bool
	inSlot   bool
	powered  bool
	verified bool
}

// NewAT88SC102 makes a chip with empty zones.
func NewAT88SC102(o AT88SC102Options) *AT88SC102 {
	c := &AT88SC102{ec2: o.EC2, fresh: o.Fresh}
	copy(c.mem[:], bytes.Repeat([]byte{0xFF}, atSize))
	copy(c.mem[:], []byte{0x0F, 0x0F}) // fabrication zone
	copy(c.mem[atIZ:atSC], o.Issuer)
	copy(c.mem[atCPZ:atAZ1], o.Protected)
	copy(c.mem[atAZ1:atEZ1], o.Zone1)
	copy(c.mem[atAZ2:atEZ2], o.Zone2)
	copy(c.mem[atSC:], o.Code[:])
	copy(c.mem[atEZ1:], o.EZ1[:])
	copy(c.mem[atEZ2:], o.EZ2[:])
	for range o.Used {
		spendBit(c.mem[atSCAC:atCPZ])
	}
	for range o.Erasures {
		spendBit(c.mem[atEC2:atMTZ])
	}
	return c
}

// spendBit writes the first 1 bit, counted from the most significant, to 0.
func spendBit(b []byte) {
	for i := range b {
		if b[i] != 0 {
			b[i] &^= 1 << (bits.Len8(b[i]) - 1)
			return
		}
	}
}

// ReadMem returns the memory as the chip's maker could see it, codes and keys too.
func (c *AT88SC102) ReadMem() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.mem[:])
}

// WriteMem is a write by a meter that knows the code: bits only go from 1 to 0. It fails with ErrInUse in a reader, with
// ErrLocked when no attempt is left, and outside the application zones.
func (c *AT88SC102) WriteMem(addr int, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !inZone(addr, len(data), atAZ1) && !inZone(addr, len(data), atAZ2):
		return fmt.Errorf("write %d bytes at %#x: outside the application zones", len(data), addr)
	case c.inSlot:
		return ErrInUse
	case c.tries() == 0:
		return ErrLocked
	}
	for i, b := range data {
		c.mem[addr+i] &= b
	}
	return nil
}

func inZone(addr, n, zone int) bool { return addr >= zone && addr+n <= zone+atZone }

// Tries is the number of wrong attempts left.
func (c *AT88SC102) Tries() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries()
}

func (c *AT88SC102) tries() int { return bits.OnesCount8(c.mem[atSCAC] >> (8 - atTries)) }

// HasSecrets reports whether the chip has this code and these erase keys, and its issuer fuse is blown.
func (c *AT88SC102) HasSecrets(code, zone1, zone2 []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.fresh && bytes.Equal(c.mem[atSC:atSCAC], code) && bytes.Equal(c.mem[atEZ1:atAZ2], zone1) && bytes.Equal(c.mem[atEZ2:atEC2], zone2)
}

// Wear spends n of the counted erasures of zone 2, as a long life does.
func (c *AT88SC102) Wear(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		spendBit(c.mem[atEC2:atMTZ])
	}
}

// Unlocked reports whether the code was verified since power-up.
func (c *AT88SC102) Unlocked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.verified
}

func (c *AT88SC102) power(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.powered, c.verified = on, false
}

// read shows what the chip shows: the code and the keys never, a zone whose R bit is 0 only after the code.
func (c *AT88SC102) read(addr, n int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := bytes.Clone(c.mem[addr : addr+n])
	for i := range out {
		if !c.powered || !c.visible(addr+i) {
			out[i] = 0xFF
		}
	}
	return out
}

func (c *AT88SC102) visible(addr int) bool {
	switch {
	case addr >= atSC && addr < atSCAC, isKey(addr):
		return c.fresh && c.verified
	case inZone(addr, 1, atAZ1):
		return c.verified || c.mem[atAZ1]&atReadR != 0
	case inZone(addr, 1, atAZ2):
		return c.verified || c.mem[atAZ2]&atReadR != 0
	}
	return true
}

func isKey(addr int) bool { return addr >= atEZ1 && addr < atAZ2 || addr >= atEZ2 && addr < atEC2 }

func (c *AT88SC102) write(addr int, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, b := range data {
		if c.powered && c.writable(addr+i) {
			c.mem[addr+i] &= b
		}
	}
}

func (c *AT88SC102) writable(addr int) bool {
	switch {
	case addr >= atMTZ, addr >= atSCAC && addr < atCPZ:
		return true
	case addr < atIZ, addr >= atEC2:
		return false
	case addr < atSC, isKey(addr):
		return c.fresh && c.verified
	}
	return c.verified
}

// eraseWord erases the 16 bits around addr: code, code protected and test zone; in level 1 the issuer zone, the keys and the
// words of the application zones too.
func (c *AT88SC102) eraseWord(addr int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	addr &^= 1
	application := inZone(addr, 1, atAZ1) || inZone(addr, 1, atAZ2)
	if c.powered && c.writable(addr) && (addr < atSCAC || addr >= atCPZ) && (c.fresh || !application) {
		c.mem[addr], c.mem[addr+1] = 0xFF, 0xFF
	}
}

// blow blows the issuer fuse, which needs the code; nothing brings it back.
func (c *AT88SC102) blow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.powered && c.verified {
		c.fresh = false
	}
}

// spendAttempt writes one bit of the attempts counter; false when none is left.
func (c *AT88SC102) spendAttempt() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.powered || c.tries() == 0 {
		return false
	}
	spendBit(c.mem[atSCAC:atCPZ])
	return true
}

// compareCode follows spendAttempt: the right code wins the counter back.
func (c *AT88SC102) compareCode(code []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.powered && bytes.Equal(code, c.mem[atSC:atSCAC]) {
		c.verified = true
		c.mem[atSCAC], c.mem[atSCAC+1] = 0xFF, 0xFF
	}
}

// eraseZone compares the key and erases the zone before it. counted spends a bit of the erase counter first and is
// false when there is none; with the counter enabled, zone 2 is erased no other way.
func (c *AT88SC102) eraseZone(keyAt int, key []byte, counted bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.powered {
		return true
	}
	zone := keyAt - atZone
	if c.fresh { // in level 1 an erasure erases the word that is addressed
		if c.verified {
			c.mem[keyAt-2], c.mem[keyAt-1] = 0xFF, 0xFF
		}
		return true
	}
	if counted {
		if bytes.Count(c.mem[atEC2:atMTZ], []byte{0}) == atMTZ-atEC2 {
			return false
		}
		spendBit(c.mem[atEC2:atMTZ])
	}
	if c.verified && bytes.Equal(key, c.mem[keyAt:keyAt+len(key)]) && (keyAt != atEZ2 || counted == c.ec2) {
		copy(c.mem[zone:], bytes.Repeat([]byte{0xFF}, atZone))
	}
	return true
}
