package purse

import (
	"slices"

	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// stretch is some of a card's bytes, from at to before end.
type stretch struct{ at, end int }

func blockAt(b *profile.Block, slot int) stretch {
	at := b.Slots[slot].At
	return stretch{at, at + b.Len}
}

// joined sorts stretches and joins them: all on a chip whose bytes are read in one go, where a command more costs more
// than the bytes between; on files only what touches.
func joined(p *profile.Profile, all []stretch) []stretch {
	slices.SortFunc(all, func(a, b stretch) int { return a.at - b.at })
	files := slices.ContainsFunc(p.Map, func(a space.Area) bool { return a.Kind != space.Bytes && !a.Falls() })
	out := all[:1]
	for _, s := range all[1:] {
		if last := &out[len(out)-1]; !files || s.at <= last.end {
			last.end = max(last.end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}

// told is what an order is worked out from: who the card is, its orders, and what the meter wrote back. On a chip that is
// one run of bytes that is all of it: a command more costs more than the bytes.
func told(p *profile.Profile) []stretch {
	if len(p.Map) == 0 {
		return []stretch{{0, p.Chip.Size}}
	}
	var all []stretch
	for _, b := range []*profile.Block{p.Header, p.Order, p.WriteBack} {
		if b == nil {
			continue
		}
		for i := range b.Slots {
			all = append(all, blockAt(b, i))
		}
	}
	return joined(p, all)
}
