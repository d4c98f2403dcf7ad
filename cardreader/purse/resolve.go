package purse

import (
	"bytes"
	"slices"

	"tally/cardreader/profile"
)

// Resolve judges a card that was read after a write whose end is unknown. It guesses nothing: what neither proves the
// order there nor proves it absent is Unclear.
func Resolve(p Plan, st State) Verdict {
	if st.Profile != p.Profile || st.Card != p.Card || st.IssueCount != p.IssueCount {
		return OtherCard
	}
	if slices.Contains(st.Damaged, wordConflict) {
		return Unclear
	}
	if p.is(st.Order) || p.is(st.Older) {
		return Done
	}
	if p.untouchedBase(st) && !p.taken(st) && !p.brokenTarget(st) {
		return NotDone
	}
	return Unclear
}

// is reports whether o is the order of the plan.
func (p Plan) is(o *OnCard) bool {
	return o != nil && o.Seq == p.Seq && o.Tag == p.Tag && o.Cumulative == p.Cumulative && o.Qty == p.Qty
}

// untouchedBase: the order that the plan was made against is still the newest.
func (p Plan) untouchedBase(st State) bool {
	if p.Base == nil || st.Order == nil {
		return p.Base == nil && st.Order == nil
	}
	return *p.Base == *st.Order
}

// taken: the meter says that it took an order of the plan's sequence, or that sequence as its own; the order was valid
// at some time, whatever the slots say now.
func (p Plan) taken(st State) bool {
	w := st.WriteBack
	return w != nil && w.Seq == p.Seq && (p.Base == nil || w.Seq != p.Base.Seq)
}

// brokenTarget: the slot of the plan is damaged in a way that no interrupted write leaves. Unless its body is still the
// one from before, it may have been our order, valid and taken, in between.
func (p Plan) brokenTarget(st State) bool {
	if !slices.Contains(st.Damaged, "slot_"+p.Slot+"_crc") && !slices.Contains(st.Damaged, "slot_"+p.Slot+"_commit") {
		return false
	}
	for _, s := range p.Steps {
		end := s.Addr + len(s.Data)
		if s.Name != string(profile.WriteBody) || s.Addr < 0 || end > len(p.Before) || end > len(st.Image) {
			continue
		}
		if !bytes.Equal(p.Before[s.Addr:end], st.Image[s.Addr:end]) {
			return true
		}
	}
	return false
}
