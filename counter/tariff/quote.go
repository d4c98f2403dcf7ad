package tariff

import (
	"fmt"

	"tally/meter/quantity"
)

// Quote prices volume v for a customer who bought that much in the running period already: one line per tier touched,
// each rounded half-up to the fen once, and their sum. bought must not be negative and v must be positive; what does
// not fit is quantity.ErrRange. The table must have passed Check.
func Quote(t Table, bought, v quantity.Volume) ([]Line, quantity.Money, error) {
	var lines []Line
	total, err := walk(t, bought, v, func(l Line) { lines = append(lines, l) })
	if err != nil {
		return nil, 0, err
	}
	return lines, total, nil
}

// walk visits the part of [bought, bought+v) that falls into each tier and sums up.
func walk(t Table, bought, v quantity.Volume, visit func(Line)) (quantity.Money, error) {
	if bought < 0 || v <= 0 {
		return 0, fmt.Errorf("price %s m³ after %s m³: %w", v, bought, quantity.ErrRange)
	}
	end, err := bought.Add(v)
	if err != nil {
		return 0, err
	}
	var total quantity.Money
	for i, tier := range t.Tiers {
		part := end - bought
		if tier.UpTo != 0 {
			part = min(end, tier.UpTo) - bought
		}
		if part <= 0 {
			continue
		}
		amount, err := tier.Price.Of(part)
		if err != nil {
			return 0, err
		}
		if total, err = total.Add(amount); err != nil {
			return 0, err
		}
		visit(Line{Tier: i + 1, Volume: part, Price: tier.Price, Amount: amount})
		bought += part
	}
	if bought < end {
		return 0, fmt.Errorf("table %s version %d has no price above %s m³: %w", t.Class, t.Version, bought, ErrTable)
	}
	return total, nil
}

// ForMoney returns the greatest volume, in whole steps, whose total is not above m, with its lines and total. Zero
// volume with no line means that m does not buy one step. The total never falls when the volume grows (each line is
// monotone, and a new tier only adds a line), so the search is exact across tier borders.
func ForMoney(t Table, bought quantity.Volume, m quantity.Money, step quantity.Volume) (quantity.Volume, []Line, quantity.Money, error) {
	if m < 0 || step <= 0 || bought < 0 {
		return 0, nil, 0, fmt.Errorf("buy for %s yuan in steps of %d L: %w", m, int64(step), quantity.ErrRange)
	}
	steps, err := mostSteps(t, m, step)
	if err != nil {
		return 0, nil, 0, err
	}
	none := func(Line) {}
	lo, hi := quantity.Volume(0), steps // lo is affordable, above hi is not
	for lo < hi {
		mid := hi - (hi-lo)/2
		if total, err := walk(t, bought, mid*step, none); err == nil && total <= m {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	if lo == 0 {
		return 0, nil, 0, nil
	}
	lines, total, err := Quote(t, bought, lo*step)
	return lo * step, lines, total, err
}

// mostSteps bounds the search from above: all of it at the lowest price, with half a fen of rounding won per tier.
func mostSteps(t Table, m quantity.Money, step quantity.Volume) (quantity.Volume, error) {
	if len(t.Tiers) == 0 {
		return 0, fmt.Errorf("table %s version %d has no tier: %w", t.Class, t.Version, ErrTable)
	}
	lowest := t.Tiers[0].Price
	for _, tier := range t.Tiers {
		lowest = min(lowest, tier.Price)
	}
	slack, err := m.Add(quantity.Money(len(t.Tiers)))
	if err != nil {
		return 0, err
	}
	v, err := lowest.Affords(slack, step)
	return v / step, err
}
