package purse_test

import (
	"context"
	"errors"
	"slices"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// fault is what goes wrong at one call of the memory.
type fault struct {
	at   int // index of the call, over Read, Unlock and Write
	kind faultKind
	torn int // faultTorn: bytes that reach the chip
	swap *chip
}

type faultKind int

const (
	faultNone faultKind = iota
	faultNotSent
	faultUnknown        // no effect, outcome unknown, memory dead
	faultUnknownEffect  // full effect, outcome unknown, memory dead
	faultTorn           // the first bytes take effect, outcome unknown, memory dead
	faultTornErased     // and the next byte is erased
	faultLieNothing     // success without effect
	faultLieFlipped     // success with one byte wrong
	faultNotSentGoingOn // nothing sent, but the memory is not dead
	faultSwap           // from this call on another card answers
	faultShort          // success with too few bytes
	faultKinds
)

// chip is a memory chip that a secret code opens until the power goes, and that fails as told.
type chip struct {
	mem      []byte
	unlocked bool
	dead     bool
	fault    fault
	calls    int
	log      []string // names of the calls that were made
	wear     map[int]int
	reached  bool         // a write was sent, whatever became of it
	areas    []space.Area // what the bytes are made of; none: of bytes
}

// chipOf is a chip of what the profile's map says.
func chipOf(p *profile.Profile, image []byte) *chip {
	c := newChip(image)
	c.areas = p.Map
	return c
}

func newChip(image []byte) *chip {
	return &chip{mem: slices.Clone(image), fault: fault{at: -1}, wear: map[int]int{}}
}

// reinsert is the same card put in again: the power was cut, the fault is over.
func (c *chip) reinsert() {
	c.unlocked, c.dead, c.reached, c.calls, c.log, c.fault = false, false, false, 0, nil, fault{at: -1}
}

var (
	errNotSent = &cardreader.Error{Class: cardreader.Retry, Op: "transmit", Code: cardreader.CodeCardRemoved}
	errUnknown = &cardreader.Error{Class: cardreader.Unknown, Op: "transmit", Code: cardreader.CodeShortAnswer}
)

// call counts a call and says what is to go wrong with it.
func (c *chip) call(name string) (faultKind, error) {
	if c.dead {
		return faultNone, errNotSent
	}
	c.log = append(c.log, name)
	c.calls++
	if c.fault.at != c.calls-1 {
		return faultNone, nil
	}
	switch c.fault.kind {
	case faultNotSent:
		c.dead = true
		return faultNotSent, errNotSent
	case faultNotSentGoingOn:
		return faultNotSent, errNotSent
	case faultUnknown, faultUnknownEffect, faultTorn, faultTornErased:
		c.dead = true
		return c.fault.kind, errUnknown
	case faultSwap:
		other := c.fault.swap
		c.mem, other.mem = other.mem, c.mem
		c.unlocked = false
	}
	return c.fault.kind, nil
}

func (c *chip) Size() int { return len(c.mem) }

func (c *chip) Read(_ context.Context, addr, n int) ([]byte, error) {
	kind, err := c.call("read")
	if err != nil {
		return nil, err
	}
	b := slices.Clone(c.mem[addr : addr+n])
	switch kind {
	case faultLieFlipped:
		b[n/2] ^= 0x10
	case faultShort:
		b = b[:n-1]
	}
	return b, nil
}

func (c *chip) Unlock(context.Context) error {
	kind, err := c.call("unlock")
	if kind == faultNone || kind == faultUnknownEffect || kind == faultSwap { // the utility's cards may share a code
		c.unlocked = true
	}
	return err
}

func (c *chip) Write(_ context.Context, addr int, data []byte) error {
	kind, err := c.call("write")
	c.reached = c.reached || err != errNotSent
	if err != nil && kind == faultNone {
		return err
	}
	if !c.unlocked {
		return err // a locked SLE 4442 answers and stores nothing
	}
	switch kind {
	case faultNone, faultUnknownEffect, faultSwap, faultShort:
		c.store(addr, data)
	case faultTorn, faultTornErased:
		c.tear(addr, data, kind)
	case faultLieFlipped:
		c.store(addr, data)
		c.mem[addr+len(data)/2] ^= 0x04
	}
	return err
}

// area is what a write goes to; a write that no chip could carry out is a mistake in a plan.
func (c *chip) area(addr, n int) space.Area {
	if len(c.areas) == 0 {
		return space.Area{Kind: space.Bytes, Len: len(c.mem)}
	}
	parts, err := space.Split(c.areas, addr, n)
	if err != nil || len(parts) != 1 || n%parts[0].Area.Unit() != 0 {
		panic("a write that the chip cannot do in one")
	}
	return parts[0].Area
}

// tear stores the first bytes of a write. A file is written whole or not at all.
func (c *chip) tear(addr int, data []byte, kind faultKind) {
	a, n := c.area(addr, len(data)), min(c.fault.torn, len(data))
	if a.File != 0 || a.Kind == space.Purse {
		if n == len(data) {
			c.store(addr, data)
		}
		return
	}
	if n == 0 && kind == faultTorn {
		return
	}
	erasing := a.Kind == space.Zone && len(data) == a.Len
	for i, b := range data[:n] {
		if a.Kind == space.Zone && !erasing {
			b &= c.mem[addr+i]
		}
		c.mem[addr+i] = b
	}
	if n < len(data) && kind == faultTornErased && a.Kind != space.Zone {
		c.mem[addr+n] = 0xFF
	}
}

func (c *chip) store(addr int, data []byte) {
	a := c.area(addr, len(data))
	erasing := a.Kind == space.Zone && addr == a.At && len(data) == a.Len
	for i, b := range data {
		if a.Kind == space.Zone && !erasing {
			b &= c.mem[addr+i]
		}
		c.mem[addr+i] = b
		c.wear[addr+i]++
	}
}

func (c *chip) Do(_ context.Context, f func() error) error { return f() }

// ReadMem and WriteMem make the chip one that the simulated meter takes.
func (c *chip) ReadMem() []byte { return slices.Clone(c.mem) }

func (c *chip) WriteMem(addr int, data []byte) error {
	if addr < 0 || addr+len(data) > len(c.mem) {
		return errors.New("outside the chip")
	}
	for i, b := range data {
		if a, ok := space.Find(c.areas, addr+i); ok && a.Kind == space.Zone {
			b &= c.mem[addr+i] // a meter has no key to erase with
		}
		c.mem[addr+i] = b
	}
	return nil
}
