// Package tariff prices a volume by tiers. It is pure integer arithmetic: no clock, no store.
package tariff

import "tally/meter/quantity"

// Table is one released price table (价格表) of a price class.
type Table struct {
	Class   string `json:"class"`   // price class, e.g. "residential"
	Version int    `json:"version"` // counts up with each release
	From    string `json:"from"`    // first business day it holds, "2026-01-01"
	Tiers   []Tier `json:"tiers"`   // ascending; the last has no limit
	// PeriodMonths is how long the tier counter runs before it starts again, 12 for a calendar year.
	PeriodMonths int `json:"period_months"`
}

// Tier is one step of the price (阶梯).
type Tier struct {
	// UpTo is where the tier ends, counted from the start of the period; 0 for the last tier.
	UpTo  quantity.Volume `json:"up_to_l"`
	Price quantity.Price  `json:"price"`
}

// Line is the part of a sale that falls into one tier. Its amount is rounded half-up to the fen once; the lines of a
// sale add up to its total.
type Line struct {
	Tier   int             `json:"tier"` // from 1
	Volume quantity.Volume `json:"volume_l"`
	Price  quantity.Price  `json:"price"`
	Amount quantity.Money  `json:"amount_fen"`
}
