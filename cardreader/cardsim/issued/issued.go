// Package issued makes simulated cards of any chip from the image that a layout gives them: what a card printer does with
// real ones.
package issued

import (
	"bytes"
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

	Chip102 *cardsim.AT88SC102 // nil on other chips
	COS     *cardsim.COS       // nil on other chips
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
	return &Card{Device: cardsim.ACS(c), Memory: c, Tries: c.Tries}
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
	return card102(p, cardsim.NewAT88SC102(o)), nil
}

func card102(p *profile.Profile, c *cardsim.AT88SC102) *Card {
	return &Card{Device: cardsim.ACS102(c), Memory: c.Run(p.Map), Tries: c.Tries, Chip102: c}
}

func cpu(p *profile.Profile, image []byte, k Keys) (*Card, error) {
	at := p.SerialAt()
	a, err := cpucard.ParseAlgorithm(p.Keys.Algorithm)
	if err != nil || at < 0 {
		return nil, errors.Join(err, fmt.Errorf("make card: serial at %d", at))
	}
	serial := cpucard.Serial(image[at:])
	own := k.own(a, serial)
	o := cardsim.COSOptions{
		AID: p.Chip.AppID(), Serial: serial, SM4: a == cpucard.SM4, Files: map[byte][]byte{}, Back: true,
		Vend: own("vend"), Line: own("line"), Load: own("load"), Meter: own("meter"), Control: own("control"),
	}
	for _, a := range p.Map {
		if a.Kind == space.Purse {
			o.Balance, o.Loads = binary.BigEndian.Uint32(image[a.At:]), binary.BigEndian.Uint16(image[a.At+4:])
			continue
		}
		o.Files[byte(a.File)] = image[a.At:a.End()]
	}
	return cardCPU(p, cardsim.NewCOS(o)), nil
}

func cardCPU(p *profile.Profile, c *cardsim.COS) *Card {
	return &Card{Device: c, Memory: c.Run(p.Map), Tries: func() int { return c.KeyTries(1) }, COS: c}
}

// own derives a card's key from the master key of that name.
func (k Keys) own(a cpucard.Algorithm, s cpucard.Serial) func(name string) [16]byte {
	return func(name string) [16]byte {
		var master cpucard.Key
		k.into(master[:], name)
		return a.Diversify(master, s)
	}
}

// Blank makes a card as it comes from its maker: an SLE 4442 with the factory's code; an AT88SC102 with its issuer fuse
// intact, the transport code and erased keys; a CPU card with empty files, its serial, and the transport key for every key
// but the control key, or, where the layout has no control key, its own keys.
func Blank(p *profile.Profile, serial [8]byte, k Keys) (*Card, error) {
	switch p.Chip.Type {
	case "sle4442":
		return sle4442(bytes.Repeat([]byte{0xFF}, p.Chip.Size), Keys{}), nil
	case "at88sc102":
		o := cardsim.AT88SC102Options{Fresh: true, EC2: p.Chip.Counted}
		copy(o.EZ1[:], bytes.Repeat([]byte{0xFF}, 6))
		copy(o.EZ2[:], bytes.Repeat([]byte{0xFF}, 4))
		k.into(o.Code[:], "transport_code")
		return card102(p, cardsim.NewAT88SC102(o)), nil
	case "cpu":
		return blankCPU(p, serial, k)
	}
	return nil, fmt.Errorf("make blank card: no simulated %s", p.Chip.Type)
}

func blankCPU(p *profile.Profile, serial [8]byte, k Keys) (*Card, error) {
	a, err := cpucard.ParseAlgorithm(p.Keys.Algorithm)
	id, ok := space.Find(p.Map, p.SerialAt())
	if err != nil || !ok {
		return nil, errors.Join(err, errors.New("make blank card: the layout has no serial"))
	}
	identity := make([]byte, id.Len)
	copy(identity[p.SerialAt()-id.At:], serial[:])
	key := k.own(a, serial)
	o := cardsim.COSOptions{
		AID: p.Chip.AppID(), Serial: serial, SM4: a == cpucard.SM4, Back: true, Files: map[byte][]byte{byte(id.File): identity},
		Vend: key("vend"), Line: key("line"), Load: key("load"), Meter: key("meter"), Control: key("control"),
	}
	if p.Keys.Control != nil {
		var t [16]byte
		k.into(t[:], "transport")
		o.Vend, o.Line, o.Load, o.Meter = t, t, t, t
	}
	return cardCPU(p, cardsim.NewCOS(o)), nil
}
