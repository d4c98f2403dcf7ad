package purse

import (
	"errors"
	"fmt"
	"slices"

	"tally/cardreader/profile"
	"tally/cardreader/space"
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
	decodeMonths(p, &st)
	wrote := decodeWriteBacks(p, &st)
	st.Swiped = swiped(p, st, wrote)
	st.Waiting = waiting(p, st)
	st.Unsaid = unsaid(p, st)
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
	if blank(raw) || p.SerialAt() >= 0 && unissued(p, st.Image) {
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
	if sw, ok := switchOf(p); ok && sw.kind == space.Words && !sw.isOn(st.Image[sw.at]) {
		return refuse("decode", CodeHeaderDamaged, errNoKind) // off, whatever its check adds up to
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
	st.ValidFrom, st.ValidTo = v.text(profile.ValidFrom), v.text(profile.ValidTo)
	if st.Card.No == "" || slices.Contains(st.Damaged, "header_card_no") || slices.Contains(st.Damaged, "header_meter_no") {
		return refuse("decode", CodeHeaderDamaged, errors.New("card or meter number is not decimal"))
	}
	return nil
}

func blank(raw []byte) bool {
	return !slices.ContainsFunc(raw, func(b byte) bool { return b != 0xFF }) ||
		!slices.ContainsFunc(raw, func(b byte) bool { return b != 0 })
}
