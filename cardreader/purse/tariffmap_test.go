package purse_test

import (
	"testing"
	"time"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/meter/quantity"
)

// TestPricesGoAlongOnEveryChip: an order that carries a price table is put on every chip that has room for one, through
// its real driver, and on the others without.
func TestPricesGoAlongOnEveryChip(t *testing.T) {
	table := &purse.Tariff{
		From:   time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		Limits: [3]quantity.Volume{100 * quantity.CubicMetre, 200 * quantity.CubicMetre, 300 * quantity.CubicMetre},
		Prices: [4]quantity.Price{20000, 25000, 30000, 35000}, PeriodMonths: 1, Release: 3,
	}
	h := newHall(t)
	for _, k := range kits(t) {
		before, head := *table, k.header
		before.Release, before.Prices = 2, [4]quantity.Price{1, 2, 3, 4}
		head.Tariff = &before
		chip := k.make(blankImage(t, k.p, head))
		opened := h.with(k, chip.dev, func(pr *purse.MemoryPurse) {
			o := buy(1, 100)
			o.Tariff = table
			if _, err := sale(pr, o); err != nil {
				t.Fatalf("%s: %v", k.name, err)
			}
		})
		if !opened {
			t.Fatalf("%s: not opened", k.name)
		}
		if k.p.Tariff == nil {
			continue
		}
		raw := k.p.Tariff.Of(chip.ReadMem(), 0)
		if v, err := k.p.Tariff.Field(profile.Price2).Int(raw); err != nil || v != 25000 || k.p.Verify(k.p.Tariff, chip.ReadMem(), 0) != profile.Valid {
			t.Errorf("%s: price 2 is %d, %v", k.name, v, err)
		}
	}
}
