package cardtest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
)

// Bench is a Source with hands at its readers.
type Bench interface {
	// Source is the one under test; a fresh one for every Bench.
	Source() cardreader.Source
	// Reader is the name of an empty reader.
	Reader() string
	// Insert and Remove return when the hand has moved, not when the Source has noticed.
	Insert(d cardsim.Device) error
	Remove() error
}

// Unplugger is a Bench whose reader can be unplugged.
type Unplugger interface {
	Unplug() error
	Plug() error
}

// Run tries everything that the contract of Source and Card promises, with an SLE 4442. open makes a fresh Bench and
// cleans it up when its test ends.
func Run(t *testing.T, open func(t *testing.T) Bench) { RunWith(t, SLE4442(), open) }

// RunWith is Run with another kind of card.
func RunWith(t *testing.T, s Subject, open func(t *testing.T) Bench) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Bench)
	}{
		{"events come in order and insertions are never the same", s.testEvents},
		{"a card that is already there is an insertion", s.testPresentAtStart},
		{"open and exchange", s.testExchange},
		{"an insertion that has gone cannot be opened", s.testGone},
		{"one card an insertion", s.testOneOpen},
		{"closing forgets the secret code", s.testCloseForgets},
		{"a closed card sends nothing", s.testClosed},
		{"what is no APDU is not sent", s.testBadCommand},
		{"an ended context sends nothing", s.testEndedContext},
		{"do", s.testDo},
		{"the context bounds the wait", s.testSilence},
		{"a quick swap writes on no card", s.testQuickSwap},
		{"promise 2: a transport error never says that nothing was written", s.testOutcomeUnknown},
		{"unplugged reader", s.testUnplug},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func insert(t *testing.T, b Bench, d cardsim.Device) {
	t.Helper()
	if err := b.Insert(d); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, b Bench) {
	t.Helper()
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
}

// inserted watches the bench, inserts a card and returns its event.
func inserted(t *testing.T, b Bench, d cardsim.Device) (*Watcher, cardreader.Event) {
	t.Helper()
	w := Watch(t, b.Source())
	w.Next(cardreader.ReaderArrived, b.Reader())
	insert(t, b, d)
	return w, w.Next(cardreader.CardInserted, b.Reader())
}

func mustOpen(t *testing.T, b Bench, ins cardreader.Insertion) cardreader.Card {
	t.Helper()
	c, err := b.Source().Open(t.Context(), b.Reader(), ins)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func mustSend(t *testing.T, c cardreader.Card, cmd, want []byte) {
	t.Helper()
	got, err := c.Transmit(t.Context(), cmd)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("% X answered % X, %v; want % X", cmd[:4], got, err, want)
	}
}

func wantIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v does not match %q", err, target)
	}
	if target == cardreader.ErrNotSent && errors.Is(err, cardreader.ErrOutcomeUnknown) ||
		target == cardreader.ErrOutcomeUnknown && errors.Is(err, cardreader.ErrNotSent) {
		t.Fatalf("error %v is both unknown and not sent", err)
	}
}

func (s Subject) testEvents(t *testing.T, b Bench) {
	atr := s.ATR
	dev := s.New()
	w, first := inserted(t, b, dev)
	if first.Insertion == 0 || !bytes.Equal(first.ATR, atr) {
		t.Errorf("insertion %d with ATR % X", first.Insertion, first.ATR)
	}
	remove(t, b)
	if e := w.Next(cardreader.CardRemoved, b.Reader()); e.Insertion != first.Insertion {
		t.Errorf("removed insertion %d, inserted %d", e.Insertion, first.Insertion)
	}
	insert(t, b, dev)
	if e := w.Next(cardreader.CardInserted, b.Reader()); e.Insertion <= first.Insertion {
		t.Errorf("the second insertion is %d, the first was %d", e.Insertion, first.Insertion)
	}
}

func (s Subject) testPresentAtStart(t *testing.T, b Bench) {
	insert(t, b, s.New())
	w := Watch(t, b.Source())
	w.Await(cardreader.ReaderArrived, b.Reader())
	e := w.Await(cardreader.CardInserted, b.Reader())
	mustSend(t, mustOpen(t, b, e.Insertion), s.Choose, s.Chosen)
}

func (s Subject) testExchange(t *testing.T, b Bench) {
	_, e := inserted(t, b, s.New())
	c := mustOpen(t, b, e.Insertion)
	if !bytes.Equal(c.ATR(), e.ATR) {
		t.Errorf("card's ATR % X, event's % X", c.ATR(), e.ATR)
	}
	mustSend(t, c, s.Choose, s.Chosen)
	mustSend(t, c, s.Read, s.Holds)
	s.Unlock(sender(t, c))
	s.Write(sender(t, c))
	if got := s.look(sender(t, c)); !bytes.Equal(got, s.Wrote) {
		t.Errorf("after the write % X, want % X", got, s.Wrote)
	}
}

func (s Subject) testGone(t *testing.T, b Bench) {
	dev := s.New()
	w, e := inserted(t, b, dev)
	c := mustOpen(t, b, e.Insertion)
	mustSend(t, c, s.Choose, s.Chosen)
	remove(t, b)
	w.Next(cardreader.CardRemoved, b.Reader())
	if _, err := c.Transmit(t.Context(), s.Read); err == nil {
		t.Error("a card that was pulled answers")
	}
	c.Close()
	_, err := b.Source().Open(t.Context(), b.Reader(), e.Insertion)
	wantIs(t, err, cardreader.ErrNoCard)
	insert(t, b, dev)
	again := w.Next(cardreader.CardInserted, b.Reader())
	_, err = b.Source().Open(t.Context(), b.Reader(), e.Insertion)
	wantIs(t, err, cardreader.ErrNoCard)
	mustOpen(t, b, again.Insertion)
}

func (s Subject) testOneOpen(t *testing.T, b Bench) {
	_, e := inserted(t, b, s.New())
	c := mustOpen(t, b, e.Insertion)
	_, err := b.Source().Open(t.Context(), b.Reader(), e.Insertion)
	wantIs(t, err, cardreader.ErrNotSent)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	mustSend(t, mustOpen(t, b, e.Insertion), s.Choose, s.Chosen)
}

func (s Subject) testCloseForgets(t *testing.T, b Bench) {
	_, e := inserted(t, b, s.New())
	c := mustOpen(t, b, e.Insertion)
	mustSend(t, c, s.Choose, s.Chosen)
	s.Unlock(sender(t, c))
	c.Close()
	c = mustOpen(t, b, e.Insertion)
	mustSend(t, c, s.Choose, s.Chosen)
	s.Write(sender(t, c))
	if got := s.look(sender(t, c)); bytes.Equal(got, s.Wrote) {
		t.Error("after close and open the card is still open for writing")
	}
}

// sender gives a command's answer; an error ends the test.
func sender(t *testing.T, c cardreader.Card) func([]byte) []byte {
	return func(cmd []byte) []byte {
		t.Helper()
		answer, err := c.Transmit(t.Context(), cmd)
		if err != nil {
			t.Fatalf("% X: %v", cmd[:4], err)
		}
		return answer
	}
}

func (s Subject) testClosed(t *testing.T, b Bench) {
	_, e := inserted(t, b, s.New())
	c := mustOpen(t, b, e.Insertion)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	_, err := c.Transmit(t.Context(), s.Choose)
	wantIs(t, err, cardreader.ErrNotSent)
	wantIs(t, c.Do(t.Context(), func() error { return nil }), cardreader.ErrNotSent)
}

func (s Subject) testBadCommand(t *testing.T, b Bench) {
	dev := cardsim.Script(s.New())
	_, e := inserted(t, b, dev)
	c := mustOpen(t, b, e.Insertion)
	for _, cmd := range [][]byte{nil, {}, {0xFF}, {0xFF, 0xA4, 0}, make([]byte, 262)} {
		_, err := c.Transmit(t.Context(), cmd)
		wantIs(t, err, cardreader.ErrNotSent)
	}
	if n := dev.Count(); n != 0 {
		t.Errorf("%d commands reached the card", n)
	}
	mustSend(t, c, s.Choose, s.Chosen)
}

func (s Subject) testEndedContext(t *testing.T, b Bench) {
	dev := cardsim.Script(s.New())
	_, e := inserted(t, b, dev)
	c := mustOpen(t, b, e.Insertion)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Transmit(ctx, s.Choose)
	wantIs(t, err, cardreader.ErrNotSent)
	wantIs(t, err, context.Canceled)
	wantIs(t, c.Do(ctx, func() error { t.Error("f was run"); return nil }), cardreader.ErrNotSent)
	if n := dev.Count(); n != 0 {
		t.Errorf("%d commands reached the card", n)
	}
	mustSend(t, c, s.Choose, s.Chosen)
}

func (s Subject) testDo(t *testing.T, b Bench) {
	_, e := inserted(t, b, s.New())
	c := mustOpen(t, b, e.Insertion)
	mine := errors.New("mine")
	err := c.Do(t.Context(), func() error {
		mustSend(t, c, s.Choose, s.Chosen)
		wantIs(t, c.Do(t.Context(), func() error { t.Error("nested"); return nil }), cardreader.ErrNotSent)
		return mine
	})
	if err != mine {
		t.Errorf("do returned %v", err)
	}
	if err := c.Do(t.Context(), func() error { mustSend(t, c, s.Read, s.Holds); return nil }); err != nil {
		t.Errorf("second do: %v", err)
	}
}

// faultsWithoutAnswer are the faults after which no complete answer comes back.
var faultsWithoutAnswer = []cardsim.FaultKind{
	cardsim.PulledBefore, cardsim.PulledMidway, cardsim.PulledAfter, cardsim.EmptyAnswer, cardsim.OneByteAnswer,
}

func (s Subject) testOutcomeUnknown(t *testing.T, b Bench) {
	w := Watch(t, b.Source())
	w.Next(cardreader.ReaderArrived, b.Reader())
	for _, kind := range faultsWithoutAnswer {
		t.Run(kind.String(), func(t *testing.T) {
			w := w.With(t)
			dev := cardsim.Script(s.New(), cardsim.Fault{At: s.Before + 1, Kind: kind})
			insert(t, b, dev)
			e := w.Await(cardreader.CardInserted, b.Reader())
			c := mustOpen(t, b, e.Insertion)
			mustSend(t, c, s.Choose, s.Chosen)
			s.Unlock(sender(t, c))
			_, err := c.Transmit(t.Context(), s.First)
			wantIs(t, err, cardreader.ErrOutcomeUnknown)
			_, err = c.Transmit(t.Context(), s.Read)
			wantIs(t, err, cardreader.ErrNotSent)
			if dev.Count() != s.Before+1 || dev.Fired() != 1 {
				t.Errorf("%d APDUs sent, %d faults; want %d and 1", dev.Count(), dev.Fired(), s.Before+1)
			}
			c.Close()
			if kind == cardsim.OneByteAnswer { // the only one that every kind of bench can do with the card staying in
				again := mustOpen(t, b, e.Insertion)
				mustSend(t, again, s.Choose, s.Chosen)
				again.Close()
			}
			_ = b.Remove() // the others were pulled
			w.Await(cardreader.CardRemoved, b.Reader())
		})
	}
}
