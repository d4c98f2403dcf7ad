package cardsim

import (
	"errors"

	"tally/cardreader/apdu"
)

// What the firmware answers to a wrong code and to a locked chip: the words of PC/SC part 3 for a verification.
const (
	swWrongCode apdu.Status = 0x6300
	swLocked    apdu.Status = 0x6983
)

// omnikey is the firmware of OMNIKEY 3021 and 3121 for memory cards: READ BINARY, UPDATE BINARY and VERIFY of class FF,
// nothing to select, no way to the error counter.
type omnikey struct{ chip *SLE4442 }

// OMNIKEY puts the chip behind the firmware of an OMNIKEY reader.
func OMNIKEY(chip *SLE4442) Device { return &omnikey{chip} }

func (o *omnikey) Insert() error { return o.chip.insert() }
func (o *omnikey) Remove()       { o.chip.remove() }
func (o *omnikey) PowerOff()     { o.chip.power(false) }
func (o *omnikey) Save() func()  { return o.chip.save() }

func (o *omnikey) Reset() []byte {
	o.chip.power(false)
	o.chip.power(true)
	return o.chip.atr()
}

// Exchange carries out a pseudo APDU. An error is one of keeping the chip's file.
func (o *omnikey) Exchange(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return apdu.Response{SW: swWrongLength}.Bytes(), nil
	}
	r, err := o.do(c)
	if err != nil {
		return nil, err
	}
	return r.Bytes(), nil
}

func (o *omnikey) do(c apdu.Command) (apdu.Response, error) {
	if c.CLA != 0xFF {
		return status(swUnknownCLA, nil)
	}
	switch c.INS {
	case 0xB0:
		return readMain(o.chip, c)
	case 0xD6:
		return writeMain(o.chip, c)
	case 0x20:
		return o.verify(c)
	}
	return status(swUnknownINS, nil)
}

func (o *omnikey) verify(c apdu.Command) (apdu.Response, error) {
	if len(c.Data) != 3 {
		return status(swWrongLength, nil)
	}
	ec, err := presentPSC(o.chip, c.Data)
	switch {
	case err != nil:
		return apdu.Response{}, err
	case ec == 0:
		return status(swLocked, nil)
	case ec != ecMask:
		return status(swWrongCode, nil)
	}
	return status(apdu.OK, nil)
}

func (o *omnikey) interrupt(command []byte) error {
	c, err := apdu.ParseCommand(command)
	switch {
	case err != nil:
	case c.INS == 0x20 && len(c.Data) == 3:
		err = spend(o.chip)
	case c.INS == 0xD6 && len(c.Data) > 0:
		err = writeHalf(o.chip, c)
	}
	return errors.Join(err, ErrPulled)
}
