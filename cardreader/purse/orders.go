package purse

import (
	"slices"

	"tally/cardreader/profile"
	"tally/cardreader/space"
	"tally/meter/quantity"
)

func decodeOrders(p *profile.Profile, st *State) {
	var valid []OnCard
	for i, s := range p.Order.Slots {
		switch verify(p, st.Image, i) {
		case profile.Valid:
			v := view{p.Order, p.Order.Of(st.Image, i), "slot_" + s.Name, &st.Damaged}
			valid = append(valid, onCard(v, s.Name))
		case profile.BadCheck:
			st.Damaged = append(st.Damaged, "slot_"+s.Name+"_crc")
		case profile.BadCommit:
			st.Damaged = append(st.Damaged, "slot_"+s.Name+"_commit")
		}
	}
	if p.Rules.Copies == profile.CopiesAlternate {
		byAge(p, st, valid)
	}
	if len(valid) > 0 {
		st.Order = &valid[0]
	}
	if len(valid) > 1 {
		st.Older = &valid[1]
	}
}

// verify judges an order slot. One whose mark is neither fresh nor swiped counts for no meter.
func verify(p *profile.Profile, image []byte, slot int) profile.Validity {
	v := p.Verify(p.Order, image, slot)
	if f := p.Order.Field(profile.Mark); f != nil && v == profile.Valid {
		if w, err := f.Word(p.Order.Of(image, slot)); err != nil || w == "" {
			return profile.BadCommit
		}
	}
	return v
}

// byAge puts the newest of the valid orders first and the one before it second. Of orders that no writer that keeps the
// rules leaves beside each other, the first stays first.
func byAge(p *profile.Profile, st *State, valid []OnCard) {
	for n := range min(2, len(valid)) {
		for i := n + 1; i < len(valid); i++ {
			if newer(p, valid[i].Seq, valid[n].Seq) {
				valid[n], valid[i] = valid[i], valid[n]
			}
		}
	}
	for i := 1; i < len(valid); i++ {
		if !newer(p, valid[0].Seq, valid[i].Seq) && !same(valid[0], valid[i]) {
			st.Damaged = append(st.Damaged, wordConflict)
			return
		}
	}
}

// wordConflict: two valid orders of which neither is the newer; no writer that keeps the rules leaves that.
const wordConflict = "slots_conflict"

func onCard(v view, slot string) OnCard {
	o := OnCard{
		Slot:       slot,
		Seq:        uint16(v.int(profile.Seq)),
		Qty:        Amount(v.int(profile.Qty)),
		Cumulative: Amount(v.int(profile.Cumulative)),
		Price:      quantity.Price(v.int(profile.Price)),
		Tier:       uint8(v.int(profile.Tier)),
		Op:         Op(v.word(profile.OpOf)),
		At:         v.text(profile.Time),
	}
	if f := v.b.Field(profile.TagOf); f != nil {
		if b, err := f.Bytes(v.raw); err == nil {
			copy(o.Tag[:], b)
		}
	}
	return o
}

// swiped says whether the meter has taken the newest order, in the profile's way. Without an order there is nothing to
// take; a card that does not show it is never said to be swiped.
func swiped(p *profile.Profile, st State, wrote []WriteBack) bool {
	if st.Order == nil {
		return true
	}
	switch p.Rules.Swiped {
	case profile.SwipedWriteBack:
		return slices.ContainsFunc(wrote, func(w WriteBack) bool { return w.Seq == st.Order.Seq })
	case profile.SwipedZero:
		return st.Order.Qty == 0
	case profile.SwipedMark:
		return marked(p, st.Image, slotIndex(p, st.Order.Slot))
	}
	return false
}

// waiting is what lies on a card that the meter has not taken: of a total, what it is beyond the meter's.
func waiting(p *profile.Profile, st State) Amount {
	switch {
	case st.Order == nil || st.Swiped:
		return 0
	case p.Rules.Order != profile.OrderCumulative:
		return st.Order.Qty
	case st.WriteBack != nil:
		return st.Order.Cumulative - st.WriteBack.Accepted
	}
	return st.Order.Cumulative
}

// unsaid: in a zone the meter's word goes with the order that it lies behind. Two orders in a row that the meter did not
// see, such as a purchase and its refund, leave none, and of a total nobody knows how much the meter had taken.
func unsaid(p *profile.Profile, st State) bool {
	return st.Order != nil && !st.Swiped && st.WriteBack == nil && p.Rules.Order == profile.OrderCumulative &&
		p.OrderArea(0).Kind == space.Zone && st.Order.Cumulative != st.Order.Qty
}

// marked reports whether a slot carries the meter's mark.
func marked(p *profile.Profile, image []byte, slot int) bool {
	raw := p.Order.Of(image, slot)
	if f := p.Order.Field(profile.Mark); f != nil && raw != nil {
		w, err := f.Word(raw)
		return err == nil && w == "swiped"
	}
	c := p.Order.Commit
	return raw != nil && c.Taken != nil && int(raw[c.At]) == *c.Taken
}

func slotIndex(p *profile.Profile, name string) int {
	return slices.IndexFunc(p.Order.Slots, func(s profile.Slot) bool { return s.Name == name })
}

// same compares two orders but for the slot they lie in.
func same(a, b OnCard) bool {
	a.Slot = b.Slot
	return a == b
}
