package purse_test

import (
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
)

// TestLoadIsProvedAfterAPull: the answer to the load is lost; the counter on the card proves that it happened, and the
// card's receipt comes with it.
func TestLoadIsProvedAfterAPull(t *testing.T) {
	k := kitLoad(t)
	h := newHall(t)
	chip := k.make(blankImage(t, k.p, k.header))
	n := h.countAPDUs(k, chip.ReadMem(), buy(1, 1000))
	for at := 1; at <= n; at++ {
		chip := k.make(blankImage(t, k.p, k.header))
		var pl purse.Plan
		var err error
		h.with(k, cardsim.Script(chip.dev, cardsim.Fault{At: at, Kind: cardsim.PulledAfter}), func(pr *purse.MemoryPurse) {
			pl, err = sale(pr, buy(1, 1000))
		})
		if err == nil || pl.Profile == "" {
			continue
		}
		h.with(k, chip.dev, func(pr *purse.MemoryPurse) {
			st, err := pr.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			done := st.Order.Seq == 1
			if v := purse.Resolve(pl, st); (v == purse.Done) != done || done != (len(st.Receipt) == 8) || done != (st.Order.Qty == 1000) {
				t.Errorf("pulled after APDU %d: %s, counter %d, balance %d, receipt % X", at, v, st.Order.Seq, st.Order.Qty, []byte(st.Receipt))
			}
		})
	}
}

// A load only adds: a refund is refused before anything is sent.
func TestLoadCannotBeTakenBack(t *testing.T) {
	k := kitLoad(t)
	image := sell(t, k.p, blankImage(t, k.p, k.header), buy(1, 1000))
	back := buy(2, -100)
	back.Op = purse.OpRefund
	if _, err := purse.Make(k.p, decode(t, k.p, image), back); codeOf(err) != purse.CodeBadQuantity {
		t.Errorf("%v", err)
	}
}
