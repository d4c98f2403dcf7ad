package purse_test

import (
	"encoding/hex"
	"testing"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/cardsim/issued"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
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
		make: func(image []byte) simChip { return made(t, gen4442(t), image) },
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
		make:    func(image []byte) simChip { return made(t, p, image) },
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

// The utility's master keys for its CPU cards.
var vend, line, loadKey = cpucard.Key{1, 2, 3}, cpucard.Key{4, 5, 6}, cpucard.Key{7, 8, 9}

func masterKeys(a cpucard.Algorithm) cpucard.SoftKeys {
	return cpucard.SoftKeys{Algorithm: a, Vend: vend, Line: line, Load: loadKey}
}

// withCipher is a profile with the other cipher.
func withCipher(p *profile.Profile, a cpucard.Algorithm) *profile.Profile {
	q, k := *p, *p.Keys
	k.Algorithm, q.Keys = string(a), &k
	return &q
}

func kitCPU(t testing.TB, a cpucard.Algorithm) kit {
	p := builtin(t, "GENCPU v1")
	h := blankHeader
	h.Serial = cpucard.Serial{0x20, 0x26, 0, 0, 0, 0, 0, 7}
	return kit{
		name: p.Name + " " + string(a), p: p, header: h,
		make:    func(image []byte) simChip { return made(t, withCipher(p, a), image) },
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
		make: func(image []byte) simChip { return made(t, p, image) },
		open: func(card cardreader.Card, g *guard.Guard, p *profile.Profile) (purse.Memory, error) {
			return openCPU(card, g, p, masterKeys(cpucard.TripleDES))
		},
	}
}

// made is a card of the utility's.
func made(t testing.TB, p *profile.Profile, image []byte) simChip {
	t.Helper()
	k, err := keyfile.Parse(map[string]string{
		"vend": hex.EncodeToString(vend[:]), "line": hex.EncodeToString(line[:]), "load": hex.EncodeToString(loadKey[:]),
		"code": "1234", "erase_1": "010203040506", "erase_2": "0708090a",
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := issued.New(p, image, issued.Keys{PSC: utilityPSC[:], Others: k})
	if err != nil {
		t.Fatal(err)
	}
	return simChip{c, c.Device, c.Tries}
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
