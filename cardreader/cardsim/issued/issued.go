// Package issued makes simulated cards of any chip from the image that a layout gives them: what a card printer does with
// real ones.
package issued

import (
	"encoding/binary"
	"errors"
	"fmt"

	"tally/cardreader/cardsim"
	"tally/cardreader/cpucard"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// Card is one simulated card, as a reader and a meter see it.
type Card struct {
	cardsim.Device
	Memory
	Tries func() int // wrong codes or authentications that are left
}

// Memory is the card in a meter's slot.
type Memory interface {
	ReadMem() []byte
	WriteMem(addr int, data []byte) error
}

// New makes a card that holds the image and has the keys of the utility: named as in a key file, master keys on a CPU card.
// Keys that are missing are zeros; the code of an SLE 4442 is the name psc, in hex digits, and the factory's without it.
func New(p *profile.Profile, image []byte, k Keys) (*Card, error) {
	if len(image) != p.Chip.Size {
		return nil, fmt.Errorf("make card: image of %d bytes, the layout has %d", len(image), p.Chip.Size)
	}
	switch p.Chip.Type {
	case "sle4442":
		return sle4442(image, k), nil
	case "at88sc102":
		return at88sc102(p, image, k)
	case "cpu":
		return cpu(p, image, k)
	}
	return nil, fmt.Errorf("make card: no simulated %s with a layout", p.Chip.Type)
}

// Keys are what a new card gets.
type Keys struct {
	PSC    []byte // of an SLE 4442, three bytes; nil is the factory's
	Others keyfile.Keys
}

func (k Keys) into(dst []byte, name string) {
	b, _ := k.Others.Get(name)
	copy(dst, b)
}

func sle4442(image []byte, k Keys) *Card {
	c := cardsim.NewSLE4442(cardsim.Options{PSC: k.PSC, Main: image[0x20:]})
	return &Card{cardsim.ACS(c), c, c.Tries}
}

func at88sc102(p *profile.Profile, image []byte, k Keys) (*Card, error) {
	o := cardsim.AT88SC102Options{EC2: p.Chip.Counted}
	k.into(o.Code[:], "code")
	k.into(o.EZ1[:], "erase_1")
	k.into(o.EZ2[:], "erase_2")
	for _, a := range p.Map {
		to, ok := map[int]*[]byte{0x02: &o.Issuer, 0x0E: &o.Protected, 0x16: &o.Zone1, 0x5C: &o.Zone2}[a.From]
		if !ok {
			return nil, fmt.Errorf("make card: area %q begins within a zone of the chip", a.Name)
		}
		*to = image[a.At:a.End()]
	}
	c := cardsim.NewAT88SC102(o)
	return &Card{cardsim.ACS102(c), c.Run(p.Map), c.Tries}, nil
}

func cpu(p *profile.Profile, image []byte, k Keys) (*Card, error) {
	at := p.SerialAt()
	a, err := cpucard.ParseAlgorithm(p.Keys.Algorithm)
	if err != nil || at < 0 {
		return nil, errors.Join(err, fmt.Errorf("make card: serial at %d", at))
	}
	serial := cpucard.Serial(image[at:])
	own := func(name string) [16]byte {
		var master cpucard.Key
		k.into(master[:], name)
		return a.Diversify(master, serial)
	}
	o := cardsim.COSOptions{
		AID: p.Chip.AppID(), Serial: serial, SM4: a == cpucard.SM4, Files: map[byte][]byte{},
		Vend: own("vend"), Line: own("line"), Load: own("load"),
	}
	for _, a := range p.Map {
		if a.Kind == space.Purse {
			o.Balance, o.Loads = binary.BigEndian.Uint32(image[a.At:]), binary.BigEndian.Uint16(image[a.At+4:])
			continue
		}
		o.Files[byte(a.File)] = image[a.At:a.End()]
	}
	c := cardsim.NewCOS(o)
	return &Card{c, c.Run(p.Map), func() int { return c.KeyTries(1) }}, nil
}
