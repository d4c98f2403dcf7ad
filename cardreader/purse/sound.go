package purse

import (
	"errors"
	"fmt"
	"slices"

	"tally/cardreader/profile"
)

// sound refuses a card from whose slots the last order cannot be told: a wrong guess would credit or swallow gas.
func sound(p *profile.Profile, st State) error {
	if st.Unit == "" || slices.Contains(st.Damaged, wordConflict) {
		return refuse("plan", CodeCardDamaged, fmt.Errorf("%v", st.Damaged))
	}
	if st.Order == nil {
		return soundWithout(p, st)
	}
	for _, m := range needed(p, st) {
		if slices.Contains(st.Damaged, "slot_"+st.Order.Slot+"_"+string(m)) {
			return refuse("plan", CodeCardDamaged, fmt.Errorf("%s of the last order cannot be read", m))
		}
	}
	return nil
}

// needed are the fields of the last order that the next one is worked out from.
func needed(p *profile.Profile, st State) []profile.Meaning {
	m := []profile.Meaning{profile.Cumulative}
	if p.Rules.Count != profile.CountNone && p.Rules.Count != profile.CountMeter {
		m = append(m, profile.Seq)
	}
	if !st.Swiped || p.Rules.Swiped == profile.SwipedZero {
		m = append(m, profile.Qty)
	}
	return m
}

// soundWithout judges a card without a valid order. It must be new, at most with the rest of an interrupted first write;
// or nothing of the last order is needed, because the meter's own count goes on and quantities are replaced.
func soundWithout(p *profile.Profile, st State) error {
	fromMeter := p.Rules.Count == profile.CountMeter || p.Rules.Count == profile.CountNone
	if fromMeter && p.Rules.Order == profile.OrderReplaces && p.Order.Field(profile.Cumulative) == nil {
		return nil
	}
	rest := 0
	for i := range p.Order.Slots {
		switch v := verify(p, st.Image, i); {
		case v == profile.Empty:
		case v == profile.Uncommitted, p.Order.Commit.Kind == profile.CommitCheck && v != profile.Valid:
			rest++
		default:
			rest = len(p.Order.Slots)
		}
	}
	if rest >= len(p.Order.Slots) || st.WriteBack != nil && st.WriteBack.Seq != 0 {
		return refuse("plan", CodeCardDamaged, errors.New("orders were on this card and none is valid"))
	}
	return nil
}
