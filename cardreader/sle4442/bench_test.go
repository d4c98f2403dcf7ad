package sle4442_test

import (
	"errors"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

var _ purse.Memory = (*sle4442.Chip)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const reader = "ACS ACR39U ICC Reader 00 00"

var (
	rightPSC = sle4442.PSC{0x11, 0x22, 0x33}
	wrongPSC = sle4442.PSC{0x44, 0x55, 0x66}
)

// tap counts what the rules are about, in front of any device.
type tap struct {
	cardsim.Device
	mu        sync.Mutex
	presented [][3]byte
	sent      int
}

func (p *tap) Exchange(c []byte) ([]byte, error) {
	p.mu.Lock()
	p.sent++
	if len(c) == 8 && c[0] == 0xFF && c[1] == 0x20 {
		p.presented = append(p.presented, [3]byte(c[5:8]))
	}
	p.mu.Unlock()
	return p.Device.Exchange(c)
}

func (p *tap) presentations() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.presented)
}

func (p *tap) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// counter is a bench with one chip in one reader.
type counter struct {
	t      *testing.T
	src    *cardsim.Source
	watch  *cardtest.Watcher
	tap    *tap
	chip   *cardsim.SLE4442
	guards sle4442.Guards
	ins    cardreader.Insertion
}

func newCounter(t *testing.T, o cardsim.Options, faults ...cardsim.Fault) *counter {
	t.Helper()
	if o.PSC == nil {
		o.PSC = rightPSC[:]
	}
	chip := cardsim.NewSLE4442(o)
	return newCounterWith(t, chip, cardsim.Script(cardsim.ACS(chip), faults...))
}

func newCounterWith(t *testing.T, chip *cardsim.SLE4442, d cardsim.Device) *counter {
	t.Helper()
	c := &counter{t: t, src: cardsim.NewSource(reader), chip: chip, tap: &tap{Device: d}}
	c.src.Watchdog = -1
	c.watch = cardtest.Watch(t, c.src)
	c.insert()
	return c
}

func (c *counter) insert() {
	c.t.Helper()
	if err := c.src.Insert(reader, c.tap); err != nil {
		c.t.Fatal(err)
	}
	c.ins = c.watch.Await(cardreader.CardInserted, reader).Insertion
}

// reinsert takes the card out, if it is still in, and puts it in again.
func (c *counter) reinsert() {
	c.t.Helper()
	if err := c.src.Remove(reader); err != nil && !errors.Is(err, cardsim.ErrEmpty) {
		c.t.Fatal(err)
	}
	c.insert()
}

func (c *counter) open(s sle4442.Secret) (*sle4442.Chip, error) {
	card, err := c.src.Open(c.t.Context(), reader, c.ins)
	if err != nil {
		return nil, err
	}
	chip, err := sle4442.Open(c.t.Context(), card, sle4442.ACS, c.guards.For(reader, c.ins), s)
	if err != nil {
		card.Close()
		return nil, err
	}
	c.t.Cleanup(func() { chip.Close() })
	return chip, nil
}

func (c *counter) mustOpen(s sle4442.Secret) *sle4442.Chip {
	c.t.Helper()
	chip, err := c.open(s)
	if err != nil {
		c.t.Fatal(err)
	}
	return chip
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *cardreader.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error %v, want code %s", err, code)
	}
}
