package counter

import (
	"time"

	"tally/cardreader/purse"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// Bounds of the price table on a card.
const (
	cardTiers     = 4
	mostCardLimit = 0xFFFF   // m³
	mostCardPrice = 0xFFFFFF // 1/10 000 yuan per m³
)

// onCardPrices is a price table as a card carries it (写价). A table with more tiers, with limits that are no whole cubic
// metres or with prices that the field cannot hold has no place on a card.
func onCardPrices(t tariff.Table, loc *time.Location) (purse.Tariff, error) {
	out := purse.Tariff{PeriodMonths: uint8(t.PeriodMonths), Release: uint8(t.Version)}
	from, err := time.ParseInLocation("2006-01-02", t.From, loc)
	if err != nil || len(t.Tiers) == 0 || len(t.Tiers) > cardTiers {
		return out, refuse(CodeNoCardPrices, err)
	}
	out.From = from
	for i := range out.Prices {
		tier := t.Tiers[min(i, len(t.Tiers)-1)]
		limit := tier.UpTo / quantity.CubicMetre
		last := i >= len(t.Tiers)-1
		if tier.Price > mostCardPrice || tier.Price < 0 || !last && (tier.UpTo%quantity.CubicMetre != 0 || limit > mostCardLimit || limit <= 0) {
			return out, refuse(CodeNoCardPrices, nil)
		}
		out.Prices[i] = tier.Price
		if i < len(out.Limits) && !last {
			out.Limits[i] = tier.UpTo
		}
	}
	return out, nil
}

// pricesFor are the prices of a class that hold today, as a card carries them; nil when they do not fit on one.
func (s *Service) pricesFor(class string) *purse.Tariff {
	t, ok := s.table(class, s.day())
	if !ok {
		return nil
	}
	c, err := onCardPrices(t, s.o.Location)
	if err != nil {
		return nil
	}
	return &c
}
