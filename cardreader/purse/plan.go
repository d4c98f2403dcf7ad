package purse

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// Make works out the bytes of an order against a state that was just read. It is pure: only st.Image counts, so a
// state that was changed by hand cannot lead to other bytes. Every refusal is of class Permanent.
func Make(p *profile.Profile, st State, o Order) (Plan, error) {
	st, err := Decode(p, st.Image)
	if err != nil {
		return Plan{}, err
	}
	if err := sound(p, st); err != nil {
		return Plan{}, err
	}
	if day := o.At.Format("20060102"); st.ValidTo != "" && day > st.ValidTo || st.ValidFrom != "" && day < st.ValidFrom {
		return Plan{}, refuse("plan", CodeNotValid, fmt.Errorf("on %s: from %q to %q", day, st.ValidFrom, st.ValidTo))
	}
	i := target(p, st)
	pl := Plan{
		Profile: p.Name, Card: st.Card, IssueCount: st.IssueCount, Tag: o.Tag, Qty: o.Qty, Seq: sequence(p, st),
		Slot: p.Order.Slots[i].Name, Base: st.Order, Spent: st.Swiped, Before: st.Image, After: slices.Clone(st.Image),
	}
	pl.StaleMark = p.Order.Field(profile.Mark) != nil && marked(p, st.Image, i)
	qty, err := quantityOn(p, st, o)
	if err != nil {
		return Plan{}, err
	}
	if pl.Cumulative, err = total(p, st, o); err != nil {
		return Plan{}, err
	}
	if err := fill(p, &pl, o, qty, i); err != nil {
		return Plan{}, refuse("plan", CodeOutOfRange, err)
	}
	return pl, pl.foresee(p)
}

// foresee notes how the order will read, now and after the meter took it.
func (p *Plan) foresee(prof *profile.Profile) error {
	st, err := Decode(prof, p.After)
	if err != nil || st.Order == nil || st.Order.Slot != p.Slot {
		return refuse("plan", CodeOutOfRange, errors.New("the order would not be valid on the card"))
	}
	p.Order = *st.Order
	if prof.Rules.Swiped == profile.SwipedZero {
		taken := p.Order
		taken.Qty = 0
		p.Taken = &taken
	}
	return nil
}

// sequence is the number of the new order, 0 for a layout without one.
func sequence(p *profile.Profile, st State) uint16 {
	var card, meter uint16
	if st.Order != nil {
		card = st.Order.Seq
	}
	if st.WriteBack != nil {
		meter = st.WriteBack.Seq
	}
	switch p.Rules.Count {
	case profile.CountNone:
		return 0
	case profile.CountMeter:
		return next(p, meter)
	case profile.CountIfEmpty:
		if !st.Swiped {
			return card
		}
	case profile.CountIncreases:
		if st.WriteBack != nil && newer(p, meter, card) {
			return next(p, meter)
		}
	}
	return next(p, card)
}

// quantityOn is the quantity that the card is to say.
func quantityOn(p *profile.Profile, st State, o Order) (Amount, error) {
	ok := false
	switch o.Op {
	case OpBuy, OpMakeUp:
		ok = o.Qty > 0
	case OpReissue, OpMeterChange: // may carry nothing over
		ok = o.Qty >= 0
	case OpRefund:
		ok = o.Qty < 0
	}
	if o.Qty < 0 && p.Rules.Swiped == profile.SwipedNever {
		return 0, refuse("plan", cardreader.CodeNotSupported, errors.New("the card never shows whether the meter took an order"))
	}
	if loads(p) && o.Qty < 0 {
		return 0, refuse("plan", CodeBadQuantity, errors.New("what was loaded into the card's purse cannot be taken out here"))
	}
	qty, most := o.Qty, Amount(p.Limits.Order)
	ok = ok && (most == 0 || qty <= most && qty >= -most) // before it is added to anything
	if p.Rules.Order != profile.OrderCumulative && ok {
		if !st.Swiped && p.Rules.Order == profile.OrderReplaces && o.Qty > 0 {
			return 0, refuse("plan", CodeNotSwiped, errors.New("the order on the card would be lost"))
		}
		if !st.Swiped {
			qty += st.Order.Qty
		}
		ok = qty >= 0 && (most == 0 || qty <= most)
	}
	if !ok {
		return 0, refuse("plan", CodeBadQuantity, fmt.Errorf("%s of %d", o.Op, o.Qty))
	}
	return qty, nil
}

// total is the cumulative quantity after the order, 0 when the card carries none.
func total(p *profile.Profile, st State, o Order) (Amount, error) {
	f := p.Order.Field(profile.Cumulative)
	if f == nil {
		return 0, nil
	}
	sum := o.Qty
	if st.Order != nil {
		sum += st.Order.Cumulative
	}
	lo, hi := f.As.Bounds(f.Len)
	if p.Limits.Cumulative > 0 {
		hi = min(hi, p.Limits.Cumulative)
	}
	if sum < Amount(lo) || sum > Amount(hi) {
		return 0, refuse("plan", CodeOverflow, fmt.Errorf("total of %d: want %d to %d", sum, lo, hi))
	}
	return sum, nil
}

// target is the slot to be overwritten: where slots take turns the one behind the newest order's, else the first.
func target(p *profile.Profile, st State) int {
	if p.Rules.Copies != profile.CopiesAlternate || st.Order == nil {
		return 0
	}
	return (slotIndex(p, st.Order.Slot) + 1) % len(p.Order.Slots)
}

// erased is what a zone holds after it was erased.
func erased(z space.Area) Image { return bytes.Repeat([]byte{0xFF}, z.Len) }

// fill writes the order into After and cuts it into steps.
func fill(p *profile.Profile, pl *Plan, o Order, qty Amount, slot int) error {
	if z := p.OrderArea(slot); z.Kind == space.Zone {
		copy(pl.After[z.At:z.End()], erased(z))
	}
	w := &pen{b: p.Order, raw: p.Order.Of(pl.After, slot)}
	w.int(profile.Seq, int64(pl.Seq))
	w.int(profile.Qty, int64(qty))
	w.int(profile.Cumulative, int64(pl.Cumulative))
	w.int(profile.Price, int64(o.Price))
	w.int(profile.Tier, int64(o.Tier))
	w.most(profile.Alarm, int64(o.Alarm))
	w.ceiling(profile.Hoard, int64(o.Hoard))
	w.most(profile.Overdraft, int64(o.Overdraft))
	w.time(profile.Time, o.At)
	w.word(profile.OpOf, string(o.Op))
	w.bytes(profile.TagOf, o.Tag[:])
	w.bytes(profile.Journal, o.Journal[:])
	w.int(profile.Workstation, int64(o.Workstation))
	w.int(profile.Operator, int64(o.Operator))
	if w.err != nil {
		return w.err
	}
	if p.Rules.Swiped == profile.SwipedMark {
		w.word(profile.Mark, "fresh")
	}
	p.Seal(p.Order, pl.After, slot)
	if c := p.Order.Commit; c.Kind == profile.CommitByte {
		w.raw[c.At] = byte(c.Value)
	}
	if p.Rules.Copies == profile.CopiesBackup {
		copy(p.Order.Of(pl.After, 1), w.raw)
	}
	if err := stamp(p, pl.After, o); err != nil {
		return err
	}
	pl.Steps = steps(p, pl, slot)
	return w.err
}

func stamp(p *profile.Profile, image []byte, o Order) error {
	if p.Stamp == nil || !slices.Contains(p.Rules.Write, profile.WriteStamp) {
		return nil
	}
	w := &pen{b: p.Stamp, raw: p.Stamp.Of(image, 0)}
	w.int(profile.Workstation, int64(o.Workstation))
	w.int(profile.Operator, int64(o.Operator))
	w.time(profile.Time, o.At)
	w.word(profile.OpOf, string(o.Op))
	p.Seal(p.Stamp, image, 0)
	return w.err
}
