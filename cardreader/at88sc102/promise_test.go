package at88sc102_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
)

// Promise 6: a card's secret code is presented at most once an insertion, never with one try left or less, never a
// factory code on an issued card.

func TestPromise6OncePerInsertion(t *testing.T) {
	b := newBench(t, cardsim.AT88SC102Options{})
	for i := range 4 {
		m := b.mustOpen(wrong)
		want := cardreader.CodePSCPresented
		if i == 0 {
			want = cardreader.CodePSCWrong
		}
		wantCode(t, m.Unlock(t.Context()), want)
		m.Close()
	}
	if n := b.tap.presentations(); n != 1 {
		t.Errorf("%d presentations", n)
	}
	b.reinsert()
	b.mustUnlock(secret)
	if b.chip.Tries() != 4 {
		t.Errorf("%d tries", b.chip.Tries())
	}
}

func TestPromise6NeverTheLastTry(t *testing.T) {
	for used, code := range []string{"", "", "", cardreader.CodePSCLastTry, cardreader.CodeCardLocked} {
		b := newBench(t, cardsim.AT88SC102Options{Used: used})
		m := b.mustOpen(secret)
		if n, err := m.Tries(t.Context()); err != nil || n != 4-used {
			t.Errorf("%d tries, %v; want %d", n, err, 4-used)
		}
		err := m.Unlock(t.Context())
		if code == "" {
			if err != nil || !b.chip.Unlocked() {
				t.Errorf("%d used: %v", used, err)
			}
			continue
		}
		wantCode(t, err, code)
		if b.tap.presentations() != 0 {
			t.Errorf("%d used: presented", used)
		}
	}
}

func TestPromise6WrongForEverNeverLocks(t *testing.T) {
	b := newBench(t, cardsim.AT88SC102Options{})
	for range 10 {
		m := b.mustOpen(wrong)
		if m.Unlock(t.Context()) == nil {
			t.Fatal("a wrong code unlocks")
		}
		m.Close()
		b.reinsert()
	}
	if b.chip.Tries() != 1 || b.tap.presentations() != 3 {
		t.Errorf("%d tries after %d presentations", b.chip.Tries(), b.tap.presentations())
	}
}

func TestPromise6NoFactoryCodeOnIssuedCard(t *testing.T) {
	for _, code := range []at88sc102.Code{{0xFF, 0xFF}, {0xF0, 0xF0}} {
		b := newBench(t, cardsim.AT88SC102Options{})
		wantCode(t, b.mustOpen(at88sc102.Secret{Code: code, Issued: true}).Unlock(t.Context()), cardreader.CodePSCFactory)
		if b.tap.presentations() != 0 {
			t.Error("presented")
		}
	}
}

// apdus: choose, counter, code, counter, erase, read zone, write, read.
const apdus = 8

var order = []byte{1, 2, 3, 4}

// TestPromise6UnderFaults writes zone 2 while zone 1 holds the older copy, with every fault at every exchange.
func TestPromise6UnderFaults(t *testing.T) {
	for _, kind := range cardsim.FaultKinds() {
		for at := 1; at <= apdus; at++ {
			t.Run(fmt.Sprintf("%v at %d", kind, at), func(t *testing.T) { stubborn(t, kind, at) })
		}
	}
}

func stubborn(t *testing.T, kind cardsim.FaultKind, at int) {
	other := cardsim.NewAT88SC102(cardsim.AT88SC102Options{Code: [2]byte{9, 9}})
	b := newBench(t, cardsim.AT88SC102Options{}, cardsim.Fault{At: at, Kind: kind, With: cardsim.ACS102(other)})
	if err := b.src.Remove(reader); err != nil {
		t.Fatal(err)
	}
	older, newer := []byte{0xAA, 0xBB}, []byte{0x33}
	if err := errors.Join(b.chip.WriteMem(0x18, older), b.chip.WriteMem(0x5E, newer)); err != nil {
		t.Fatal(err)
	}
	b.insert()
	err := writeZone2(t, b)
	if err != nil {
		_ = writeZone2(t, b)
	}
	if n := b.tap.presentations(); n > 1 {
		t.Fatalf("%d presentations in one insertion", n)
	}
	if err == nil && kind != cardsim.Swapped && !bytes.Equal(b.chip.ReadMem()[0x60:0x64], order) {
		t.Fatal("success was reported and the card does not hold the data")
	}
	if !bytes.Equal(b.chip.ReadMem()[0x18:0x1A], older) {
		t.Fatal("the other zone was touched")
	}
	if bytes.Equal(other.ReadMem()[0x60:0x64], order) {
		t.Fatal("the order of one card was written on another")
	}
	if kind == cardsim.Unplugged {
		if err := b.src.Plug(reader); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		b.reinsert()
		_ = writeZone2(t, b)
	}
	if b.chip.Tries() == 0 || other.Tries() == 0 {
		t.Fatal("a card is locked")
	}
}

func writeZone2(t *testing.T, b *bench) error {
	t.Helper()
	m, err := b.open(secret)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Unlock(t.Context()); err != nil {
		return err
	}
	if err := m.Erase(t.Context(), at88sc102.Zone2); err != nil {
		return err
	}
	if err := m.Write(t.Context(), 0x60, order); err != nil {
		return err
	}
	got, err := m.Read(t.Context(), 0x60, len(order))
	if err == nil && !bytes.Equal(got, order) {
		err = errors.New("read back something else")
	}
	return err
}

// Promise 2: "the write failed" is never concluded from a transport error, nor is "the erasure failed".
func TestPromise2WriteFaultIsUnknown(t *testing.T) {
	const erase, write = 5, 7
	for _, kind := range []cardsim.FaultKind{
		cardsim.PulledBefore, cardsim.PulledMidway, cardsim.PulledAfter, cardsim.EmptyAnswer, cardsim.OneByteAnswer,
		cardsim.WrongAnswer, cardsim.Silence, cardsim.LateAnswer, cardsim.Unplugged,
	} {
		for _, at := range []int{erase, write} {
			b := newBench(t, cardsim.AT88SC102Options{}, cardsim.Fault{At: at, Kind: kind})
			m := b.mustUnlock(secret)
			err := m.Erase(t.Context(), at88sc102.Zone2)
			if at == write && err == nil {
				err = m.Write(t.Context(), 0x60, order)
			}
			if !errors.Is(err, cardreader.ErrOutcomeUnknown) || errors.Is(err, cardreader.ErrNotSent) {
				t.Errorf("%v at %d: %v", kind, at, err)
			}
			if err := m.Write(t.Context(), 0x60, order); !errors.Is(err, cardreader.ErrNotSent) {
				t.Errorf("%v at %d: write on a dead chip: %v", kind, at, err)
			}
		}
	}
}
