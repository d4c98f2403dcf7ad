package keyed_test

import (
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
)

// Promise 1: a card that is made is called done after all of it was read back. Every step alone can come out right on
// another card that was put in its place.
func TestPromise1MadeCardIsReadBackWhole(t *testing.T) {
	issued := func(no string) *cardsim.SLE4442 {
		h := header
		h.CardNo = no
		image, err := purse.Blank(newRig(t, cardsim.NewSLE4442(cardsim.Options{})).prof, h)
		if err != nil {
			t.Fatal(err)
		}
		return cardsim.NewSLE4442(cardsim.Options{PSC: psc[:], Main: image[0x20:]})
	}
	r := newRig(t, cardsim.NewSLE4442(cardsim.Options{}))
	if _, err := r.issue(r.open()); err != nil {
		t.Fatal(err)
	}
	commands := r.dev.Count()
	for at := 3; at <= commands; at++ {
		chip, other := cardsim.NewSLE4442(cardsim.Options{}), issued("00009999")
		r := newRig(t, chip)
		r.insert(cardsim.Fault{At: at, Kind: cardsim.Swapped, With: cardsim.ACS(other)})
		before := string(other.ReadMem())
		_, err := r.issue(r.open())
		st, derr := purse.Decode(r.prof, chip.ReadMem())
		if err == nil && (derr != nil || st.Card.No != header.CardNo) {
			t.Errorf("swapped at command %d: called done; the card %+v %v", at, st.Card, derr)
		}
		if string(other.ReadMem()) != before || other.Tries() < 2 { // swapped between reading and the code: one try
			t.Errorf("swapped at command %d: the other card changed, %d tries", at, other.Tries())
		}
	}
}
