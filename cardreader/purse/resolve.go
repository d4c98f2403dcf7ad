package purse

import (
	"bytes"
	"slices"

	"tally/cardreader/profile"
)

// Resolve judges a card that was read after a write whose end is unknown. It guesses nothing: what neither proves the
// order there nor proves it absent is Unclear. How often that is depends on the maker's layout, not on luck: one that
// cannot tell an order taken from an order never written gives Unclear where another gives Done.
func Resolve(p Plan, st State) Verdict {
	if p.Make != "" {
		return resolveMaking(p, st)
	}
	if st.Profile != p.Profile || st.Card != p.Card || st.IssueCount != p.IssueCount {
		return OtherCard
	}
	if slices.Contains(st.Damaged, wordConflict) {
		return Unclear
	}
	if p.isThere(st) {
		return Done
	}
	if p.is(st.Order) || p.twin() && p.untouchedBase(st) {
		return Unclear
	}
	if (p.untouchedBase(st) || p.emptiedBase(st) || p.betweenOrders(st)) && !p.taken(st) && !p.brokenTarget(st) {
		return NotDone
	}
	if p.overwritten(st) && !p.taken(st) {
		return Begun
	}
	return Unclear
}

// isThere: the card proves the order. Where a cut write can leave what looks like the order taken, the proof is the
// order not yet taken, or its backup copy, which is written after it.
func (p Plan) isThere(st State) bool {
	switch {
	case p.twin():
		return st.Order != nil && same(*st.Order, p.Order) && !st.Swiped
	case p.StaleMark && st.Swiped:
		return p.is(st.Older)
	}
	return p.is(st.Order) || p.is(st.Older)
}

// is reports whether o is the order of the plan, taken or not.
func (p Plan) is(o *OnCard) bool {
	return o != nil && (same(*o, p.Order) || p.Taken != nil && same(*o, *p.Taken))
}

// twin: the order reads like the one before it, as two equal purchases do on a card without a sequence.
func (p Plan) twin() bool { return p.is(p.Base) }

// untouchedBase: the order that the plan was made against is still the newest, in its slot or as its backup.
func (p Plan) untouchedBase(st State) bool {
	if p.Base == nil || st.Order == nil {
		return p.Base == nil && st.Order == nil
	}
	return same(*p.Base, *st.Order)
}

// emptiedBase: the meter took the order that the plan was made against, from its backup, and emptied it. What is left
// must not read like ours.
func (p Plan) emptiedBase(st State) bool {
	if p.Taken == nil || p.Base == nil || st.Order == nil {
		return false
	}
	emptied := *p.Base
	emptied.Qty = 0
	return same(emptied, *st.Order) && !p.is(&emptied)
}

// betweenOrders: the only slot was being written. The order before is gone, but the meter had taken it, and the new one
// does not count yet.
func (p Plan) betweenOrders(st State) bool {
	return st.Order == nil && p.overBase() && p.Spent && p.torn(st.Image)
}

// overwritten: the only slot was being written over an order that the meter had not taken. That order is gone, ours does
// not count yet, and no meter can have taken either since: the bytes are those of the write, and their rest is all that helps.
func (p Plan) overwritten(st State) bool {
	return st.Order == nil && p.overBase() && !p.Spent && p.onlyCopy() && p.torn(st.Image)
}

// onlyCopy: the plan writes no second copy.
func (p Plan) onlyCopy() bool {
	return !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Name == string(profile.WriteBackup) })
}

// overBase: the order goes where the one before lies.
func (p Plan) overBase() bool { return p.Base != nil && p.Base.Slot == p.Slot }

// taken: the meter says that it took the plan's sequence; the order was valid at some time, whatever the slots say now.
func (p Plan) taken(st State) bool {
	w := st.WriteBack
	if w == nil || p.Base == nil && p.Seq == 0 { // no sequence in this layout
		return false
	}
	return w.Seq == p.Seq && (p.Base == nil || w.Seq != p.Base.Seq)
}

// brokenTarget: the slot of the plan is damaged in a way that no interrupted write leaves. Unless its body is still the
// one from before, it may have been our order, valid and taken, in between.
func (p Plan) brokenTarget(st State) bool {
	if !slices.Contains(st.Damaged, "slot_"+p.Slot+"_crc") && !slices.Contains(st.Damaged, "slot_"+p.Slot+"_commit") && !p.onBackup(st) {
		return false
	}
	return !p.bodyAsBefore(st.Image) && !p.torn(st.Image)
}

// onBackup: the card lives on its backup copy, which may be older than the first copy was: the meter writes there too, and
// what it was disturbed in looks unfinished, not damaged.
func (p Plan) onBackup(st State) bool {
	backed := slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Name == string(profile.WriteBackup) })
	return backed && st.Order != nil && st.Order.Slot != p.Slot
}

// torn: the slot's bytes are those of an interrupted write: the new ones up to some byte and the old ones after it, with
// at most the byte in between erased, and not committed. The bytes of a write are stored in rising order. Where the slot
// is erased first, what was old is FF, or not yet in the bytes that the erasure had not reached.
func (p Plan) torn(image []byte) bool {
	from, to := p.slotSpan()
	if from < 0 || from >= to || to > min(len(image), len(p.Before), len(p.After)) {
		return false
	}
	now, old, fresh := bytes.Clone(image[from:to]), bytes.Clone(p.Before[from:to]), bytes.Clone(p.After[from:to])
	open := false
	for _, s := range p.Steps {
		switch {
		case s.Name == string(profile.WriteErase) && s.Addr <= from && s.Addr+len(s.Data) >= to:
			if tornErasure(now, old) {
				return true
			}
			copy(old, s.Data[from-s.Addr:])
		case s.Name == string(profile.WriteInvalidate) && len(s.Data) == 1:
			open = true // between invalidate and commit both have the invalid value
			copy(old[s.Addr-from:], s.Data)
			copy(fresh[s.Addr-from:], s.Data)
			if at := s.Addr - from; now[at] == 0xFF { // erased, and the commit not yet written
				now[at] = s.Data[0]
			}
		}
	}
	return tornWrite(now, old, fresh, open)
}

// tornErasure: some bytes are erased and the others as before, at least one of each.
func tornErasure(now, old []byte) bool {
	risen := 0
	for i := range now {
		switch {
		case now[i] == old[i]:
		case now[i] == 0xFF:
			risen++
		default:
			return false
		}
	}
	return risen > 0
}

func tornWrite(now, old, fresh []byte, open bool) bool {
	k := 0
	for k < len(now) && now[k] == fresh[k] {
		k++
	}
	if k == len(now) {
		return open
	}
	return (now[k] == 0xFF || now[k] == old[k]) && bytes.Equal(now[k+1:], old[k+1:])
}

func (p Plan) bodyAsBefore(image []byte) bool {
	for _, s := range p.Steps {
		if s.Name != string(profile.WriteBody) {
			continue
		}
		end := s.Addr + len(s.Data)
		if s.Addr < 0 || end > min(len(image), len(p.Before)) || !bytes.Equal(p.Before[s.Addr:end], image[s.Addr:end]) {
			return false
		}
	}
	return true
}

// slotSpan is the stretch of the slot that the plan overwrites; from ≥ to when it overwrites none.
func (p Plan) slotSpan() (from, to int) {
	from = len(p.Before)
	for _, s := range p.Steps {
		switch profile.WriteOp(s.Name) {
		case profile.WriteInvalidate, profile.WriteBody, profile.WriteCommit, profile.WriteRecord:
			from, to = min(from, s.Addr), max(to, s.Addr+len(s.Data))
		}
	}
	return from, to
}
