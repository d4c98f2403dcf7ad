package purse

import (
	"fmt"
	"slices"
	"time"

	"tally/cardreader/profile"
	"tally/cardreader/space"
	"tally/meter/quantity"
)

// Header is what a card is issued with.
type Header struct {
	Region     uint16
	CardNo     string // as many digits as the profile's field has
	MeterNo    string // empty: the first meter that takes the card binds it
	Unit       Unit
	Water      bool
	IssueCount uint8
	Kind       Kind    // empty is KindUser
	Tariff     *Tariff // nil: none on the card
	Serial     [8]byte // of a CPU card, as it has it; other layouts have none
	ValidFrom  string  // YYYYMMDD; empty: no limit
	ValidTo    string
}

// Tariff is the price table on the card.
type Tariff struct {
	From         time.Time
	Limits       [3]quantity.Volume // end of tiers 1–3, whole cubic metres
	Prices       [4]quantity.Price
	PeriodMonths uint8
	Release      uint8
}

// Blank builds the image of a freshly issued card: header, empty order and write-back slots, tariff.
func Blank(p *profile.Profile, h Header) (Image, error) {
	m := Image(slices.Repeat([]byte{0xFF}, p.Chip.Size))
	copy(m, p.Chip.Bytes())
	for _, a := range p.Map {
		if a.Kind == space.Purse {
			clear(m[a.At:a.End()])
		}
	}
	if h.Kind == "" {
		h.Kind = KindUser
	}
	w := &pen{b: p.Header, raw: p.Header.Of(m, 0)}
	for i := range p.Header.Fields {
		if f := &p.Header.Fields[i]; f.Must != nil {
			w.int(f.Means, *f.Must)
		}
	}
	if f := p.Header.Field(profile.UnitOf); f != nil {
		w.raw[f.At] = 0 // the flags share a byte; bits without a meaning stay 0
	}
	w.word(profile.KindOf, string(h.Kind))
	w.word(profile.UnitOf, string(h.Unit))
	w.int(profile.Water, map[bool]int64{true: 1}[h.Water])
	w.int(profile.Region, int64(h.Region))
	w.digits(profile.CardNo, h.CardNo)
	w.digits(profile.MeterNo, h.MeterNo)
	w.int(profile.IssueCount, int64(h.IssueCount))
	w.bytes(profile.SerialOf, h.Serial[:])
	w.digits(profile.ValidFrom, h.ValidFrom)
	w.digits(profile.ValidTo, h.ValidTo)
	if w.err != nil {
		return nil, fmt.Errorf("issue card: %w", w.err)
	}
	p.Seal(p.Header, m, 0)
	if h.CardNo == "" || p.Rules.Unit != profile.UnitFlag && h.Unit != Unit(p.Rules.Unit) {
		return nil, fmt.Errorf("issue card %q in %q: %w", h.CardNo, h.Unit, profile.ErrRange)
	}
	if err := putTariff(p, m, h.Tariff); err != nil {
		return nil, fmt.Errorf("issue card: %w", err)
	}
	return m, nil
}

func putTariff(p *profile.Profile, m Image, t *Tariff) error {
	if t == nil || p.Tariff == nil {
		return nil
	}
	w := &pen{b: p.Tariff, raw: p.Tariff.Of(m, 0)}
	w.time(profile.Effective, t.From)
	for i, means := range [...]profile.Meaning{profile.Limit1, profile.Limit2, profile.Limit3} {
		if t.Limits[i]%quantity.CubicMetre != 0 {
			return fmt.Errorf("tier limit of %s m³ on a card: %w", t.Limits[i], profile.ErrRange)
		}
		w.int(means, int64(t.Limits[i]/quantity.CubicMetre))
	}
	for i, means := range [...]profile.Meaning{profile.Price1, profile.Price2, profile.Price3, profile.Price4} {
		w.int(means, int64(t.Prices[i]))
	}
	w.int(profile.Period, int64(t.PeriodMonths))
	w.int(profile.Release, int64(t.Release))
	p.Seal(p.Tariff, m, 0)
	return w.err
}
