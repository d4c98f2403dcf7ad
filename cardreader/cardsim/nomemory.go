package cardsim

import "tally/cardreader/apdu"

// plainReader is the firmware of a reader that speaks T=0 and T=1 only.
type plainReader struct {
	chip *SLE4442
	mute bool
}

// NoMemoryCards puts the chip into a reader that does not know memory cards. Some of these show the card as mute, as
// a synchronous chip does not answer an asynchronous reset; others make up an ATR and refuse every command.
func NoMemoryCards(chip *SLE4442, mute bool) Device { return &plainReader{chip, mute} }

func (p *plainReader) Insert() error { return p.chip.insert() }
func (p *plainReader) Remove()       { p.chip.remove() }
func (p *plainReader) PowerOff()     { p.chip.power(false) }

func (p *plainReader) Reset() []byte {
	if p.mute {
		return nil
	}
	return p.chip.atr()
}

func (p *plainReader) Exchange(c []byte) ([]byte, error) {
	if len(c) > 0 && c[0] != 0xFF {
		return apdu.Response{SW: swUnknownCLA}.Bytes(), nil
	}
	return apdu.Response{SW: swUnknownINS}.Bytes(), nil
}
