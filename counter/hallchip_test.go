package counter_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"tally/cardreader"
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
	}
	h.Fatal("no chips of type " + p.Chip.Type)
	return nil
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

// familyCPU are CPU cards with the utility's keys on them and nothing else, as a card printer delivers them.
type familyCPU struct {
	h *hall
	p *profile.Profile
}

var hallVend, hallLine = cpucard.Key{1, 2, 3}, cpucard.Key{4, 5, 6}

type cosChip struct{ *issued.Card }

func (c cosChip) Tries() int { return c.Card.Tries() }

func (f familyCPU) blank(n int) (simChip, func() cardsim.Device) {
	f.h.Helper()
	image := make([]byte, f.p.Chip.Size)
	binary.BigEndian.PutUint64(image[f.p.SerialAt():], 0x2026_0000_0000_0000+uint64(n))
	keys, err := keyfile.Parse(map[string]string{"vend": hex.EncodeToString(hallVend[:]), "line": hex.EncodeToString(hallLine[:])})
	if err != nil {
		f.h.Fatal(err)
	}
	c, err := issued.New(f.p, image, issued.Keys{Others: keys})
	if err != nil {
		f.h.Fatal(err)
	}
	return cosChip{c}, func() cardsim.Device { return c.Device }
}

func (f familyCPU) open(ctx context.Context, card cardreader.Card, g *guard.Guard) (purse.Memory, error) {
	keys := cpucard.SoftKeys{Algorithm: cpucard.TripleDES, Vend: hallVend, Line: hallLine}
	chip, err := cpucard.Open(ctx, card, g, keys, cpucard.App{AID: f.p.Chip.AppID(), Vend: byte(f.p.Keys.Vend.ID), Asks: f.p.Keys.Vend.Asks})
	if err != nil {
		return nil, err
	}
	m, err := cpucard.NewMemory(chip, cpucard.Layout{Areas: f.p.Map, SerialAt: f.p.SerialAt()})
	return printed{m}, err
}

// printed is a card that came with the utility's keys: there is nothing to change.
type printed struct{ *cpucard.Memory }

func (p printed) UnlockAs(ctx context.Context, _ purse.CardID, _ purse.WhoseCode) error {
	return p.Unlock(ctx)
}
func (printed) Changes() error                                 { return nil }
func (printed) ChangeCode(context.Context, purse.CardID) error { return nil }

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
