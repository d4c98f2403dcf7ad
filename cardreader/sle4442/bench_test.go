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

// brand is a dialect and the firmware that speaks it.
type brand struct {
	dialect  sle4442.Dialect
	firmware func(*cardsim.SLE4442) cardsim.Device
	apdus    int // exchanges of opening, unlocking, one write and one read
	blind    bool
}

var brands = []brand{
	{sle4442.ACS, cardsim.ACS, 6, false},
	{sle4442.OldACS, cardsim.OldACS, 6, false},
	{sle4442.OMNIKEY, cardsim.OMNIKEY, 4, true},
}

func (b brand) secret(p sle4442.PSC) sle4442.Secret {
	return sle4442.Secret{PSC: p, Issued: true, Blind: b.blind}
}

// forEachBrand runs a test with each dialect in front of the firmware that speaks it.
func forEachBrand(t *testing.T, f func(t *testing.T, b brand)) {
	for _, b := range brands {
		t.Run(string(b.dialect), func(t *testing.T) { f(t, b) })
	}
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
	speaks sle4442.Dialect
}

func newCounter(t *testing.T, o cardsim.Options, faults ...cardsim.Fault) *counter {
	t.Helper()
	return brands[0].counter(t, o, faults...)
}

func (b brand) counter(t *testing.T, o cardsim.Options, faults ...cardsim.Fault) *counter {
	t.Helper()
	if o.PSC == nil {
		o.PSC = rightPSC[:]
	}
	chip := cardsim.NewSLE4442(o)
	c := newCounterWith(t, chip, cardsim.Script(b.firmware(chip), faults...))
	c.speaks = b.dialect
	return c
}

func newCounterWith(t *testing.T, chip *cardsim.SLE4442, d cardsim.Device) *counter {
	t.Helper()
	c := &counter{t: t, src: cardsim.NewSource(reader), chip: chip, tap: &tap{Device: d}, speaks: sle4442.ACS}
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
	chip, err := sle4442.Open(c.t.Context(), card, c.speaks, c.guards.For(reader, c.ins), s)
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
