package at88sc102_test

import (
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
)

var (
	ownSecret = at88sc102.Secret{
		Code: at88sc102.Code{0x12, 0x34}, Issued: true, Keys: at88sc102.Keys{Zone1: [6]byte{1, 2, 3, 4, 5, 6}, Zone2: [4]byte{7, 8, 9, 10}},
	}
	came = at88sc102.Code{0xA5, 0x5A}
)

func fresh(used int) cardsim.AT88SC102Options {
	return cardsim.AT88SC102Options{
		Fresh: true, Code: came, Used: used, EZ1: [6]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, EZ2: [4]byte{0xFF, 0xFF, 0xFF, 0xFF},
	}
}

func unlockNew(t *testing.T, b *bench) *at88sc102.Chip {
	t.Helper()
	c := b.mustOpen(ownSecret)
	s := ownSecret
	s.Code, s.Issued = came, false
	if err := c.UnlockNew(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAFreshChipGetsKeysCodeAndItsFuseBlown(t *testing.T) {
	b := newBench(t, fresh(0))
	if err := unlockNew(t, b).Personalise(t.Context(), ownSecret); err != nil {
		t.Fatal(err)
	}
	if !b.chip.HasSecrets(ownSecret.Code[:], ownSecret.Keys.Zone1[:], ownSecret.Keys.Zone2[:]) {
		t.Error("the chip has other secrets, or its fuse is intact")
	}
	b.reinsert()
	c := b.mustOpen(ownSecret)
	if err := c.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := b.tap.count()
	if err := c.Personalise(t.Context(), ownSecret); err != nil {
		t.Error(err)
	}
	if n := b.tap.count() - before; n > 2 {
		t.Errorf("%d commands to a chip that is as it is to be", n)
	}
}

// TestPromise6AFactorysCodeIsNoCardsOwn: a card never gets a code that chips are delivered with.
func TestPromise6AFactorysCodeIsNoCardsOwn(t *testing.T) {
	b := newBench(t, fresh(0))
	bad := ownSecret
	bad.Code = at88sc102.Code{0xF0, 0xF0}
	err := unlockNew(t, b).Personalise(t.Context(), bad)
	wantCode(t, err, cardreader.CodePSCFactory)
	if b.chip.ReadMem()[0x0A] != came[0] {
		t.Error("the code was touched")
	}
}

// TestPromise6ACodeUnderWayIsFoundWithTriesLeft: where a change was cut, each insertion presents one code, another with each
// attempt that is gone, and none with one try left.
func TestPromise6ACodeUnderWayIsFoundWithTriesLeft(t *testing.T) {
	for used, want := range []string{cardreader.CodePSCWrong, "", cardreader.CodePSCWrong, cardreader.CodePSCLastTry} {
		b := newBench(t, fresh(used))
		c := b.mustOpen(ownSecret)
		err := c.UnlockChanged(t.Context(), ownSecret, came)
		e, _ := errors.AsType[*cardreader.Error](err)
		switch {
		case want == "" && err != nil:
			t.Errorf("%d attempts gone: %v", used, err)
		case want != "" && (e == nil || e.Code != want):
			t.Errorf("%d attempts gone: %v, want %s", used, err, want)
		}
		left := b.chip.Tries()
		if want == cardreader.CodePSCLastTry && left != 1 || left < 1 {
			t.Errorf("%d attempts gone: %d tries left", used, left)
		}
		if err := c.UnlockChanged(t.Context(), ownSecret, came); used == 0 && (err == nil || b.chip.Tries() != left) {
			t.Errorf("a second presentation: %v, %d tries", err, b.chip.Tries())
		}
	}
}

// TestLockedPlacesAreNotWritten: codes, keys and counters are reached by Personalise alone.
func TestLockedPlacesAreNotWritten(t *testing.T) {
	b := newBench(t, fresh(0))
	c := unlockNew(t, b)
	before := b.chip.ReadMem()
	for _, at := range []int{0x00, 0x09, 0x0A, 0x0C, 0x15, 0x56, 0x9C, 0xA0, 0xB0} {
		if err := c.Write(t.Context(), at, []byte{0, 0}); err == nil {
			t.Errorf("wrote at %#x", at)
		}
		if err := c.EraseWord(t.Context(), at); err == nil {
			t.Errorf("erased at %#x", at)
		}
	}
	if after := b.chip.ReadMem(); string(after) != string(before) {
		t.Error("something was written")
	}
}
