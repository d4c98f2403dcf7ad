package purse

import (
	"bytes"
	"fmt"
	"slices"

	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// Values of the switch of a card that is not in use. FF is a card that is being made from a blank one.
const (
	switchOff  = 0x00 // it was in use: its secret code is its own
	switchMark = 0xF0 // in a file: the code may be the factory's or the card's own
)

// toggle is the byte of the header that puts a card in and out of use.
type toggle struct {
	at   int
	on   []byte // its values in use; none is FF or switchOff
	kind space.Kind
}

// isOn reports whether v is a value of a card in use.
func (s toggle) isOn(v byte) bool { return slices.Contains(s.on, v) }

// switchOf finds the switch of a layout: the first byte of the magic, or of the version where that lies in a file, or the
// kind of card where the bytes before it are locked by the chip. False for a layout whose cards cannot be made.
func switchOf(p *profile.Profile) (toggle, bool) {
	for _, m := range []profile.Meaning{profile.Magic, profile.Version} {
		f := p.Header.Field(m)
		if f == nil || f.Must == nil || f.Bits != 0 || m == profile.Version && len(p.Map) == 0 {
			continue
		}
		raw := make([]byte, p.Header.Len)
		if f.PutInt(raw, *f.Must) == nil {
			if s, ok := toggleAt(p, f, raw[f.At]); ok {
				return s, true
			}
		}
	}
	f := p.Header.Field(profile.KindOf)
	if f == nil || f.Bits != 0 || f.Len != 1 || len(f.Words) == 0 {
		return toggle{}, false
	}
	var on []byte
	for _, v := range f.Words {
		on = append(on, byte(v))
	}
	slices.Sort(on)
	s, ok := toggleAt(p, f, on...)
	return s, ok && s.kind == space.Words
}

func toggleAt(p *profile.Profile, f *profile.Field, on ...byte) (toggle, bool) {
	s := toggle{at: p.Header.Slots[0].At + f.At, on: on, kind: space.Bytes}
	if len(p.Map) > 0 {
		a, ok := space.Find(p.Map, s.at)
		if !ok || a.Once || a.Kind != space.Words && a.Kind != space.Binary {
			return s, false
		}
		s.kind = a.Kind
	}
	return s, !s.isOn(0xFF) && !s.isOn(switchOff) && !s.isOn(switchMark)
}

// checkAt is where the header's check lies; empty for a header without one.
func checkAt(p *profile.Profile) (at, end int) {
	c := p.Header.Check
	if c == nil {
		return 0, 0
	}
	at = p.Header.Slots[0].At + c.At
	return at, at + len(c.Kind.Of(nil))
}

// markAt is the stretch that says, written right, that a new card's code may be its own: the check, or where bits only fall
// the words that it lies in.
func markAt(p *profile.Profile, s toggle) stretch {
	at, end := checkAt(p)
	if s.kind == space.Words && at < end {
		at, end = at-at%space.WordLen, end+end%space.WordLen
	}
	return stretch{at, end}
}

// unissued reports whether a card is as it comes from its maker: blank, but for what makers put there (its serial, a number
// that is printed too, a purse).
func unissued(p *profile.Profile, image []byte) bool {
	if len(p.Map) == 0 {
		return blank(image[p.Chip.Protect:])
	}
	for _, a := range p.Map {
		raw := bytes.Clone(image[a.At:a.End()])
		switch {
		case a.Once || a.Kind == space.Purse || a.Kind == space.Cyclic:
			continue
		case a.Falls() && slices.ContainsFunc(raw, func(b byte) bool { return b != 0xFF }):
			return false
		case p.SerialAt() >= a.At && p.SerialAt() < a.End():
			copy(raw[p.SerialAt()-a.At:], bytes.Repeat(raw[:1], 8))
		}
		if !blank(raw) {
			return false
		}
	}
	return true
}

// WhoseCode says which secret code a card has, as far as its bytes tell.
type WhoseCode string

// Codes of cards.
const (
	OwnCode     WhoseCode = "own"     // the card's own, from its issuer
	FactoryCode WhoseCode = "factory" // as the factory delivered it
	EitherCode  WhoseCode = "either"  // the change was under way, or the card is retired
)

// codeOf judges an image. While a card is made, the check of its header lies there inverted, or not at all, until the code
// is about to be changed; in a file, which is never torn, the switch itself says it.
func codeOf(p *profile.Profile, image []byte) (WhoseCode, error) {
	s, ok := switchOf(p)
	if !ok {
		return "", fmt.Errorf("%s: %w", p.Name, profile.ErrRange)
	}
	mark, now := markAt(p, s), image[s.at]
	switch {
	case unissued(p, image):
		return FactoryCode, nil
	case s.isOn(now): // it is written after the code, also when it is not whole yet
		return OwnCode, nil
	case now == switchOff, s.kind == space.Words && now != 0xFF: // its bits fall after the code was changed
		return OwnCode, nil
	case s.kind == space.Binary && now == 0xFF:
		return FactoryCode, nil
	case s.kind == space.Words && now == 0xFF && (mark.at == mark.end || allFF(image[mark.at:mark.end])):
		return FactoryCode, nil
	case s.kind != space.Bytes || mark.at == mark.end:
		return EitherCode, nil
	}
	lit := bytes.Clone(image)
	lit[s.at] = s.on[0]
	if p.Verify(p.Header, lit, 0) == profile.Valid {
		return EitherCode, nil
	}
	return FactoryCode, nil
}

func allFF(raw []byte) bool { return !slices.ContainsFunc(raw, func(b byte) bool { return b != 0xFF }) }
