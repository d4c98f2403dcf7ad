package cardsim

import (
	"bytes"
	"errors"

	"tally/cardreader/apdu"
)

// Status words of a reader's firmware to commands that it does not take.
const (
	swWrongLength  apdu.Status = 0x6700
	swNotSupported apdu.Status = 0x6A81
	swOutside      apdu.Status = 0x6B00
	swUnknownINS   apdu.Status = 0x6D00
	swUnknownCLA   apdu.Status = 0x6E00
)

// acs is the firmware of ACR38, ACR39U and ACR3901 for memory cards ("Memory Card Command Set" of their reference
// manuals): pseudo APDUs of class FF, all refused until the card type was selected.
type acs struct {
	chip     *SLE4442
	selected bool
	old      bool // before CCID: other answers, see OldACS
}

// ACS puts the chip behind the firmware of an ACS reader.
func ACS(chip *SLE4442) Device { return &acs{chip: chip} }

// OldACS puts the chip behind the firmware of an ACR38 from before CCID (ACR38x Reference Manual 6.02 §9.2.2.6): a read
// has the four protection bytes behind the data, the counter is asked for with length 00, and a presentation is answered
// with the counter and the code as the chip then shows it.
func OldACS(chip *SLE4442) Device { return &acs{chip: chip, old: true} }

func (a *acs) Insert() error { return a.chip.insert() }
func (a *acs) Remove()       { a.chip.remove() } // the selection is the reader's and ends at the next reset

func (a *acs) PowerOff() { a.selected = false; a.chip.power(false) }

func (a *acs) Reset() []byte {
	a.selected = false
	a.chip.power(false)
	a.chip.power(true)
	return a.chip.atr()
}

func (a *acs) Save() func() {
	selected, restore := a.selected, a.chip.save()
	return func() { a.selected = selected; restore() }
}

// inherit: the firmware keeps the selected type when it did not notice that the card changed.
func (a *acs) inherit(old Device) {
	if o, ok := old.(*acs); ok && o.old == a.old {
		a.selected = o.selected
	}
}

// interrupt is the card pulled in the middle: a presentation has cost its try, a write has done the first half and
// erased one byte more.
func (a *acs) interrupt(command []byte) error {
	c, err := apdu.ParseCommand(command)
	switch {
	case err != nil || !a.selected:
	case c.INS == 0x20 && len(c.Data) == 3:
		err = spend(a.chip)
	case c.INS == 0xD0 && len(c.Data) > 0:
		err = writeHalf(a.chip, c)
	}
	return errors.Join(err, ErrPulled)
}

func (c *SLE4442) save() func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	im, powered, armed, matched, unlocked := c.im, c.powered, c.armed, c.matched, c.unlocked
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.im, c.powered, c.armed, c.matched, c.unlocked = im, powered, armed, matched, unlocked
		if c.persist != nil {
			// A file that cannot be written now keeps the effect; the next write reports the cause.
			_ = c.persist(im)
		}
	}
}

// Exchange carries out a pseudo APDU. An error is one of keeping the chip's file.
func (a *acs) Exchange(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return apdu.Response{SW: swWrongLength}.Bytes(), nil
	}
	r, err := a.do(c)
	if err != nil {
		return nil, err
	}
	return r.Bytes(), nil
}

func status(sw apdu.Status, err error) (apdu.Response, error) { return apdu.Response{SW: sw}, err }

func (a *acs) do(c apdu.Command) (apdu.Response, error) {
	if c.CLA != 0xFF {
		return status(swUnknownCLA, nil)
	}
	if c.INS == 0xA4 {
		return a.selectType(c)
	}
	if !a.selected {
		return status(swNotSupported, nil)
	}
	switch c.INS {
	case 0xB0:
		return a.read(c)
	case 0xB1:
		m, err := a.chip.readSecurity()
		return a.four(c, m, err)
	case 0xB2:
		m, err := a.chip.readProtection()
		return a.four(c, m, err)
	case 0x20:
		return a.present(c)
	case 0xD0:
		return writeMain(a.chip, c)
	case 0xD1:
		return a.writeProtect(c)
	case 0xD2:
		return a.changeCode(c)
	}
	return status(swUnknownINS, nil)
}

// selectType is FF A4 00 00 01 06: powers the card down and up and sets the type for what follows.
func (a *acs) selectType(c apdu.Command) (apdu.Response, error) {
	if len(c.Data) != 1 {
		return status(swWrongLength, nil)
	}
	a.Reset()
	if c.Data[0] != 0x06 {
		return status(swNotSupported, nil)
	}
	a.selected = true
	return status(apdu.OK, nil)
}

// present is FF 20 00 00 03: spend a try, compare, win it back. SW2 is the error counter afterwards, so that 90 00
// means locked.
func (a *acs) present(c apdu.Command) (apdu.Response, error) {
	if len(c.Data) != 3 {
		return status(swWrongLength, nil)
	}
	ec, err := presentPSC(a.chip, c.Data)
	if err != nil || !a.old {
		return status(apdu.OK|apdu.Status(ec), err)
	}
	sec, err := a.chip.readSecurity()
	return apdu.Response{Data: sec[:], SW: apdu.OK}, err
}

func (a *acs) read(c apdu.Command) (apdu.Response, error) {
	r, err := readMain(a.chip, c)
	if err != nil || r.SW != apdu.OK || !a.old {
		return r, err
	}
	prot, err := a.chip.readProtection()
	r.Data = append(r.Data, prot[:]...)
	return r, err
}

// spend is a presentation that was cut off after its first step.
func spend(chip *SLE4442) error {
	sec, err := chip.readSecurity()
	if err != nil {
		return err
	}
	return chip.updateEC(spendTry(sec[0]))
}

// writeHalf is a write that was cut off in the middle, with one byte erased and not yet written.
func writeHalf(chip *SLE4442, c apdu.Command) error {
	return chip.updateMain(int(c.P2), append(bytes.Clone(c.Data[:len(c.Data)/2]), 0xFF))
}

// presentPSC is the sequence of the data sheet's PSC verification procedure; it returns the error counter it leaves.
func presentPSC(chip *SLE4442, psc []byte) (ec byte, err error) {
	sec, err := chip.readSecurity()
	if err != nil || sec[0] == 0 {
		return 0, err
	}
	err = chip.updateEC(spendTry(sec[0]))
	for i, b := range psc {
		if err == nil {
			err = chip.compare(i, b)
		}
	}
	if err == nil {
		err = chip.updateEC(0xFF)
	}
	if err != nil {
		return 0, err
	}
	sec, err = chip.readSecurity()
	return sec[0], err
}

// spendTry is the error counter with its lowest set bit written to 0.
func spendTry(ec byte) byte { return ec & (ec - 1) }

func (a *acs) writeProtect(c apdu.Command) (apdu.Response, error) {
	if c.P1 != 0 || len(c.Data) == 0 || int(c.P2)+len(c.Data) > protectable {
		return status(swOutside, nil)
	}
	for i, b := range c.Data {
		if err := a.chip.writeProtection(int(c.P2)+i, b); err != nil {
			return apdu.Response{}, err
		}
	}
	return status(apdu.OK, nil)
}

func (a *acs) changeCode(c apdu.Command) (apdu.Response, error) {
	if c.P2 != 1 || len(c.Data) != 3 {
		return status(swOutside, nil)
	}
	for i, b := range c.Data {
		if err := a.chip.updatePSC(i, b); err != nil {
			return apdu.Response{}, err
		}
	}
	return status(apdu.OK, nil)
}

func readMain(chip *SLE4442, c apdu.Command) (apdu.Response, error) {
	if c.P1 != 0 || c.Le == 0 || int(c.P2)+c.Le > mainSize {
		return status(swOutside, nil)
	}
	data, err := chip.readMain(int(c.P2), c.Le)
	return apdu.Response{Data: data, SW: apdu.OK}, err
}

// writeMain answers 90 00 whether or not the chip took the bytes: it cannot know.
func writeMain(chip *SLE4442, c apdu.Command) (apdu.Response, error) {
	if c.P1 != 0 || len(c.Data) == 0 || int(c.P2)+len(c.Data) > mainSize {
		return status(swOutside, nil)
	}
	return status(apdu.OK, chip.updateMain(int(c.P2), c.Data))
}

func (a *acs) four(c apdu.Command, m [4]byte, err error) (apdu.Response, error) {
	want := len(m)
	if a.old {
		want = apdu.MaxLe // length 00
	}
	if c.Le != want {
		return status(swWrongLength, nil)
	}
	return apdu.Response{Data: m[:], SW: apdu.OK}, err
}
