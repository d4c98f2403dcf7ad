package purse

import (
	"bytes"

	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// withTariff adds a step to an order's plan that brings the prices on the card up to date, before the order: a meter that
// prices what flows must not take new money at old prices. A card that counts volume and carries no prices gets none.
func (p *Plan) withTariff(prof *profile.Profile, st State, t Tariff) error {
	if prof.Tariff == nil || !rewritable(prof, blockAt(prof.Tariff, 0)) {
		return nil
	}
	if st.Unit != UnitFen && prof.Verify(prof.Tariff, p.Before, 0) != profile.Valid {
		return nil
	}
	after := bytes.Clone(p.After)
	if err := putTariff(prof, after, &t); err != nil {
		return refuse("plan", CodeOutOfRange, err)
	}
	b := blockAt(prof.Tariff, 0)
	if bytes.Equal(after[b.at:b.end], p.Before[b.at:b.end]) {
		return nil
	}
	p.After = after
	step := Step{Name: stepTariff, Addr: b.at, Data: bytes.Clone(after[b.at:b.end])}
	p.Steps = append([]Step{step}, p.Steps...)
	return nil
}

// rewritable reports whether a stretch can be written over in one go: bits of a zone only fall, and a record is whole.
func rewritable(p *profile.Profile, s stretch) bool {
	if len(p.Map) == 0 {
		return true
	}
	a, ok := space.Find(p.Map, s.at)
	return ok && a.Kind == space.Binary && s.end <= a.End()
}
