package cpucard_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/cpucard"
)

const samReader = "Simulated Reader SAM 0"

var samKeys = cpucard.SAMOptions{
	AID: []byte("PSAM"), Vend: cpucard.SAMKey{Usage: 0x28, Version: 1}, Line: cpucard.SAMKey{Usage: 0x28, Version: 2}, Load: cpucard.SAMKey{Usage: 0x29, Version: 1},
}

// newSAM puts a module with the utility's keys into a slot of its own and opens it.
func newSAM(t *testing.T, soft cpucard.SoftKeys, faults ...cardsim.Fault) (*cpucard.SAM, *cardsim.Scripted) {
	t.Helper()
	src := cardsim.NewSource(samReader)
	src.Watchdog = -1
	dev := cardsim.Script(cardsim.NewSAM(cardsim.SAMOptions{
		AID: samKeys.AID, SM4: soft.Algorithm == cpucard.SM4,
		Keys: map[[2]byte][16]byte{{8, 1}: soft.Vend, {8, 2}: soft.Line, {9, 1}: soft.Load},
	}), faults...)
	w := cardtest.Watch(t, src)
	if err := src.Insert(samReader, dev); err != nil {
		t.Fatal(err)
	}
	card, err := src.Open(t.Context(), samReader, w.Await(cardreader.CardInserted, samReader).Insertion)
	if err != nil {
		t.Fatal(err)
	}
	o := samKeys
	o.Algorithm = soft.Algorithm
	sam, err := cpucard.OpenSAM(t.Context(), card, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sam.Close() })
	return sam, dev
}

// A module and keys in memory make the same: what one seals is what the other seals, for both ciphers.
func TestSAMMakesWhatSoftKeysMake(t *testing.T) {
	for _, a := range []cpucard.Algorithm{cpucard.TripleDES, cpucard.SM4} {
		soft := cpucard.SoftKeys{Algorithm: a, Vend: cpucard.Key{1, 2, 3}, Line: cpucard.Key{4, 5, 6}, Load: cpucard.Key{7}}
		sam, _ := newSAM(t, soft)
		ctx := t.Context()
		x, e1 := soft.Cryptogram(ctx, serial, [8]byte{1, 2, 3, 4, 5, 6, 7, 8})
		y, e2 := sam.Cryptogram(ctx, serial, [8]byte{1, 2, 3, 4, 5, 6, 7, 8})
		if e1 != nil || e2 != nil || !bytes.Equal(x, y) {
			t.Errorf("%s: cryptograms % X and % X, %v %v", a, x, y, e1, e2)
		}
		for n := range 60 {
			cmd := apdu.Command{CLA: 0x04, INS: 0xDC, P1: 1, P2: 0x0C, Data: bytes.Repeat([]byte{0x80}, n)}
			x, e1 := soft.Seal(ctx, serial, cpucard.Challenge{1, 2, 3, 4}, cmd)
			y, e2 := sam.Seal(ctx, serial, cpucard.Challenge{1, 2, 3, 4}, cmd)
			if e1 != nil || e2 != nil || !bytes.Equal(x.Data, y.Data) {
				t.Errorf("%s: %d bytes sealed % X and % X, %v %v", a, n, x.Data, y.Data, e1, e2)
			}
		}
		if _, err := sam.Seal(ctx, serial, cpucard.Challenge{}, apdu.Command{Data: make([]byte, cpucard.MaxSealed)}); !errors.Is(err, apdu.ErrLength) {
			t.Errorf("%s: sealed more than the module takes: %v", a, err)
		}
	}
}

func TestSellWithSAM(t *testing.T) {
	b := newBench(t)
	sam, _ := newSAM(t, master)
	c := b.mustOpen(sam)
	if err := errors.Join(c.Unlock(t.Context()), c.UpdateRecord(t.Context(), orders, 3, order)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.cos.ReadFile(orders)[2*recSize:3*recSize], order) {
		t.Error("not written")
	}
}

// Whatever happens to the module, the card is not written, and the error says so although the module's own outcome may be
// unknown: it is another card.
func TestSAMFaultsLeaveTheCardAlone(t *testing.T) {
	for _, kind := range cardsim.FaultKinds() {
		if kind == cardsim.Swapped || kind == cardsim.NoEffect {
			continue // a module is not carried off unnoticed; without effect it gives the same answer
		}
		for at := 2; at <= 7; at++ { // 1 selects; then two keys are delivered, used and their answer fetched
			t.Run(fmt.Sprintf("%v at %d", kind, at), func(t *testing.T) {
				b := newBench(t)
				sam, dev := newSAM(t, master, cardsim.Fault{At: at, Kind: kind})
				c := b.mustOpen(sam)
				err := c.Unlock(t.Context())
				if err == nil {
					err = c.UpdateRecord(t.Context(), orders, 1, order)
				}
				if dev.Fired() != 1 {
					t.Fatal("the fault did not strike")
				}
				written := bytes.Equal(b.cos.ReadFile(orders)[:recSize], order)
				if err == nil != written {
					t.Errorf("%v, written %v", err, written)
				}
				if kind != cardsim.OneByteWrong && (!errors.Is(err, cardreader.ErrNotSent) || errors.Is(err, cardreader.ErrOutcomeUnknown)) {
					t.Errorf("%v does not say that nothing was sent to the card", err)
				}
				if b.cos.KeyTries(1) < 2 {
					t.Errorf("%d tries left", b.cos.KeyTries(1))
				}
			})
		}
	}
}
