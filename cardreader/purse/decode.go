package purse

import (
	"errors"
	"fmt"
	"slices"

	"tally/cardreader/profile"
	"tally/meter/quantity"
)

// Decode says what an image of a whole card means. A card that the profile does not know, or whose header is not whole,
// is an error of class Permanent; what else is broken is listed in State.Damaged.
func Decode(p *profile.Profile, image []byte) (State, error) {
	if len(image) != p.Chip.Size {
		return State{}, refuse("decode", CodeWrongSize, fmt.Errorf("%d bytes, the layout has %d", len(image), p.Chip.Size))
	}
	st := State{Profile: p.Name, Damaged: []string{}, Image: slices.Clone(image)}
	if err := decodeHeader(p, &st); err != nil {
		return State{}, err
	}
	decodeOrders(p, &st)
	wrote := decodeWriteBacks(p, &st)
	st.Swiped = swiped(st.Order, wrote)
	for _, extra := range []struct {
		name string
		b    *profile.Block
	}{{"tariff", p.Tariff}, {"stamp", p.Stamp}} {
		if extra.b != nil && p.Verify(extra.b, image, 0) == profile.BadCheck {
			st.Damaged = append(st.Damaged, extra.name+"_crc")
		}
	}
	return st, nil
}

// view reads fields of one slot and remembers what could not be read.
type view struct {
	b       *profile.Block
	raw     []byte
	name    string // prefix of the words in damaged
	damaged *[]string
}

func (v view) int(m profile.Meaning) int64 {
	f := v.b.Field(m)
	if f == nil {
		return 0
	}
	n, err := f.Int(v.raw)
	v.note(m, err)
	return n
}

func (v view) text(m profile.Meaning) string {
	f := v.b.Field(m)
	if f == nil {
		return ""
	}
	s, err := f.Text(v.raw)
	v.note(m, err)
	return s
}

// word reads a value of a closed vocabulary; one that the profile has no word for is damage.
func (v view) word(m profile.Meaning) string {
	f := v.b.Field(m)
	if f == nil {
		return ""
	}
	w, err := f.Word(v.raw)
	if err == nil && w == "" {
		err = profile.ErrEncoding
	}
	v.note(m, err)
	return w
}

func (v view) note(m profile.Meaning, err error) {
	if err != nil {
		*v.damaged = append(*v.damaged, v.name+"_"+string(m))
	}
}

func decodeHeader(p *profile.Profile, st *State) error {
	raw := p.Header.Of(st.Image, 0)
	if blank(raw) {
		return refuse("decode", CodeBlankCard, nil)
	}
	for i := range p.Header.Fields {
		f := &p.Header.Fields[i]
		if f.Must == nil {
			continue
		}
		if v, err := f.Int(raw); err != nil || v != *f.Must {
			return refuse("decode", CodeUnknownLayout, fmt.Errorf("%s is not that of %s", f.Name, p.Name))
		}
	}
	if p.Verify(p.Header, st.Image, 0) != profile.Valid {
		return refuse("decode", CodeHeaderDamaged, errors.New("checksum of the header is wrong"))
	}
	v := view{p.Header, raw, "header", &st.Damaged}
	st.Card = CardID{Region: uint16(v.int(profile.Region)), No: v.text(profile.CardNo)}
	st.Kind = KindUser
	if p.Header.Field(profile.KindOf) != nil {
		st.Kind = Kind(v.word(profile.KindOf))
	}
	st.Unit = Unit(p.Rules.Unit)
	if p.Rules.Unit == profile.UnitFlag {
		st.Unit = Unit(v.word(profile.UnitOf))
	}
	st.Meter = v.text(profile.MeterNo)
	st.Water = v.int(profile.Water) != 0
	st.IssueCount = uint8(v.int(profile.IssueCount))
	if slices.Contains(st.Damaged, "header_card_no") || st.Card.No == "" {
		return refuse("decode", CodeHeaderDamaged, errors.New("card number is not decimal"))
	}
	return nil
}

func decodeOrders(p *profile.Profile, st *State) {
	var valid []OnCard
	for i, s := range p.Order.Slots {
		switch p.Verify(p.Order, st.Image, i) {
		case profile.Valid:
			v := view{p.Order, p.Order.Of(st.Image, i), "slot_" + s.Name, &st.Damaged}
			valid = append(valid, onCard(v, s.Name))
		case profile.BadCheck:
			st.Damaged = append(st.Damaged, "slot_"+s.Name+"_crc")
		case profile.BadCommit:
			st.Damaged = append(st.Damaged, "slot_"+s.Name+"_commit")
		}
	}
	switch len(valid) {
	case 1:
		st.Order = &valid[0]
	case 2:
		a, b := &valid[0], &valid[1]
		if !same(*a, *b) && !newer(p, a.Seq, b.Seq) && !newer(p, b.Seq, a.Seq) {
			st.Damaged = append(st.Damaged, wordConflict)
		}
		if newer(p, b.Seq, a.Seq) {
			a, b = b, a
		}
		st.Order, st.Older = a, b
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

func decodeWriteBacks(p *profile.Profile, st *State) []WriteBack {
	if p.WriteBack == nil {
		return nil
	}
	var valid []WriteBack
	for i, s := range p.WriteBack.Slots {
		name := "write_back_" + s.Name
		switch p.Verify(p.WriteBack, st.Image, i) {
		case profile.Valid:
			v := view{p.WriteBack, p.WriteBack.Of(st.Image, i), name, &st.Damaged}
			valid = append(valid, writeBack(v, s.Name))
		case profile.BadCheck:
			st.Damaged = append(st.Damaged, name+"_crc")
		case profile.BadCommit:
			st.Damaged = append(st.Damaged, name+"_commit")
		}
	}
	for i := range valid {
		if w := &valid[i]; st.WriteBack == nil || laterWriteBack(p, w, st.WriteBack) {
			st.WriteBack = w
		}
	}
	return valid
}

func writeBack(v view, slot string) WriteBack {
	w := WriteBack{
		Slot:       slot,
		Seq:        uint16(v.int(profile.Seq)),
		Accepted:   Amount(v.int(profile.Accepted)),
		Remaining:  Amount(v.int(profile.Remaining)),
		Used:       Amount(v.int(profile.Used)),
		Valve:      uint8(v.int(profile.Valve)),
		BatteryDV:  uint8(v.int(profile.Battery)),
		Status:     []string{},
		LastEvent:  uint8(v.int(profile.LastEvent)),
		Magnet:     uint8(v.int(profile.Magnet)),
		ValveError: uint8(v.int(profile.ValveErrors)),
		MeterTime:  v.text(profile.Time),
		MeterNo:    v.text(profile.MeterNo),
	}
	if f := v.b.Field(profile.Status); f != nil {
		if set, err := f.Set(v.raw); err == nil {
			w.Status = set
		}
	}
	return w
}

// laterWriteBack orders write-backs by sequence, then by the volume used, which only grows, then by the meter's clock,
// which may be wrong. Of equals the first stays.
func laterWriteBack(p *profile.Profile, a, b *WriteBack) bool {
	if a.Seq != b.Seq {
		return newer(p, a.Seq, b.Seq)
	}
	if a.Used != b.Used {
		return a.Used > b.Used
	}
	return a.MeterTime > b.MeterTime
}

// swiped: a valid write-back has the order's sequence. Without an order there is nothing to take.
func swiped(o *OnCard, wrote []WriteBack) bool {
	if o == nil {
		return true
	}
	return slices.ContainsFunc(wrote, func(w WriteBack) bool { return w.Seq == o.Seq })
}

func blank(raw []byte) bool {
	return !slices.ContainsFunc(raw, func(b byte) bool { return b != 0xFF }) ||
		!slices.ContainsFunc(raw, func(b byte) bool { return b != 0 })
}

// same compares two orders but for the slot they lie in.
func same(a, b OnCard) bool {
	a.Slot = b.Slot
	return a == b
}
