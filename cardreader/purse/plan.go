package purse

import (
	"errors"
	"fmt"
	"slices"

	"tally/cardreader"
	"tally/cardreader/profile"
)

// Make works out the bytes of an order against a state that was just read. It is pure: only st.Image counts, so a
// state that was changed by hand cannot lead to other bytes. Every refusal is of class Permanent.
func Make(p *profile.Profile, st State, o Order) (Plan, error) {
	st, err := Decode(p, st.Image)
	if err != nil {
		return Plan{}, err
	}
	if err := supported(p); err != nil {
		return Plan{}, err
	}
	if err := sound(p, st); err != nil {
		return Plan{}, err
	}
	pl := Plan{
		Profile: p.Name, Card: st.Card, IssueCount: st.IssueCount, Tag: o.Tag, Qty: o.Qty,
		Seq: 1, Cumulative: o.Qty, Base: st.Order, Before: st.Image, After: slices.Clone(st.Image),
	}
	if st.Order != nil {
		pl.Seq, pl.Cumulative = next(p, st.Order.Seq), st.Order.Cumulative+o.Qty
	}
	if err := amounts(p, pl, o); err != nil {
		return Plan{}, err
	}
	i := target(p, st)
	pl.Slot = p.Order.Slots[i].Name
	if err := fill(p, &pl, o, i); err != nil {
		return Plan{}, refuse("plan", CodeOutOfRange, err)
	}
	return pl, nil
}

func supported(p *profile.Profile) error {
	r := p.Rules
	if r.Order != profile.OrderCumulative || r.Count != profile.CountCard || r.Copies != profile.CopiesAlternate ||
		p.Order.Commit.Kind != profile.CommitByte {
		return refuse("plan", cardreader.CodeNotSupported, fmt.Errorf("rules of profile %q", p.Name))
	}
	return nil
}

// sound refuses a card from whose slots the last order cannot be told: a wrong guess would credit or swallow gas.
func sound(p *profile.Profile, st State) error {
	if st.Unit == "" || slices.Contains(st.Damaged, wordConflict) {
		return refuse("plan", CodeCardDamaged, fmt.Errorf("%v", st.Damaged))
	}
	if st.Order != nil {
		return nil
	}
	// Without a valid order the card must be new: at most one slot holds the rest of an interrupted first write.
	rest := 0
	for i := range p.Order.Slots {
		switch p.Verify(p.Order, st.Image, i) {
		case profile.Empty:
		case profile.Uncommitted:
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

func amounts(p *profile.Profile, pl Plan, o Order) error {
	ok := false
	switch o.Op {
	case OpBuy, OpMakeUp:
		ok = o.Qty > 0
	case OpReissue, OpMeterChange: // may carry nothing over
		ok = o.Qty >= 0
	case OpRefund:
		ok = o.Qty < 0
	}
	most := Amount(p.Limits.Order)
	if !ok || most > 0 && (o.Qty > most || o.Qty < -most) {
		return refuse("plan", CodeBadQuantity, fmt.Errorf("%s of %d", o.Op, o.Qty))
	}
	f := p.Order.Field(profile.Cumulative)
	lo, hi := f.As.Bounds(f.Len)
	if p.Limits.Cumulative > 0 {
		hi = min(hi, p.Limits.Cumulative)
	}
	if pl.Cumulative < Amount(lo) || pl.Cumulative > Amount(hi) {
		return refuse("plan", CodeOverflow, fmt.Errorf("total of %d: want %d to %d", pl.Cumulative, lo, hi))
	}
	return nil
}

// target is the slot to be overwritten: never the one of the newest order.
func target(p *profile.Profile, st State) int {
	return slices.IndexFunc(p.Order.Slots, func(s profile.Slot) bool { return st.Order == nil || s.Name != st.Order.Slot })
}

// fill writes the order into After and cuts it into steps.
func fill(p *profile.Profile, pl *Plan, o Order, slot int) error {
	w := &pen{b: p.Order, raw: p.Order.Of(pl.After, slot)}
	w.int(profile.Seq, int64(pl.Seq))
	w.int(profile.Qty, int64(pl.Qty))
	w.int(profile.Cumulative, int64(pl.Cumulative))
	w.int(profile.Price, int64(o.Price))
	w.int(profile.Tier, int64(o.Tier))
	w.int(profile.Alarm, int64(o.Alarm))
	w.int(profile.Hoard, int64(o.Hoard))
	w.int(profile.Overdraft, int64(o.Overdraft))
	w.time(profile.Time, o.At)
	w.word(profile.OpOf, string(o.Op))
	w.bytes(profile.TagOf, o.Tag[:])
	if w.err != nil {
		return w.err
	}
	p.Seal(p.Order, pl.After, slot)
	c := p.Order.Commit
	w.raw[c.At] = byte(c.Value)
	if err := stamp(p, pl.After, o); err != nil {
		return err
	}
	for _, op := range p.Rules.Write {
		pl.Steps = append(pl.Steps, step(p, pl.After, slot, op))
	}
	return nil
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

func step(p *profile.Profile, after []byte, slot int, op profile.WriteOp) Step {
	at, raw, c := p.Order.Slots[slot].At, p.Order.Of(after, slot), p.Order.Commit
	s := Step{Name: string(op)}
	switch op {
	case profile.WriteInvalidate:
		s.Addr, s.Data = at+c.At, Image{byte(c.Invalid)}
	case profile.WriteBody:
		s.Addr, s.Data = at, slices.Clone(Image(raw))
		s.Data[c.At] = byte(c.Invalid)
		if c.At == len(raw)-1 {
			s.Data = s.Data[:c.At]
		}
	case profile.WriteCommit:
		s.Addr, s.Data = at+c.At, Image{byte(c.Value)}
	case profile.WriteStamp:
		s.Addr, s.Data = p.Stamp.Slots[0].At, slices.Clone(Image(p.Stamp.Of(after, 0)))
	}
	return s
}
