//go:build !nopcsc && linux && cgo

package pcsc_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/pcsc"
	"tally/cardreader/sle4442"
)

var (
	cmdSelect = []byte{0xFF, 0xA4, 0, 0, 1, 6}
	cmdRead   = []byte{0xFF, 0xB0, 0, 0x20, 4}
)

func newChip() *cardsim.SLE4442 {
	return cardsim.NewSLE4442(cardsim.Options{PSC: []byte{0x11, 0x22, 0x33}})
}

var secret = sle4442.Secret{PSC: sle4442.PSC{0x11, 0x22, 0x33}, Issued: true}

func code(err error) string {
	var e *cardreader.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func insert(t *testing.T, b bench, d cardsim.Device) {
	t.Helper()
	if err := b.Insert(d); err != nil {
		t.Fatal(err)
	}
}

func mustOpen(t *testing.T, b bench, ins cardreader.Insertion) cardreader.Card {
	t.Helper()
	c, err := b.src.Open(t.Context(), b.name, ins)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestServiceKilledAndStarted(t *testing.T) {
	t.Parallel() // beside TestConformance
	p := cardtest.StartPCSCD(t)
	b := newBench(t, p, pcsc.Options{Retry: 20 * time.Millisecond})
	w := cardtest.Watch(t, b.src)
	w.Next(cardreader.ReaderArrived, b.name)
	insert(t, b, cardsim.ACS(newChip()))
	first := w.Next(cardreader.CardInserted, b.name)
	c := mustOpen(t, b, first.Insertion)
	if _, err := c.Transmit(t.Context(), cmdSelect); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if e := w.Next(cardreader.CardRemoved, b.name); e.Insertion != first.Insertion {
		t.Errorf("insertion %d removed, want %d", e.Insertion, first.Insertion)
	}
	w.Next(cardreader.ReaderGone, b.name)
	if _, err := c.Transmit(t.Context(), cmdRead); !errors.Is(err, cardreader.ErrOutcomeUnknown) || code(err) != cardreader.CodeNoService {
		t.Errorf("transmit without a service: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := b.src.Open(t.Context(), b.name, first.Insertion); !errors.Is(err, cardreader.ErrNoCard) {
		t.Errorf("open without a service: %v", err)
	}
	if _, err := pcsc.Readers(t.Context()); code(err) != cardreader.CodeNoService {
		t.Errorf("readers without a service: %v", err)
	}
	_ = b.Remove() // its driver is dead
	p.Start()
	w.Next(cardreader.ReaderArrived, b.name)
	insert(t, b, cardsim.ACS(newChip()))
	again := w.Next(cardreader.CardInserted, b.name)
	if again.Insertion <= first.Insertion {
		t.Errorf("insertion %d after %d", again.Insertion, first.Insertion)
	}
	if _, err := mustOpen(t, b, again.Insertion).Transmit(t.Context(), cmdSelect); err != nil {
		t.Error(err)
	}
}

func TestNoServiceAtStartAndReaderUnderAnotherName(t *testing.T) {
	p := cardtest.StartPCSCD(t)
	name := p.Readers[0].Name
	p.Kill()
	src := pcsc.New(pcsc.Options{Retry: 20 * time.Millisecond})
	w := cardtest.Watch(t, src)
	p.Start()
	w.Await(cardreader.ReaderArrived, name)
	p.Kill()
	w.Await(cardreader.ReaderGone, name)
	p.Start("OMNIKEY CardMan 3121")
	b := newBench(t, p, pcsc.Options{})
	b.src = src
	w.Await(cardreader.ReaderArrived, b.name)
	insert(t, b, cardsim.ACS(newChip()))
	mustOpen(t, b, w.Await(cardreader.CardInserted, b.name).Insertion)
}

func TestSilentCardIsAbandoned(t *testing.T) {
	t.Parallel() // beside TestConformance

	const watchdog = 5 * time.Second // a busy machine's card is no silent one
	for _, kind := range []cardsim.FaultKind{cardsim.Silence, cardsim.LateAnswer} {
		t.Run(kind.String(), func(t *testing.T) {
			b := newBench(t, cardtest.StartPCSCD(t), pcsc.Options{Watchdog: watchdog})
			w := cardtest.Watch(t, b.src)
			insert(t, b, cardsim.Script(cardsim.ACS(newChip()), cardsim.Fault{At: 2, Kind: kind}))
			e := w.Await(cardreader.CardInserted, b.name)
			c := openPatiently(t, b, e.Insertion)
			if _, err := c.Transmit(t.Context(), cmdSelect); err != nil {
				t.Fatal(err)
			}
			_, err := c.Transmit(t.Context(), cmdRead)
			if !errors.Is(err, cardreader.ErrOutcomeUnknown) || code(err) != cardreader.CodeTimeout {
				t.Fatalf("silent card: %v", err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if _, err := b.src.Open(t.Context(), b.name, e.Insertion); code(err) != cardreader.CodeTimeout {
				t.Errorf("open while the reader hangs: %v", err)
			}
			if err := b.Remove(); err != nil {
				t.Error(err)
			}
			w.Await(cardreader.CardRemoved, b.name)
			insert(t, b, cardsim.ACS(newChip()))
			e = w.Await(cardreader.CardInserted, b.name)
			if _, err := openPatiently(t, b, e.Insertion).Transmit(t.Context(), cmdSelect); err != nil {
				t.Errorf("the next card: %v", err)
			}
		})
	}
}

// openPatiently opens as a caller does that heeds the class: connecting takes this service longer than the short
// watchdog of the test.
func openPatiently(t *testing.T, b bench, ins cardreader.Insertion) cardreader.Card {
	t.Helper()
	for {
		c, err := b.src.Open(t.Context(), b.name, ins)
		if err == nil {
			t.Cleanup(func() { c.Close() })
			return c
		}
		if code(err) != cardreader.CodeTimeout {
			t.Fatal(err)
		}
	}
}

// TestPromise6ThroughPCSCD: the whole way to the chip and back, with a fault at the presentation and at the write.
func TestPromise6ThroughPCSCD(t *testing.T) {
	t.Parallel() // beside TestConformance
	const present, write = 3, 5
	p := cardtest.StartPCSCD(t)
	b := newBench(t, p, pcsc.Options{})
	w := cardtest.Watch(t, b.src)
	var guards sle4442.Guards
	for _, f := range []cardsim.Fault{
		{}, {At: present, Kind: cardsim.PulledAfter}, {At: present, Kind: cardsim.PulledMidway}, {At: present, Kind: cardsim.OneByteAnswer},
		{At: write, Kind: cardsim.PulledAfter}, {At: write, Kind: cardsim.OneByteAnswer}, {At: write, Kind: cardsim.NoEffect},
		{At: write, Kind: cardsim.Swapped, With: cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{}))},
	} {
		t.Run(f.Kind.String(), func(t *testing.T) {
			w, chip := w.With(t), newChip()
			insert(t, b, cardsim.Script(cardsim.ACS(chip), f))
			e := w.Await(cardreader.CardInserted, b.name)
			data := []byte{1, 2, 3, 4}
			err := write4442(t, b, guards.For(b.name, e.Insertion), e.Insertion, data)
			if f.Kind == 0 && err != nil {
				t.Fatal(err)
			}
			if f.Kind != 0 && err == nil {
				t.Fatal("a fault went unnoticed")
			}
			if err != nil {
				err = write4442(t, b, guards.For(b.name, e.Insertion), e.Insertion, data)
				if c := code(err); c != cardreader.CodePSCPresented && c != cardreader.CodeCardRemoved {
					t.Errorf("second attempt in one insertion: %v", err)
				}
			}
			if chip.Tries() < 2 {
				t.Errorf("%d tries left", chip.Tries())
			}
			_ = b.Remove()
			w.Await(cardreader.CardRemoved, b.name)
		})
	}
}

func write4442(t *testing.T, b bench, g *sle4442.Guard, ins cardreader.Insertion, data []byte) error {
	t.Helper()
	card, err := b.src.Open(t.Context(), b.name, ins)
	if err != nil {
		return err
	}
	defer card.Close()
	m, err := sle4442.Open(t.Context(), card, sle4442.ACS, g, secret)
	if err != nil {
		return err
	}
	return m.Do(t.Context(), func() error {
		if err := m.Unlock(t.Context()); err != nil {
			return err
		}
		if err := m.Write(t.Context(), 0x30, data); err != nil {
			return err
		}
		got, err := m.Read(t.Context(), 0x30, len(data))
		if err == nil && !bytes.Equal(got, data) {
			err = errors.New("read back something else")
		}
		return err
	})
}

// TestQuickSwap: faster than the service looks, so it may or may not be seen. Either way the open connection must not
// write on the other card, and what is opened afterwards is the other card or nothing.
func TestQuickSwap(t *testing.T) {
	b := newBench(t, cardtest.StartPCSCD(t), pcsc.Options{})
	w := cardtest.Watch(t, b.src)
	mine, other := newChip(), cardsim.NewSLE4442(cardsim.Options{PSC: []byte{9, 9, 9}, Main: []byte{0x77}})
	insert(t, b, cardsim.ACS(mine))
	e := w.Await(cardreader.CardInserted, b.name)
	m, err := sle4442.Open(t.Context(), mustOpen(t, b, e.Insertion), sle4442.ACS, new(sle4442.Guard), secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	before := other.ReadMem()
	insert(t, b, cardsim.ACS(other))
	if err := m.Write(t.Context(), 0x30, []byte{1, 2, 3}); err == nil {
		got, err := m.Read(t.Context(), 0x30, 3)
		if err == nil && bytes.Equal(got, []byte{1, 2, 3}) {
			t.Error("the write was read back from a card that was not there")
		}
	}
	if !bytes.Equal(other.ReadMem(), before) {
		t.Error("the other card was written")
	}
	if !bytes.Equal(mine.ReadMem()[0x30:0x33], []byte{0xFF, 0xFF, 0xFF}) {
		t.Error("a card outside the reader was written")
	}
}

func TestReaders(t *testing.T) {
	p := cardtest.StartPCSCD(t)
	b := newBench(t, p, pcsc.Options{})
	w := cardtest.Watch(t, b.src)
	insert(t, b, cardsim.ACS(newChip()))
	e := w.Await(cardreader.CardInserted, b.name)
	got, err := pcsc.Readers(t.Context())
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	if r := got[0]; r.Name != b.name || !r.Present || r.Mute || !bytes.Equal(r.ATR, e.ATR) {
		t.Errorf("%+v", r)
	}
	if r := got[1]; r.Name != p.Readers[1].Name || r.Present || r.ATR != nil {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pcsc.Readers(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}
