package purse

import (
	"bytes"
	"slices"

	"tally/cardreader/profile"
)

// stepRepair brings the backup up to the order on the card before that is overwritten. It is no rule of a profile: it
// is needed only when an earlier write was cut, or when the meter marks the first copy alone.
const stepRepair = "repair"

// steps cuts the way from Before to After into writes.
func steps(p *profile.Profile, pl *Plan, slot int) []Step {
	var all []Step
	if p.Rules.Copies == profile.CopiesBackup && pl.Base != nil && slotIndex(p, pl.Base.Slot) == 0 {
		if main := p.Order.Of(pl.Before, 0); !bytes.Equal(main, p.Order.Of(pl.Before, 1)) {
			all = append(all, Step{stepRepair, p.Order.Slots[1].At, slices.Clone(Image(main))})
		}
	}
	for _, op := range p.Rules.Write {
		all = append(all, step(p, pl.After, slot, op))
	}
	return all
}

func step(p *profile.Profile, after []byte, slot int, op profile.WriteOp) Step {
	at, raw, c := p.Order.Slots[slot].At, slices.Clone(Image(p.Order.Of(after, slot))), p.Order.Commit
	s := Step{Name: string(op)}
	switch op {
	case profile.WriteInvalidate:
		s.Addr, s.Data = at+c.At, Image{byte(c.Invalid)}
	case profile.WriteBody:
		s.Addr, s.Data = at, raw
		if c.Kind == profile.CommitByte {
			s.Data[c.At] = byte(c.Invalid)
		}
		if c.Kind == profile.CommitByte && c.At == len(raw)-1 {
			s.Data = s.Data[:c.At]
		}
	case profile.WriteCommit:
		s.Addr, s.Data = at+c.At, Image{byte(c.Value)}
	case profile.WriteErase:
		z := p.OrderArea(slot)
		s.Addr, s.Data = z.At, erased(z)
	case profile.WriteRecord:
		s.Addr, s.Data = at, raw
	case profile.WriteBackup:
		s.Addr, s.Data = p.Order.Slots[1].At, raw
	case profile.WriteStamp:
		s.Addr, s.Data = p.Stamp.Slots[0].At, slices.Clone(Image(p.Stamp.Of(after, 0)))
	}
	return s
}
