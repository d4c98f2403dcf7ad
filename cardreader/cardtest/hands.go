package cardtest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
)

// testSilence: a card that never answers, and one whose answer comes too late, end with the caller's context. The reader
// is good again for the next card.
func (s Subject) testSilence(t *testing.T, b Bench) {
	w := Watch(t, b.Source())
	w.Next(cardreader.ReaderArrived, b.Reader())
	for _, kind := range []cardsim.FaultKind{cardsim.Silence, cardsim.LateAnswer} {
		t.Run(kind.String(), func(t *testing.T) {
			w := w.With(t)
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			insert(t, b, Unheard{cardsim.Script(s.New(), cardsim.Fault{At: 2, Kind: kind}), giveUp})
			c := mustOpen(t, b, w.Await(cardreader.CardInserted, b.Reader()).Insertion)
			mustSend(t, c, s.Choose, s.Chosen)
			_, err := c.Transmit(ctx, s.Read)
			wantIs(t, err, cardreader.ErrOutcomeUnknown)
			_, err = c.Transmit(t.Context(), s.Read)
			wantIs(t, err, cardreader.ErrNotSent)
			if err := c.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			remove(t, b)
			w.Await(cardreader.CardRemoved, b.Reader())
			insert(t, b, s.New())
			next := openPatiently(t, b, w.Await(cardreader.CardInserted, b.Reader()).Insertion)
			mustSend(t, next, s.Choose, s.Chosen)
			next.Close()
			remove(t, b)
			w.Await(cardreader.CardRemoved, b.Reader())
		})
	}
}

// Unheard is a card whose user gives up as soon as it has fallen silent: there is no time that could be too short for a card
// that answers.
type Unheard struct {
	*cardsim.Scripted
	GiveUp func()
}

// Exchange implements cardsim.Device.
func (u Unheard) Exchange(command []byte) ([]byte, error) {
	answer, err := u.Scripted.Exchange(command)
	if errors.Is(err, cardsim.ErrSilent) {
		u.GiveUp()
	}
	return answer, err
}

// openPatiently opens as a caller does that heeds the class of the error: a reader that hung may take a moment.
func openPatiently(t *testing.T, b Bench, ins cardreader.Insertion) cardreader.Card {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		c, err := b.Source().Open(ctx, b.Reader(), ins)
		if err == nil {
			t.Cleanup(func() { c.Close() })
			return c
		}
		e, ok := errors.AsType[*cardreader.Error](err)
		if ctx.Err() != nil || !ok || e.Class != cardreader.Retry && e.Code != cardreader.CodeTimeout {
			t.Fatalf("open: %v", err)
		}
	}
}

// testQuickSwap: one card out and another in, quicker than a service looks, so that the open connection may go on with
// the other one. What was granted to the first card does not hold for it, and neither is written.
func (s Subject) testQuickSwap(t *testing.T, b Bench) {
	mine, other := s.New(), s.New()
	_, e := inserted(t, b, mine)
	c := mustOpen(t, b, e.Insertion)
	mustSend(t, c, s.Choose, s.Chosen)
	s.Unlock(sender(t, c))
	remove(t, b)
	insert(t, b, other)
	s.Write(func(cmd []byte) []byte {
		answer, _ := c.Transmit(t.Context(), cmd) // whether it fails is the service's affair
		return answer
	})
	c.Close()
	remove(t, b)
	for name, dev := range map[string]cardsim.Device{"the card that was taken out": mine, "the card that was put in": other} {
		if got := s.holding(t, dev); bytes.Equal(got, s.Wrote) {
			t.Errorf("%s was written after the swap", name)
		}
	}
}

// holding is what a card that lies in no reader would show in one.
func (s Subject) holding(t *testing.T, d cardsim.Device) []byte {
	t.Helper()
	if err := d.Insert(); err != nil {
		t.Fatal(err)
	}
	defer d.Remove()
	d.Reset()
	send := func(cmd []byte) []byte {
		answer, err := d.Exchange(cmd)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	send(s.Choose)
	return s.look(send)
}

func (s Subject) testUnplug(t *testing.T, b Bench) {
	u, ok := b.(Unplugger)
	if !ok {
		t.Skip("this bench cannot unplug a reader")
	}
	w, e := inserted(t, b, s.New())
	c := mustOpen(t, b, e.Insertion)
	if err := u.Unplug(); err != nil {
		t.Fatal(err)
	}
	if r := w.Next(cardreader.CardRemoved, b.Reader()); r.Insertion != e.Insertion {
		t.Errorf("insertion %d removed, want %d", r.Insertion, e.Insertion)
	}
	w.Next(cardreader.ReaderGone, b.Reader())
	if _, err := c.Transmit(t.Context(), s.Choose); err == nil {
		t.Error("a card in an unplugged reader answers")
	}
	c.Close()
	if err := u.Plug(); err != nil {
		t.Fatal(err)
	}
	w.Next(cardreader.ReaderArrived, b.Reader())
	if again := w.Next(cardreader.CardInserted, b.Reader()); again.Insertion <= e.Insertion {
		t.Errorf("insertion %d after %d", again.Insertion, e.Insertion)
	}
}
