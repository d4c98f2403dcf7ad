package sle4442_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/sle4442"
)

// Promise 6: a card's secret code is presented at most once an insertion, never with one try left or less, never a
// factory code on an issued card.

func TestPromise6OncePerInsertion(t *testing.T) {
	for _, b := range brands[:2] { // without a counter: TestPromise6Blind
		c := b.counter(t, cardsim.Options{})
		for i := range 4 {
			m := c.mustOpen(b.secret(wrongPSC))
			err := m.Unlock(t.Context())
			if i == 0 {
				wantCode(t, err, cardreader.CodePSCWrong)
			} else {
				wantCode(t, err, cardreader.CodePSCPresented)
			}
			wantCode(t, m.Unlock(t.Context()), cardreader.CodePSCPresented)
			m.Close()
		}
		if n := c.tap.presentations(); n != 1 {
			t.Errorf("%d presentations in one insertion", n)
		}
		// The right code does not get a second go either: the clerk takes the card out.
		m := c.mustOpen(b.secret(rightPSC))
		wantCode(t, m.Unlock(t.Context()), cardreader.CodePSCPresented)
		m.Close()
		c.reinsert()
		if err := c.mustOpen(b.secret(rightPSC)).Unlock(t.Context()); err != nil {
			t.Errorf("next insertion: %v", err)
		}
		if c.chip.Tries() != 3 {
			t.Errorf("%d tries", c.chip.Tries())
		}
	}
}

// TestPromise6Blind: where the counter cannot be read, nothing is presented unless that was decided, and one wrong code
// is the last one, on any card in any reader.
func TestPromise6Blind(t *testing.T) {
	b := brands[2]
	c := b.counter(t, cardsim.Options{})
	sees := sle4442.Secret{PSC: rightPSC, Issued: true}
	wantCode(t, c.mustOpen(sees).Unlock(t.Context()), cardreader.CodePSCBlind)
	c.reinsert()
	if c.tap.presentations() != 0 {
		t.Fatal("presented without a decision")
	}
	wantCode(t, c.mustOpen(b.secret(wrongPSC)).Unlock(t.Context()), cardreader.CodePSCWrong)
	for range 5 {
		c.reinsert()
		wantCode(t, c.mustOpen(b.secret(rightPSC)).Unlock(t.Context()), cardreader.CodePSCBlind)
	}
	if c.tap.presentations() != 1 || c.chip.Tries() != 2 {
		t.Errorf("%d presentations, %d tries left; want 1 and 2", c.tap.presentations(), c.chip.Tries())
	}
	if other := c.guards.For("another reader", 1); other.Spent() {
		t.Error("another reader's insertion is spent")
	}
}

func TestPromise6NeverTheLastTry(t *testing.T) {
	for _, b := range brands[:2] {
		t.Run(string(b.dialect), func(t *testing.T) { neverTheLastTry(t, b) })
	}
}

func neverTheLastTry(t *testing.T, b brand) {
	for _, v := range []struct {
		ec   byte
		code string // empty: allowed
	}{
		{0x07, ""}, {0x06, ""}, {0x03, ""}, {0x05, ""},
		{0x01, cardreader.CodePSCLastTry}, {0x02, cardreader.CodePSCLastTry}, {0x04, cardreader.CodePSCLastTry},
		{0x00, cardreader.CodeCardLocked},
	} {
		t.Run(fmt.Sprintf("EC %02X", v.ec), func(t *testing.T) {
			c := b.counter(t, cardsim.Options{EC: &v.ec})
			err := c.mustOpen(b.secret(rightPSC)).Unlock(t.Context())
			if v.code == "" {
				if err != nil || !c.chip.Unlocked() {
					t.Fatalf("unlock: %v, chip unlocked %t", err, c.chip.Unlocked())
				}
				return
			}
			wantCode(t, err, v.code)
			if n := c.tap.presentations(); n != 0 {
				t.Errorf("%d presentations", n)
			}
		})
	}
}

func TestPromise6WrongForEverNeverLocks(t *testing.T) {
	forEachBrand(t, func(t *testing.T, b brand) {
		c := b.counter(t, cardsim.Options{})
		for range 10 {
			m := c.mustOpen(b.secret(wrongPSC))
			if err := m.Unlock(t.Context()); err == nil {
				t.Fatal("a wrong code unlocks")
			}
			m.Close()
			c.reinsert()
		}
		if c.chip.Tries() != 3-c.tap.presentations() || c.chip.Tries() < 1 {
			t.Errorf("%d tries left after %d presentations", c.chip.Tries(), c.tap.presentations())
		}
	})
}

func TestPromise6NoFactoryCodeOnIssuedCard(t *testing.T) {
	forEachBrand(t, func(t *testing.T, b brand) {
		c := b.counter(t, cardsim.Options{})
		m := c.mustOpen(b.secret(sle4442.FactoryPSC()))
		wantCode(t, m.Unlock(t.Context()), cardreader.CodePSCFactory)
		if n := c.tap.presentations(); n != 0 {
			t.Errorf("%d presentations", n)
		}
	})
}

// liar is a reader whose status word to a presentation means nothing.
type liar struct {
	cardsim.Device
	sw     byte
	deaf   bool // the presentation does not reach the chip
	struck int
}

func (l *liar) Exchange(c []byte) ([]byte, error) {
	if len(c) != 8 || c[1] != 0x20 {
		return l.Device.Exchange(c)
	}
	l.struck++
	if !l.deaf {
		if _, err := l.Device.Exchange(c); err != nil {
			return nil, err
		}
	}
	return []byte{0x90, l.sw}, nil
}

func TestPromise6StatusWordProvesNothing(t *testing.T) {
	for _, v := range []struct {
		name string
		ec   byte
		psc  sle4442.PSC
		liar liar
		code string // empty: unlocked
	}{
		{"wrong code called right", 7, wrongPSC, liar{sw: 0x07}, cardreader.CodePSCWrong},
		{"wrong code called right in another dialect", 7, wrongPSC, liar{sw: 0x00}, cardreader.CodePSCWrong},
		{"right code called locked, counter rose", 3, rightPSC, liar{sw: 0x00}, ""},
		{"right code called locked, counter was full", 7, rightPSC, liar{sw: 0x00}, cardreader.CodePSCUnproven},
		{"nothing reached the chip, called right, counter not full", 3, rightPSC, liar{sw: 0x07, deaf: true}, cardreader.CodePSCUnproven},
	} {
		t.Run(v.name, func(t *testing.T) {
			chip := cardsim.NewSLE4442(cardsim.Options{PSC: rightPSC[:], EC: &v.ec})
			v.liar.Device = cardsim.ACS(chip)
			c := newCounterWith(t, chip, &v.liar)
			m := c.mustOpen(sle4442.Secret{PSC: v.psc, Issued: true})
			err := m.Unlock(t.Context())
			if v.code == "" {
				if err != nil {
					t.Error(err)
				}
			} else {
				wantCode(t, err, v.code)
				if werr := m.Write(t.Context(), 0x30, []byte{1}); !errors.Is(werr, cardreader.ErrNotSent) {
					t.Errorf("write after that: %v", werr)
				}
			}
			if v.liar.struck != 1 {
				t.Errorf("%d presentations", v.liar.struck)
			}
		})
	}
}

// TestPromise6UnderFaults tries every fault at every exchange of every dialect, then goes on as a stubborn clerk would.
func TestPromise6UnderFaults(t *testing.T) {
	forEachBrand(t, func(t *testing.T, b brand) {
		for _, kind := range cardsim.FaultKinds() {
			for at := 1; at <= b.apdus; at++ {
				t.Run(fmt.Sprintf("%v at %d", kind, at), func(t *testing.T) { stubborn(t, b, kind, at) })
			}
		}
	})
}

func stubborn(t *testing.T, b brand, kind cardsim.FaultKind, at int) {
	data := []byte{1, 2, 3, 4}
	other := cardsim.NewSLE4442(cardsim.Options{PSC: []byte{9, 9, 9}})
	c := b.counter(t, cardsim.Options{}, cardsim.Fault{At: at, Kind: kind, With: b.firmware(other)})
	err := attempt(t, c, b.secret(rightPSC), data)
	if n := c.tap.presentations(); n > 1 {
		t.Fatalf("%d presentations in the first insertion", n)
	}
	if err == nil && kind != cardsim.Swapped && !bytes.Equal(c.chip.ReadMem()[0x30:0x34], data) {
		t.Fatal("success was reported and the card does not hold the data")
	}
	if got := other.ReadMem()[0x30:0x34]; bytes.Equal(got, data) {
		t.Fatal("the order of one card was written on another")
	}
	if kind == cardsim.Unplugged {
		if err := c.src.Plug(reader); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		c.reinsert()
		before := c.tap.presentations()
		_ = attempt(t, c, b.secret(rightPSC), data)
		if n := c.tap.presentations() - before; n > 1 {
			t.Fatalf("%d presentations in one insertion", n)
		}
	}
	if c.chip.Tries() == 0 || other.Tries() == 0 {
		t.Fatalf("a card is locked: %d and %d tries", c.chip.Tries(), other.Tries())
	}
}

// attempt unlocks, writes and reads back. After each error it opens the same insertion again and tries to unlock once
// more, which the Guard must not let it.
func attempt(t *testing.T, c *counter, secret sle4442.Secret, data []byte) error {
	t.Helper()
	err := writeOnce(t, c, secret, data)
	if err != nil {
		_ = writeOnce(t, c, secret, data)
	}
	return err
}

func writeOnce(t *testing.T, c *counter, s sle4442.Secret, data []byte) error {
	t.Helper()
	m, err := c.open(s)
	if err != nil {
		return err
	}
	defer m.Close()
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
}

// Promise 2: "the write failed" is never concluded from a transport error.
func TestPromise2WriteFaultIsUnknown(t *testing.T) {
	forEachBrand(t, func(t *testing.T, b brand) {
		for _, kind := range []cardsim.FaultKind{
			cardsim.PulledBefore, cardsim.PulledMidway, cardsim.PulledAfter, cardsim.EmptyAnswer, cardsim.OneByteAnswer,
			cardsim.WrongAnswer, cardsim.Silence, cardsim.LateAnswer, cardsim.Unplugged,
		} {
			t.Run(kind.String(), func(t *testing.T) {
				write := b.apdus - 1
				c := b.counter(t, cardsim.Options{}, cardsim.Fault{At: write, Kind: kind})
				m := c.mustOpen(b.secret(rightPSC))
				if err := m.Unlock(t.Context()); err != nil {
					t.Fatal(err)
				}
				err := m.Write(t.Context(), 0x30, []byte{1, 2, 3, 4})
				if !errors.Is(err, cardreader.ErrOutcomeUnknown) || errors.Is(err, cardreader.ErrNotSent) {
					t.Errorf("write: %v", err)
				}
				if err := m.Write(t.Context(), 0x30, []byte{1}); !errors.Is(err, cardreader.ErrNotSent) {
					t.Errorf("write on a dead chip: %v", err)
				}
			})
		}
	})
}
