package counter_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/cardsim/issued"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
	"tally/cardreader/keyed"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

// simChip is a chip as a meter and a test see it.
type simChip interface {
	icmeter.Memory
	Tries() int
}

// family is how a hall deals with the chips of its layout.
type family interface {
	// blank is a chip as it comes from the factory, the n-th of the hall, and the chip in a reader's slot.
	blank(n int) (simChip, func() cardsim.Device)
	// open unlocks nothing yet.
	open(context.Context, cardreader.Card, *guard.Guard) (purse.Memory, error)
}

func (h *hall) familyOf(p *profile.Profile) family {
	h.Helper()
	switch p.Chip.Type {
	case "sle4442":
		return family4442{}
	case "cpu":
		return familyCPU{h, p}
	case "at88sc102":
		return family102{h, p}
	}
	h.Fatal("no chips of type " + p.Chip.Type)
	return nil
}

// layoutOf is a shipped profile; " sm4" behind its name gives its keys the other cipher.
func layoutOf(name string) (*profile.Profile, error) {
	name, sm4 := strings.CutSuffix(name, " sm4")
	p, err := profile.Builtin(name)
	if err != nil || !sm4 {
		return p, err
	}
	q, k := *p, *p.Keys
	k.Algorithm, q.Keys = string(cpucard.SM4), &k
	return &q, nil
}

type family4442 struct{}

func (family4442) blank(int) (simChip, func() cardsim.Device) {
	c := cardsim.NewSLE4442(cardsim.Options{})
	return c, func() cardsim.Device { return cardsim.ACS(c) }
}

func (family4442) open(ctx context.Context, card cardreader.Card, g *guard.Guard) (purse.Memory, error) {
	chip, err := sle4442.Open(ctx, card, sle4442.ACS, g, sle4442.Secret{Issued: true})
	if err != nil {
		return nil, err
	}
	return keyed.New(chip, keyed.Fixed(hallPSC)), nil
}

// The utility's keys for all kinds of cards, and those that new ones come with.
var (
	hallKeys = cpucard.Issuing{
		SoftKeys: cpucard.SoftKeys{Vend: cpucard.Key{1, 2, 3}, Line: cpucard.Key{4, 5, 6}, Load: cpucard.Key{7, 8, 9}},
		Meter:    cpucard.Key{10, 11}, Control: cpucard.Key{12, 13}, Transport: cpucard.Key{14, 15},
	}
	hall102 = at88sc102.Secret{
		Code: at88sc102.Code{0x12, 0x34}, Issued: true, Keys: at88sc102.Keys{Zone1: [6]byte{1, 2, 3, 4, 5, 6}, Zone2: [4]byte{7, 8, 9, 10}},
	}
	hallCame = at88sc102.Code{0xA5, 0x5A}
)

// maker makes chips as they come from theirs.
func (h *hall) maker(p *profile.Profile, n int) chipOfMaker {
	h.Helper()
	text := func(b []byte) string { return hex.EncodeToString(b) }
	keys, err := keyfile.Parse(map[string]string{
		"vend": text(hallKeys.Vend[:]), "line": text(hallKeys.Line[:]), "load": text(hallKeys.Load[:]), "meter": text(hallKeys.Meter[:]),
		"control": text(hallKeys.Control[:]), "transport": text(hallKeys.Transport[:]), "transport_code": text(hallCame[:]),
	})
	if err != nil {
		h.Fatal(err)
	}
	c, err := issued.Blank(p, cpucard.Serial{0x20, 0x26, 0, 0, 0, 0, byte(n >> 8), byte(n)}, issued.Keys{Others: keys})
	if err != nil {
		h.Fatal(err)
	}
	return chipOfMaker{c}
}

type chipOfMaker struct{ *issued.Card }

func (c chipOfMaker) Tries() int { return c.Card.Tries() }

// familyCPU are CPU cards.
type familyCPU struct {
	h *hall
	p *profile.Profile
}

func (f familyCPU) blank(n int) (simChip, func() cardsim.Device) {
	c := f.h.maker(f.p, n)
	return c, func() cardsim.Device { return c.Device }
}

func (f familyCPU) open(ctx context.Context, card cardreader.Card, g *guard.Guard) (purse.Memory, error) {
	keys, v := hallKeys, f.p.Keys.Vend
	keys.Algorithm = cpucard.Algorithm(f.p.Keys.Algorithm)
	chip, err := cpucard.Open(ctx, card, g, keys, cpucard.App{AID: f.p.Chip.AppID(), Vend: byte(v.ID), Asks: v.Asks})
	if err != nil {
		return nil, err
	}
	l := cpucard.Layout{Areas: f.p.Map, SerialAt: f.p.SerialAt(), Now: f.h.clock}
	if f.p.Keys.Load != nil {
		l.LoadKey = byte(f.p.Keys.Load.ID)
	}
	m, err := cpucard.NewMemory(chip, l)
	return keyed.NewCPU(m, keys, keyed.Places(f.p.Keys)), err
}

// family102 are AT88SC102 with their issuer fuse intact.
type family102 struct {
	h *hall
	p *profile.Profile
}

func (f family102) blank(n int) (simChip, func() cardsim.Device) {
	c := f.h.maker(f.p, n)
	return c, func() cardsim.Device { return c.Device }
}

func (f family102) open(ctx context.Context, card cardreader.Card, g *guard.Guard) (purse.Memory, error) {
	own := hall102
	own.Counted = f.p.Chip.Counted
	chip, err := at88sc102.Open(ctx, card, g, own)
	if err != nil {
		return nil, err
	}
	m, err := at88sc102.NewMemory(chip, f.p.Map)
	return keyed.New102(m, own, &hallCame), err
}

// copyOf is a chip with the same memory.
func copyOf(c simChip) simChip {
	if c, ok := c.(*cardsim.SLE4442); ok {
		return cardsim.NewSLE4442(cardsim.Options{PSC: hallPSC[:], Main: c.ReadMem()[0x20:]})
	}
	m := memory(c.ReadMem())
	return &m
}

// memory is a chip that only a meter sees.
type memory []byte

func (m *memory) ReadMem() []byte { return bytes.Clone(*m) }
func (m *memory) Tries() int      { return 3 }

func (m *memory) WriteMem(addr int, data []byte) error {
	if addr < 0 || addr+len(data) > len(*m) {
		return errors.New("outside the memory")
	}
	copy((*m)[addr:], data)
	return nil
}
