package cpucard_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/cardsim"
	"tally/cardreader/cpucard"
)

var issuing = cpucard.Issuing{
	SoftKeys: loading, Meter: cpucard.Key{10, 11}, Control: cpucard.Key{12, 13}, Transport: cpucard.Key{14, 15},
}

var places = []cpucard.KeyPlace{
	{Use: cpucard.UseLine, Type: cpucard.TypeLine, ID: 3}, {Use: cpucard.UseMeter, Type: cpucard.TypeAuthentication, ID: 2},
	{Use: cpucard.UseLoad, Type: cpucard.TypeLoad, ID: 1}, {Use: cpucard.UseVend, Type: cpucard.TypeAuthentication, ID: 1},
}

// newCard is a card as it comes from its maker.
func newCard(t *testing.T, a cpucard.Algorithm, control cpucard.Key) *bench {
	t.Helper()
	b := newBench(t)
	k := issuing.Transport
	b.cos = cardsim.NewCOS(cardsim.COSOptions{
		AID: aid, Serial: serial, SM4: a == cpucard.SM4, Vend: k, Meter: k, Line: k, Load: k, Control: a.Diversify(control, serial),
	})
	b.tap.Device = b.cos
	b.reinsert()
	return b
}

func TestANewCardGetsItsOwnKeys(t *testing.T) {
	for _, a := range []cpucard.Algorithm{cpucard.TripleDES, cpucard.SM4} {
		b, own := newCard(t, a, issuing.Control), issuing
		own.Algorithm = a
		c := b.mustOpen(own)
		c.UseKeys(own.Came())
		if err := c.Unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.GiveKeys(t.Context(), own, own, places); err != nil {
			t.Fatal(err)
		}
		if err := c.UpdateBinary(t.Context(), tariff, 0, []byte{7}); err != nil {
			t.Errorf("%s: the line key is not the one that was written: %v", a, err)
		}
		key := func(k cpucard.Key) [16]byte { return a.Diversify(k, serial) }
		if !b.cos.HasKeys(key(own.Vend), key(own.Meter), key(own.Line), key(own.Load)) {
			t.Errorf("%s: the card has other keys", a)
		}
		b.reinsert()
		if err := b.mustOpen(own).Unlock(t.Context()); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// TestAWrongControlKeyIsNotRetried: a card counts what was not sealed under its control key.
func TestAWrongControlKeyIsNotRetried(t *testing.T) {
	b := newCard(t, cpucard.TripleDES, cpucard.Key{0xEE})
	c := b.mustOpen(issuing)
	c.UseKeys(issuing.Came())
	if err := c.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := c.GiveKeys(t.Context(), issuing, issuing, places)
	if !errors.Is(err, apdu.ErrMAC) || !errors.Is(err, cardreader.ErrOutcomeUnknown) {
		t.Errorf("%v", err)
	}
	if got := b.cos.KeyTries(0); got != 2 {
		t.Errorf("%d tries of the control key are left", got)
	}
	k := [16]byte(issuing.Transport)
	if !b.cos.HasKeys(k, k, k, k) {
		t.Error("a key was changed")
	}
}

func TestKeysAreNotWrittenToALockedCard(t *testing.T) {
	b := newCard(t, cpucard.TripleDES, issuing.Control)
	_, before := b.tap.seen()
	c := b.mustOpen(issuing)
	_, opened := b.tap.seen()
	wantCode(t, c.GiveKeys(t.Context(), issuing, issuing, places), cardreader.CodeNotUnlocked)
	if _, after := b.tap.seen(); after != opened || opened == before {
		t.Error("something was sent")
	}
}

// TestPromise10TransportKeysAreNotPrinted: what stands for a new card's keys shows none.
func TestPromise10TransportKeysAreNotPrinted(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d", "%s"} {
		if s := fmt.Sprintf(verb, issuing.Came()); strings.Contains(s, "14") || strings.Contains(s, "0e") || strings.Contains(s, "0xe") {
			t.Errorf("%s: %s", verb, s)
		}
	}
}
