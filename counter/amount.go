package counter

import (
	"tally/cardreader/purse"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// money reports whether cards of a unit carry money: the meter prices what flows (金额卡).
func money(u purse.Unit) bool { return u == purse.UnitFen }

// qtyOf is what an order puts on the card, in its own unit.
func qtyOf(o Order) purse.Amount {
	switch {
	case o.Qty != 0:
		return o.Qty
	case money(o.Unit):
		return purse.Amount(o.Amount)
	case o.Unit.Litres() > 0:
		return purse.Amount(o.Volume / o.Unit.Litres())
	}
	return 0
}

// setting is a volume as a card's fields say it: in its unit, for a money card what the volume costs in the first tier.
// What the field cannot hold is the purse's business.
func setting(v quantity.Volume, u purse.Unit, price quantity.Price) purse.Amount {
	switch {
	case money(u):
		return purse.Amount(worth(v, price))
	case u.Litres() > 0:
		return purse.Amount(v / u.Litres())
	}
	return 0
}

// worth is what a volume costs at one price, in fen, rounded down: a litre at 1/10 000 yuan per m³ is a hundred-thousandth
// of a fen.
func worth(v quantity.Volume, price quantity.Price) quantity.Money {
	const perFen = 1000 * 10000 / 100
	if v <= 0 || price <= 0 || int64(v) > (1<<62)/int64(price) {
		return 0
	}
	return quantity.Money(int64(v) * int64(price) / perFen)
}

// firstPrice is the price of the first tier.
func firstPrice(t tariff.Table) quantity.Price {
	if len(t.Tiers) == 0 {
		return 0
	}
	return t.Tiers[0].Price
}
