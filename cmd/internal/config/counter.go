package config

import (
	"time"

	"tally/meter/quantity"
)

// CounterRules are what a utility wishes of its counters beside prices. Ages of 0 are not asked about.
type CounterRules struct {
	MaxPriceAge   time.Duration // how old the centre's last word about prices may be before nothing is sold
	MaxLockAge    time.Duration // the same about sale locks
	MaxAccountAge time.Duration // about what other counters did, before no new card is made
	RefuseArrears bool          // a customer who owes money buys nothing
	Alarm         quantity.Volume
	Overdraft     quantity.Volume
	CardUnit      string         // what new cards count in: UnitDeciM3, UnitCentiM3, UnitFen
	FeeLost       quantity.Money // what a replacement card costs, by its cause
	FeeBroken     quantity.Money
	FeeFaulty     quantity.Money
}

// Units of cards.
const (
	UnitDeciM3  = "0.1m3"
	UnitCentiM3 = "0.01m3"
	UnitFen     = "fen"
)

// longest is the longest age that can be asked about.
const longest = 365 * 24 * time.Hour

// maxFee is more than any card costs.
const maxFee quantity.Money = 1_000_00

func (t *table) counterRules() CounterRules {
	r := CounterRules{
		MaxPriceAge:   t.span("max_price_age", 0, 0, longest),
		MaxLockAge:    t.span("max_lock_age", 0, 0, longest),
		MaxAccountAge: t.span("max_account_age", 0, 0, longest),
		RefuseArrears: t.flag("refuse_arrears", false),
		Alarm:         t.cubic("alarm_m3"),
		Overdraft:     t.cubic("overdraft_m3"),
		CardUnit:      t.choice("card_unit", UnitCentiM3, UnitDeciM3, UnitCentiM3, UnitFen),
	}
	r.FeeLost, r.FeeBroken, r.FeeFaulty = t.fee("fee_lost"), t.fee("fee_broken"), t.fee("fee_faulty")
	return r
}

// fee is an amount of yuan.
func (t *table) fee(key string) quantity.Money {
	m, ok := exact(t, key, "15.00", 2, quantity.ParseMoney)
	switch {
	case !ok:
		return 0
	case m < 0 || m > maxFee:
		t.bad(key, codeRange, m.String(), "0", maxFee.String())
		return 0
	}
	return m
}

// cubic is a number of whole cubic metres.
func (t *table) cubic(key string) quantity.Volume {
	return quantity.Volume(t.whole(key, 0, 0, 10_000)) * quantity.CubicMetre
}
