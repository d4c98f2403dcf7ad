package config

import (
	"strconv"
	"time"

	"github.com/pelletier/go-toml/v2"

	"tally/counter/tariff"
	"tally/meter/quantity"
)

// What a price table may hold at most. A cubic metre costs single yuan, and the largest customer of a city uses some
// ten million cubic metres a year; more is a slip of the decimal point.
const (
	maxTiers = 9
	maxLimit = 100_000_000 * quantity.CubicMetre
	maxPrice = quantity.Price(1000 * 10_000)
)

func (d *document) tariffs(tables []*table) []tariff.Table {
	used := taken{}
	var out []tariff.Table
	for _, t := range tables {
		p := d.tariff(t)
		used.use(t, "version", "", p.Class+" version "+strconv.Itoa(p.Version))
		used.use(t, "from", "", p.Class+" from "+p.From)
		out = append(out, p)
	}
	return out
}

func (d *document) tariff(t *table) tariff.Table {
	p := tariff.Table{
		Class:        t.requiredName("class", `"residential"`),
		Version:      t.whole("version", 1, 1, 1_000_000),
		From:         t.date("from"),
		PeriodMonths: t.whole("period_months", 12, 1, 60),
	}
	if !t.has("tiers") {
		t.bad("tiers", codeMissing, `tiers = [{ price = "2.65" }]`)
	}
	tiers := t.subs("tiers", maxTiers)
	var before quantity.Volume
	for i, tt := range tiers {
		tier := d.tier(tt, i == len(tiers)-1, before)
		before = max(before, tier.UpTo)
		p.Tiers = append(p.Tiers, tier)
	}
	if list, isList := t.keys["tiers"].value.([]entry); isList && len(list) == 0 {
		t.bad("tiers", codeEmpty)
	}
	t.close()
	return p
}

func (d *document) tier(t *table, last bool, before quantity.Volume) tariff.Tier {
	var tier tariff.Tier
	price, ok := exact(t, "price", "2.65", 4, quantity.ParsePrice)
	switch {
	case !t.has("price"):
		t.bad("price", codeMissing, `price = "2.65"`)
	case ok && (price <= 0 || price > maxPrice):
		t.bad("price", codeZero, price.String(), maxPrice.String())
	}
	limit, ok := exact(t, "up_to_m3", "300", 3, quantity.ParseVolume)
	switch {
	case last && t.has("up_to_m3"):
		t.bad("up_to_m3", codeTierLast)
	case !last && !t.has("up_to_m3"):
		t.bad("up_to_m3", codeTierOpen)
	case ok && (limit <= 0 || limit > maxLimit):
		t.bad("up_to_m3", codeZero, limit.String(), maxLimit.String())
	case ok && limit <= before:
		t.bad("up_to_m3", codeTierOrder, limit.String(), before.String())
	}
	tier.Price, tier.UpTo = price, limit
	t.close()
	return tier
}

// exact is a quantity: a decimal in quotes, or an integer. A TOML fraction is refused, because it is a binary one.
func exact[T any](t *table, key, example string, decimals int, parse func(string) (T, error)) (zero T, ok bool) {
	e, there := t.take(key)
	if !there {
		return zero, false
	}
	var s string
	switch v := e.value.(type) {
	case string:
		s = v
	case int64:
		s = strconv.FormatInt(v, 10)
	case float64:
		t.bad(key, codeFraction, key, example)
		return zero, false
	default:
		t.wrongType(key, e, typeString)
		return zero, false
	}
	v, err := parse(s)
	if err != nil {
		t.bad(key, codeDecimal, quoted(s), decimals, example)
		return zero, false
	}
	return v, true
}

// date is a day, as a TOML date or a text.
func (t *table) date(key string) string {
	e, there := t.take(key)
	if !there {
		t.bad(key, codeMissing, key+" = 2026-01-01")
		return ""
	}
	switch v := e.value.(type) {
	case toml.LocalDate:
		return v.String()
	case string:
		if day, err := time.Parse(time.DateOnly, v); err == nil {
			return day.Format(time.DateOnly)
		}
		t.bad(key, codeDate, quoted(v))
	default:
		t.wrongType(key, e, typeDate)
	}
	return ""
}
