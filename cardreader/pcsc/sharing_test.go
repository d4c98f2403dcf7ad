//go:build !nopcsc && linux && cgo

package pcsc_test

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/ebfe/scard"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/pcsc"
)

// otherProgram connects to the same card behind our back.
func otherProgram(t *testing.T, reader string, mode scard.ShareMode) *scard.Card {
	t.Helper()
	ctx, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ctx.Release() })
	c, err := ctx.Connect(reader, mode, scard.ProtocolAny)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(scard.LeaveCard) })
	return c
}

func TestAnotherProgramHoldsTheCard(t *testing.T) {
	b := newBench(t, cardtest.StartPCSCD(t), pcsc.Options{})
	w := cardtest.Watch(t, b.src)
	dev := cardsim.Script(cardsim.ACS(newChip()))
	insert(t, b, dev)
	e := w.Await(cardreader.CardInserted, b.name)
	other := otherProgram(t, b.name, scard.ShareExclusive)
	_, err := b.src.Open(t.Context(), b.name, e.Insertion)
	if !errors.Is(err, cardreader.ErrNotSent) || code(err) != cardreader.CodeCardBusy {
		t.Errorf("open: %v", err)
	}
	if err := other.Disconnect(scard.LeaveCard); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, b, e.Insertion).Transmit(t.Context(), cmdSelect); err != nil {
		t.Errorf("after the other program has gone: %v", err)
	}
	if dev.Count() != 1 {
		t.Errorf("%d APDUs", dev.Count())
	}
}

func TestAnotherProgramResetsTheCard(t *testing.T) {
	b := newBench(t, cardtest.StartPCSCD(t), pcsc.Options{})
	w := cardtest.Watch(t, b.src)
	chip := newChip()
	insert(t, b, cardsim.ACS(chip))
	e := w.Await(cardreader.CardInserted, b.name)
	c := mustOpen(t, b, e.Insertion)
	if _, err := c.Transmit(t.Context(), cmdSelect); err != nil {
		t.Fatal(err)
	}
	if err := otherProgram(t, b.name, scard.ShareShared).Disconnect(scard.ResetCard); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Transmit(t.Context(), cmdRead); !errors.Is(err, cardreader.ErrOutcomeUnknown) || code(err) != cardreader.CodeCardReset {
		t.Errorf("after a reset: %v", err)
	}
	c.Close()
	if _, err := mustOpen(t, b, e.Insertion).Transmit(t.Context(), cmdSelect); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

// diary keeps the commands in the order in which they reached the card.
type diary struct {
	cardsim.Device
	mu   sync.Mutex
	seen [][]byte
}

func (d *diary) Exchange(c []byte) ([]byte, error) {
	d.mu.Lock()
	d.seen = append(d.seen, bytes.Clone(c))
	d.mu.Unlock()
	return d.Device.Exchange(c)
}

// TestNobodyComesBetween: what another program sends while Do lasts reaches the card afterwards. (pcsc-lite lets it
// wait.)
func TestNobodyComesBetween(t *testing.T) {
	const ours = 50
	b := newBench(t, cardtest.StartPCSCD(t), pcsc.Options{})
	w := cardtest.Watch(t, b.src)
	dev := &diary{Device: cardsim.ACS(newChip())}
	insert(t, b, dev)
	e := w.Await(cardreader.CardInserted, b.name)
	c := mustOpen(t, b, e.Insertion)
	other := otherProgram(t, b.name, scard.ShareShared)
	theirs := []byte{0xFF, 0xB0, 0, 0x40, 4}
	done := make(chan error, 1)
	err := c.Do(t.Context(), func() error {
		started := make(chan struct{})
		go func() {
			close(started)
			_, err := other.Transmit(theirs)
			done <- err
		}()
		<-started
		for range ours {
			if _, err := c.Transmit(t.Context(), cmdSelect); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the other program: %v", err)
	}
	dev.mu.Lock()
	defer dev.mu.Unlock()
	if at := slices.IndexFunc(dev.seen, func(c []byte) bool { return bytes.Equal(c, theirs) }); at != ours {
		t.Errorf("the other program's command was number %d, want %d", at, ours)
	}
}
