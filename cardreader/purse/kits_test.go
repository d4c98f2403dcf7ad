package purse_test

import (
	"encoding/binary"
	"testing"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/cardreader/space"
)

// kit is all that a test needs of one kind of chip: its layout, cards of it, and the real driver.
type kit struct {
	name   string // of the profile, with what else is tried
	p      *profile.Profile
	header purse.Header
	make   func(image []byte) simChip
	open   func(cardreader.Card, *guard.Guard, *profile.Profile) (purse.Memory, error)
	// credits lets the customer's meter, which has all but this order, take the card twice. nil: no meter takes it.
	credits func(t *testing.T, c simChip, pl purse.Plan) (first, second int64)
}

// simChip is one simulated card, as reader, meter and test see it.
type simChip struct {
	icmeter.Memory
	dev   cardsim.Device
	tries func() int
}

func kits(t testing.TB) []kit {
	t.Helper()
	return []kit{kit4442(t), kit102(t), kitCPU(t, cpucard.TripleDES), kitCPU(t, cpucard.SM4), kitLoad(t)}
}

func builtin(t testing.TB, name string) *profile.Profile {
	t.Helper()
	p, err := profile.Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var utilityPSC = sle4442.PSC{0x12, 0x34, 0x56}

func kit4442(t testing.TB) kit {
	return kit{
		name: "GEN4442 v1", p: gen4442(t), header: blankHeader,
		make: func(image []byte) simChip {
			c := cardsim.NewSLE4442(cardsim.Options{PSC: utilityPSC[:], Main: image[0x20:]})
			return simChip{c, cardsim.ACS(c), c.Tries}
		},
		open: func(card cardreader.Card, g *guard.Guard, _ *profile.Profile) (purse.Memory, error) {
			return sle4442.Open(ctx, card, sle4442.ACS, g, sle4442.Secret{PSC: utilityPSC, Issued: true})
		},
		credits: credits(icmeter.GEN4442),
	}
}

// credits lets a meter that has all but the last 50 take the card twice.
func credits(layout string) func(*testing.T, simChip, purse.Plan) (first, second int64) {
	return func(t *testing.T, c simChip, pl purse.Plan) (first, second int64) {
		m := meterOf(t, layout, pl.Seq-1, uint32(pl.Cumulative-50))
		return m.Swipe(c).Credited, m.Swipe(c).Credited
	}
}

var secret102 = at88sc102.Secret{
	Code: at88sc102.Code{0x12, 0x34}, Issued: true, Counted: true,
	Keys: at88sc102.Keys{Zone1: [6]byte{1, 2, 3, 4, 5, 6}, Zone2: [4]byte{7, 8, 9, 10}},
}

func kit102(t testing.TB) kit {
	p := builtin(t, "GEN102 v1")
	return kit{
		name: p.Name, p: p, header: blankHeader,
		make: func(image []byte) simChip {
			c := cardsim.NewAT88SC102(cardsim.AT88SC102Options{
				Code: secret102.Code, EZ1: secret102.Keys.Zone1, EZ2: secret102.Keys.Zone2, EC2: true,
				Issuer: image[:8], Protected: image[8:16], Zone1: image[16:80], Zone2: image[80:144],
			})
			return simChip{c.Run(p.Map), cardsim.ACS102(c), c.Tries}
		},
		credits: credits(icmeter.GEN102),
		open: func(card cardreader.Card, g *guard.Guard, p *profile.Profile) (purse.Memory, error) {
			chip, err := at88sc102.Open(ctx, card, g, secret102)
			if err != nil {
				return nil, err
			}
			return at88sc102.NewMemory(chip, p.Map)
		},
	}
}

// masterKeys are the utility's for its CPU cards.
func masterKeys(a cpucard.Algorithm) cpucard.SoftKeys {
	return cpucard.SoftKeys{Algorithm: a, Vend: cpucard.Key{1, 2, 3}, Line: cpucard.Key{4, 5, 6}, Load: cpucard.Key{7, 8, 9}}
}

func kitCPU(t testing.TB, a cpucard.Algorithm) kit {
	p := builtin(t, "GENCPU v1")
	h := blankHeader
	h.Serial = cpucard.Serial{0x20, 0x26, 0, 0, 0, 0, 0, 7}
	return kit{
		name: p.Name + " " + string(a), p: p, header: h,
		make:    func(image []byte) simChip { return newCOS(t, p, masterKeys(a), image) },
		credits: credits(icmeter.GENCPU),
		open: func(card cardreader.Card, g *guard.Guard, p *profile.Profile) (purse.Memory, error) {
			return openCPU(card, g, p, masterKeys(a))
		},
	}
}

// kitLoad is a card whose own purse is loaded.
func kitLoad(t testing.TB) kit {
	p := builtin(t, "LOADCPU v1")
	return kit{
		name: p.Name, p: p, header: headerOf(p),
		make: func(image []byte) simChip { return newCOS(t, p, masterKeys(cpucard.TripleDES), image) },
		open: func(card cardreader.Card, g *guard.Guard, p *profile.Profile) (purse.Memory, error) {
			return openCPU(card, g, p, masterKeys(cpucard.TripleDES))
		},
	}
}

// newCOS is a card that holds an image, with the keys that its serial in the image makes.
func newCOS(t testing.TB, p *profile.Profile, k cpucard.SoftKeys, image []byte) simChip {
	t.Helper()
	s, err := p.Header.Field(profile.SerialOf).Bytes(p.Header.Of(image, 0))
	if err != nil {
		t.Fatal(err)
	}
	serial := cpucard.Serial(s)
	o := cardsim.COSOptions{
		AID: p.Chip.AppID(), Serial: serial, SM4: k.Algorithm == cpucard.SM4, Files: map[byte][]byte{},
		Vend: k.Algorithm.Diversify(k.Vend, serial), Line: k.Algorithm.Diversify(k.Line, serial), Load: k.Algorithm.Diversify(k.Load, serial),
	}
	for _, a := range p.Map {
		if a.Kind == space.Purse {
			o.Balance, o.Loads = binary.BigEndian.Uint32(image[a.At:]), binary.BigEndian.Uint16(image[a.At+4:])
			continue
		}
		o.Files[byte(a.File)] = image[a.At:a.End()]
	}
	c := cardsim.NewCOS(o)
	return simChip{c.Run(p.Map), c, func() int { return c.KeyTries(1) }}
}

func openCPU(card cardreader.Card, g *guard.Guard, p *profile.Profile, k cpucard.Keys) (purse.Memory, error) {
	chip, err := cpucard.Open(ctx, card, g, k, cpucard.App{AID: p.Chip.AppID(), Vend: byte(p.Keys.Vend.ID), Asks: p.Keys.Vend.Asks})
	if err != nil {
		return nil, err
	}
	l := cpucard.Layout{Areas: p.Map, SerialAt: p.SerialAt()}
	if p.Keys.Load != nil {
		l.LoadKey = byte(p.Keys.Load.ID)
	}
	return cpucard.NewMemory(chip, l)
}
