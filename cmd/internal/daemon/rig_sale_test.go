package daemon

import (
	"context"
	"testing"
	"time"

	"tally/cardreader/cardsim"
	"tally/counter"
	"tally/meter/quantity"
	"tally/storage"
)

// sold is a counter that has sold once, with the card still on the desk.
type sold struct {
	*rig
	desk    counter.Desk
	receipt counter.Receipt
}

func soldOnce(t *testing.T) sold {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	src := cardsim.NewSource(rigReader)
	r, err := openRig(dir, src, storage.Hooks{}, func(s counter.Store) counter.Store { return s })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	chip, err := rigChip(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { return rigSeed(ctx, r.store) },
		func() error { return r.login(ctx) },
		func() error { return src.Insert(rigReader, cardsim.ACS(chip)) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	s := sold{rig: r}
	d, err := r.wait(ctx, settled)
	if err != nil {
		t.Fatal(err)
	}
	if s.receipt, err = r.sell(ctx, d, "request-0000000001", quantity.CubicMetre); err != nil {
		t.Fatal(err)
	}
	s.desk, err = r.wait(ctx, func(d counter.Desk) bool { return settled(d) && d.Card.Order != nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCardCarriesLocalTime: the hour on the card is the hour on the wall (UTC+8); a meter knows no other, and the
// customer compares it with the receipt.
func TestCardCarriesLocalTime(t *testing.T) {
	s := soldOnce(t)
	// The intent, an instant before the receipt, is what goes on the card.
	wall := s.receipt.At.In(time.FixedZone("UTC+8", 8*3600))
	if got := s.desk.Card.Order.At; got != wall.Format("2006-01-02T15") && got != wall.Add(-time.Minute).Format("2006-01-02T15") {
		t.Errorf("card says %s, the receipt %s", got, wall)
	}
}
