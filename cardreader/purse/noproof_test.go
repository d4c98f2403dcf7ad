package purse_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// A card that never shows whether the meter took an order proves nothing about a refund.
func TestNoRefundWhereTheCardShowsNothing(t *testing.T) {
	data, err := os.ReadFile("../profile/gen4442v1.toml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Load("never.toml", []byte(strings.Replace(string(data), `swiped  = "write_back_seq"`, `swiped  = "none"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	o := buy(2, -100)
	o.Op = purse.OpRefund
	if _, err := purse.Make(p, decode(t, p, image), o); codeOf(err) != cardreader.CodeNotSupported {
		t.Errorf("refund: %v", err)
	}
}

// The only slot, after a cut, holds what no cut leaves: it may have been our order, valid and taken, in between.
func TestOnlySlotWipedProvesNothing(t *testing.T) {
	p, image := other(t, "RAW4442 v1")
	image = sell(t, p, image, plain(1, 50))
	m := &otherMeter{p: p}
	if got := m.swipe(t, image); got != 50 {
		t.Fatalf("swiped %d", got)
	}
	pl := plan(t, p, image, plain(2, 70))
	if v := purse.Resolve(pl, decode(t, p, image)); v != purse.NotDone {
		t.Errorf("untouched: %s", v)
	}
	slot := p.Order.Of(image, 0)
	copy(slot, bytes.Repeat([]byte{0xFF}, len(slot)))
	if v := purse.Resolve(pl, decode(t, p, image)); v != purse.Unclear {
		t.Errorf("wiped: %s", v)
	}
}
