package cardsim

import (
	"bytes"
	"errors"

	"tally/cardreader/apdu"
)

// acs102 is the firmware of an ACS reader for AT88SC101/102/1003 (ACR3901U reference manual 1.09 §7.2.9).
type acs102 struct {
	chip     *AT88SC102
	selected bool
}

// ACS102 puts the chip behind the firmware of an ACS reader.
func ACS102(chip *AT88SC102) Device { return &acs102{chip: chip} }

func (a *acs102) Insert() error {
	a.chip.mu.Lock()
	defer a.chip.mu.Unlock()
	if a.chip.inSlot {
		return ErrInUse
	}
	a.chip.inSlot = true
	return nil
}

func (a *acs102) Remove() {
	a.chip.power(false)
	a.chip.mu.Lock()
	defer a.chip.mu.Unlock()
	a.chip.inSlot = false
}

func (a *acs102) PowerOff() { a.selected = false; a.chip.power(false) }

func (a *acs102) Reset() []byte {
	a.selected = false
	a.chip.power(false)
	a.chip.power(true)
	return append([]byte{0x3B, 0x04}, a.chip.read(0, 4)...)
}

func (a *acs102) Save() func() {
	a.chip.mu.Lock()
	defer a.chip.mu.Unlock()
	selected, mem, powered, verified, fresh := a.selected, a.chip.mem, a.chip.powered, a.chip.verified, a.chip.fresh
	return func() {
		a.chip.mu.Lock()
		defer a.chip.mu.Unlock()
		a.selected, a.chip.mem, a.chip.powered, a.chip.verified, a.chip.fresh = selected, mem, powered, verified, fresh
	}
}

func (a *acs102) inherit(old Device) {
	if o, ok := old.(*acs102); ok {
		a.selected = o.selected
	}
}

// interrupt: a verification has cost its attempt, a write has done its first half; an erasure is torn at half the zone.
func (a *acs102) interrupt(command []byte) error {
	c, err := apdu.ParseCommand(command)
	switch {
	case err != nil || !a.selected || len(c.Data) == 0:
	case c.INS == 0x20 && c.P2 == atSC:
		a.chip.spendAttempt()
	case c.INS == 0x20:
		a.tearErasure(c)
	case c.INS == 0xD0:
		a.chip.write(int(c.P2), c.Data[:len(c.Data)/2])
	}
	return errors.Join(err, ErrPulled)
}

func (a *acs102) tearErasure(c apdu.Command) {
	before := a.chip.ReadMem()
	a.eraseZone(c)
	a.chip.mu.Lock()
	defer a.chip.mu.Unlock()
	if half := int(c.P2) - atZone/2; half >= atAZ1 && half+atZone/2 <= atEZ2 {
		copy(a.chip.mem[half:half+atZone/2], before[half:])
	}
}

// Exchange carries out a pseudo APDU.
func (a *acs102) Exchange(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return apdu.Response{SW: swWrongLength}.Bytes(), nil
	}
	return a.do(c).Bytes(), nil
}

func sw(s apdu.Status) apdu.Response { return apdu.Response{SW: s} }

func (a *acs102) do(c apdu.Command) apdu.Response {
	switch {
	case c.CLA != 0xFF:
		return sw(swUnknownCLA)
	case c.INS == 0xA4:
		return a.selectType(c)
	case !a.selected:
		return sw(swNotSupported)
	}
	switch c.INS {
	case 0xB0:
		if c.P1 != 0 || c.Le == 0 || int(c.P2)+c.Le > atSize {
			return sw(swOutside)
		}
		return apdu.Response{Data: a.chip.read(int(c.P2), c.Le), SW: apdu.OK}
	case 0xD0:
		if c.P1 != 0 || len(c.Data) == 0 || int(c.P2)+len(c.Data) > atSize {
			return sw(swOutside)
		}
		a.chip.write(int(c.P2), c.Data)
		return sw(apdu.OK)
	case 0xD2:
		if int(c.P2) >= atSize {
			return sw(swOutside)
		}
		a.chip.eraseWord(int(c.P2))
		return sw(apdu.OK)
	case 0x20:
		return a.verify(c)
	case 0x05: // BLOWN_FUSE: address of the fuse in bits, the state of the pins FUS and RST
		if bytes.Equal(c.Data, []byte{0x06, 0x10, 0x01, 0x01}) {
			a.chip.blow()
		}
		return sw(apdu.OK)
	}
	return sw(swUnknownINS)
}

func (a *acs102) selectType(c apdu.Command) apdu.Response {
	if len(c.Data) != 1 {
		return sw(swWrongLength)
	}
	a.Reset()
	if c.Data[0] != 0x09 {
		return sw(swNotSupported)
	}
	a.selected = true
	return sw(apdu.OK)
}

// verify is FF 20: of the code, or of an erase key, by the address in P2. 90 00 says only that it was done.
func (a *acs102) verify(c apdu.Command) apdu.Response {
	if c.P2 != atSC {
		return a.eraseZone(c)
	}
	if c.P1 != 8 || len(c.Data) != 2 {
		return sw(swWrongLength)
	}
	if !a.chip.spendAttempt() {
		return sw(swWrongCode)
	}
	a.chip.compareCode(c.Data)
	return sw(apdu.OK)
}

func (a *acs102) eraseZone(c apdu.Command) apdu.Response {
	one := c.P2 == atEZ1 && c.P1 == 0 && len(c.Data) == 6
	two := c.P2 == atEZ2 && (c.P1 == 0 || c.P1 == 0x80) && len(c.Data) == 4
	if !one && !two {
		return sw(swOutside)
	}
	if !a.chip.eraseZone(int(c.P2), c.Data, c.P1 == 0x80) {
		return sw(swWrongCode)
	}
	return sw(apdu.OK)
}
