package cardtest

import (
	"context"
	"errors"
	"testing"

	"tally/cardreader/cardsim"
)

// Hand inserts cards into a virtual reader and pulls them out. It pulls when the test ends.
type Hand struct {
	t    testing.TB
	addr string
	pull context.CancelFunc
	done chan error
}

// NewHand is a hand at the virtual reader that listens at addr.
func NewHand(t testing.TB, addr string) *Hand {
	h := &Hand{t: t, addr: addr}
	t.Cleanup(func() { _ = h.Remove() })
	return h
}

// Insert puts the card in. It returns when the hand has moved; the service notices within its polling interval. A card
// that a script has pulled makes room.
func (h *Hand) Insert(d cardsim.Device) error {
	if h.pull != nil {
		select {
		case <-h.done:
			h.pull()
		default:
			return errors.New("insert into virtual reader: a card lies in it")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.pull, h.done = cancel, make(chan error, 1)
	go func(done chan error) {
		done <- cardsim.PlugVPCD(ctx, h.addr, d)
		close(done)
	}(h.done)
	return nil
}

// Remove pulls the card out and returns when it is out. It returns nil when the card has been pulled already, and the
// error of the plug if it failed.
func (h *Hand) Remove() error {
	if h.pull == nil {
		return nil
	}
	h.pull()
	err := <-h.done
	h.pull = nil
	return err
}
