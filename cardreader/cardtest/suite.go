package cardtest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

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

// Run tries everything that the contract of Source and Card promises. open makes a fresh Bench and cleans it up when
// its test ends.
func Run(t *testing.T, open func(t *testing.T) Bench) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Bench)
	}{
		{"events come in order and insertions are never the same", testEvents},
		{"a card that is already there is an insertion", testPresentAtStart},
		{"open and exchange", testExchange},
		{"an insertion that has gone cannot be opened", testGone},
		{"one card an insertion", testOneOpen},
		{"closing forgets the secret code", testCloseForgets},
		{"a closed card sends nothing", testClosed},
		{"what is no APDU is not sent", testBadCommand},
		{"an ended context sends nothing", testEndedContext},
		{"do", testDo},
		{"the context bounds the wait", testSilence},
		{"promise 2: a transport error never says that nothing was written", testOutcomeUnknown},
		{"unplugged reader", testUnplug},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// Commands of the ACS dialect, with which the suite sees whether a card was reached.
var (
	cmdSelect = []byte{0xFF, 0xA4, 0, 0, 1, 6}
	cmdRead   = []byte{0xFF, 0xB0, 0, 0x20, 4}
	cmdWrite  = []byte{0xFF, 0xD0, 0, 0x20, 4, 1, 2, 3, 4}
	cmdPSC    = []byte{0xFF, 0x20, 0, 0, 3, 0x11, 0x22, 0x33}
)

func newChip() *cardsim.SLE4442 {
	return cardsim.NewSLE4442(cardsim.Options{PSC: []byte{0x11, 0x22, 0x33}, Main: []byte{0xCA, 0xFE, 0xBA, 0xBE}})
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

func testEvents(t *testing.T, b Bench) {
	atr := []byte{0x3B, 0x04, 0xA2, 0x13, 0x10, 0x91}
	dev := cardsim.ACS(newChip())
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

func testPresentAtStart(t *testing.T, b Bench) {
	insert(t, b, cardsim.ACS(newChip()))
	w := Watch(t, b.Source())
	w.Await(cardreader.ReaderArrived, b.Reader())
	e := w.Await(cardreader.CardInserted, b.Reader())
	mustSend(t, mustOpen(t, b, e.Insertion), cmdSelect, []byte{0x90, 0})
}

func testExchange(t *testing.T, b Bench) {
	_, e := inserted(t, b, cardsim.ACS(newChip()))
	c := mustOpen(t, b, e.Insertion)
	if !bytes.Equal(c.ATR(), e.ATR) {
		t.Errorf("card's ATR % X, event's % X", c.ATR(), e.ATR)
	}
	mustSend(t, c, cmdSelect, []byte{0x90, 0})
	mustSend(t, c, cmdRead, []byte{0xCA, 0xFE, 0xBA, 0xBE, 0x90, 0})
	mustSend(t, c, cmdPSC, []byte{0x90, 7})
	mustSend(t, c, cmdWrite, []byte{0x90, 0})
	mustSend(t, c, cmdRead, []byte{1, 2, 3, 4, 0x90, 0})
}

func testGone(t *testing.T, b Bench) {
	dev := cardsim.ACS(newChip())
	w, e := inserted(t, b, dev)
	c := mustOpen(t, b, e.Insertion)
	mustSend(t, c, cmdSelect, []byte{0x90, 0})
	remove(t, b)
	w.Next(cardreader.CardRemoved, b.Reader())
	if _, err := c.Transmit(t.Context(), cmdRead); err == nil {
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

func testOneOpen(t *testing.T, b Bench) {
	_, e := inserted(t, b, cardsim.ACS(newChip()))
	c := mustOpen(t, b, e.Insertion)
	_, err := b.Source().Open(t.Context(), b.Reader(), e.Insertion)
	wantIs(t, err, cardreader.ErrNotSent)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	mustSend(t, mustOpen(t, b, e.Insertion), cmdSelect, []byte{0x90, 0})
}

func testCloseForgets(t *testing.T, b Bench) {
	chip := newChip()
	_, e := inserted(t, b, cardsim.ACS(chip))
	c := mustOpen(t, b, e.Insertion)
	mustSend(t, c, cmdSelect, []byte{0x90, 0})
	mustSend(t, c, cmdPSC, []byte{0x90, 7})
	c.Close()
	mustOpen(t, b, e.Insertion)
	if chip.Unlocked() {
		t.Error("the chip is still unlocked after close and open")
	}
}

func testClosed(t *testing.T, b Bench) {
	_, e := inserted(t, b, cardsim.ACS(newChip()))
	c := mustOpen(t, b, e.Insertion)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	_, err := c.Transmit(t.Context(), cmdSelect)
	wantIs(t, err, cardreader.ErrNotSent)
	wantIs(t, c.Do(t.Context(), func() error { return nil }), cardreader.ErrNotSent)
}

func testBadCommand(t *testing.T, b Bench) {
	dev := cardsim.Script(cardsim.ACS(newChip()))
	_, e := inserted(t, b, dev)
	c := mustOpen(t, b, e.Insertion)
	for _, cmd := range [][]byte{nil, {}, {0xFF}, {0xFF, 0xA4, 0}, make([]byte, 262)} {
		_, err := c.Transmit(t.Context(), cmd)
		wantIs(t, err, cardreader.ErrNotSent)
	}
	if n := dev.Count(); n != 0 {
		t.Errorf("%d commands reached the card", n)
	}
	mustSend(t, c, cmdSelect, []byte{0x90, 0})
}

func testEndedContext(t *testing.T, b Bench) {
	dev := cardsim.Script(cardsim.ACS(newChip()))
	_, e := inserted(t, b, dev)
	c := mustOpen(t, b, e.Insertion)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Transmit(ctx, cmdSelect)
	wantIs(t, err, cardreader.ErrNotSent)
	wantIs(t, err, context.Canceled)
	wantIs(t, c.Do(ctx, func() error { t.Error("f was run"); return nil }), cardreader.ErrNotSent)
	if n := dev.Count(); n != 0 {
		t.Errorf("%d commands reached the card", n)
	}
	mustSend(t, c, cmdSelect, []byte{0x90, 0})
}

func testDo(t *testing.T, b Bench) {
	_, e := inserted(t, b, cardsim.ACS(newChip()))
	c := mustOpen(t, b, e.Insertion)
	mine := errors.New("mine")
	err := c.Do(t.Context(), func() error {
		mustSend(t, c, cmdSelect, []byte{0x90, 0})
		wantIs(t, c.Do(t.Context(), func() error { t.Error("nested"); return nil }), cardreader.ErrNotSent)
		return mine
	})
	if err != mine {
		t.Errorf("do returned %v", err)
	}
	if err := c.Do(t.Context(), func() error { mustSend(t, c, cmdRead, []byte{0xCA, 0xFE, 0xBA, 0xBE, 0x90, 0}); return nil }); err != nil {
		t.Errorf("second do: %v", err)
	}
}

func testSilence(t *testing.T, b Bench) {
	chip := newChip()
	dev := cardsim.Script(cardsim.ACS(chip), cardsim.Fault{At: 2, Kind: cardsim.Silence})
	_, e := inserted(t, b, dev)
	c := mustOpen(t, b, e.Insertion)
	mustSend(t, c, cmdSelect, []byte{0x90, 0})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Transmit(ctx, cmdRead)
	wantIs(t, err, cardreader.ErrOutcomeUnknown)
	_, err = c.Transmit(t.Context(), cmdRead)
	wantIs(t, err, cardreader.ErrNotSent)
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	remove(t, b)
}

// faultsWithoutAnswer are the faults after which no complete answer comes back.
var faultsWithoutAnswer = []cardsim.FaultKind{
	cardsim.PulledBefore, cardsim.PulledMidway, cardsim.PulledAfter, cardsim.EmptyAnswer, cardsim.OneByteAnswer,
}

func testOutcomeUnknown(t *testing.T, b Bench) {
	w := Watch(t, b.Source())
	w.Next(cardreader.ReaderArrived, b.Reader())
	for _, kind := range faultsWithoutAnswer {
		t.Run(kind.String(), func(t *testing.T) {
			w := w.With(t)
			dev := cardsim.Script(cardsim.ACS(newChip()), cardsim.Fault{At: 3, Kind: kind})
			insert(t, b, dev)
			e := w.Await(cardreader.CardInserted, b.Reader())
			c := mustOpen(t, b, e.Insertion)
			mustSend(t, c, cmdSelect, []byte{0x90, 0})
			mustSend(t, c, cmdPSC, []byte{0x90, 7})
			_, err := c.Transmit(t.Context(), cmdWrite)
			wantIs(t, err, cardreader.ErrOutcomeUnknown)
			_, err = c.Transmit(t.Context(), cmdRead)
			wantIs(t, err, cardreader.ErrNotSent)
			if dev.Count() != 3 || dev.Fired() != 1 {
				t.Errorf("%d APDUs sent, %d faults; want 3 and 1", dev.Count(), dev.Fired())
			}
			c.Close()
			if kind == cardsim.OneByteAnswer { // the only one that every kind of bench can do with the card staying in
				again := mustOpen(t, b, e.Insertion)
				mustSend(t, again, cmdSelect, []byte{0x90, 0})
				again.Close()
			}
			_ = b.Remove() // the others were pulled
			w.Await(cardreader.CardRemoved, b.Reader())
		})
	}
}

func testUnplug(t *testing.T, b Bench) {
	u, ok := b.(Unplugger)
	if !ok {
		t.Skip("this bench cannot unplug a reader")
	}
	w, e := inserted(t, b, cardsim.ACS(newChip()))
	c := mustOpen(t, b, e.Insertion)
	if err := u.Unplug(); err != nil {
		t.Fatal(err)
	}
	if r := w.Next(cardreader.CardRemoved, b.Reader()); r.Insertion != e.Insertion {
		t.Errorf("insertion %d removed, want %d", r.Insertion, e.Insertion)
	}
	w.Next(cardreader.ReaderGone, b.Reader())
	if _, err := c.Transmit(t.Context(), cmdSelect); err == nil {
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
