package cardsim

// The chip's own commands (data sheet, table of commands): what a reader's firmware sends over the two wires. They need
// power; without it nothing is read and nothing happens.

// power switches the supply. Either way the chip forgets that it was unlocked.
func (c *SLE4442) power(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.powered, c.armed, c.matched, c.unlocked = on, false, 0, false
}

func (c *SLE4442) insert() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inSlot {
		return ErrInUse
	}
	c.inSlot = true
	return nil
}

func (c *SLE4442) remove() {
	c.power(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inSlot = false
}

// atr: the chip's four bytes, behind the two that PC/SC part 3 puts before the answer of a synchronous card.
func (c *SLE4442) atr() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte{0x3B, 0x04}, c.im.main[:4]...)
}

// locked runs f under the chip's lock, on a powered chip only, and makes what changed durable.
func (c *SLE4442) locked(f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.powered {
		f()
	}
	return c.flush()
}

// readMain is 30: main memory from addr to the end.
func (c *SLE4442) readMain(addr, n int) (out []byte, err error) {
	err = c.locked(func() { out = append(out, c.im.main[addr:addr+n]...) })
	return out, err
}

// readSecurity is 31: EC and the PSC, the latter as 00 until it was presented.
func (c *SLE4442) readSecurity() (out [4]byte, err error) {
	err = c.locked(func() {
		out[0] = c.im.ec
		if c.unlocked {
			copy(out[1:], c.im.psc[:])
		}
	})
	return out, err
}

// readProtection is 34.
func (c *SLE4442) readProtection() (out [4]byte, err error) {
	err = c.locked(func() { out = c.im.prot })
	return out, err
}

// updateMain is 38, byte by byte.
func (c *SLE4442) updateMain(addr int, data []byte) error {
	return c.locked(func() {
		for i, b := range data {
			if c.unlocked {
				c.update(addr+i, b)
			}
		}
	})
}

// writeProtection is 3C: protects the byte at addr for ever if b is what it holds.
func (c *SLE4442) writeProtection(addr int, b byte) error {
	return c.locked(func() {
		if c.unlocked && addr < protectable && c.im.main[addr] == b && !c.im.protected(addr) {
			c.im.protect(addr)
			c.dirty = true
		}
	})
}

// updateEC is 39 at address 0. Before the PSC was compared a write only clears bits; clearing one arms the comparison.
// After three right comparisons the counter can be erased, which is how a reader sees that the code was right.
func (c *SLE4442) updateEC(b byte) error {
	return c.locked(func() {
		if c.matched == 3 || c.unlocked {
			c.im.ec, c.unlocked, c.matched, c.dirty = b&ecMask, true, 0, true
			return
		}
		if after := c.im.ec & b; after != c.im.ec {
			c.im.ec, c.armed, c.matched, c.dirty = after, true, 0, true
		}
	})
}

// updatePSC is 39 at addresses 1–3.
func (c *SLE4442) updatePSC(i int, b byte) error {
	return c.locked(func() {
		if c.unlocked {
			c.im.psc[i], c.dirty = b, true
		}
	})
}

// compare is 33 for byte i of the PSC: it counts only after an EC bit was spent, and only in order.
func (c *SLE4442) compare(i int, b byte) error {
	return c.locked(func() {
		if c.armed && c.matched == i && c.im.psc[i] == b {
			c.matched++
			return
		}
		c.armed, c.matched = false, 0
	})
}
