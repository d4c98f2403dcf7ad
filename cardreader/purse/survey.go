package purse

import (
	"bytes"
	"fmt"

	"tally/cardreader/profile"
)

// Condition says whether a card is in use.
type Condition string

// Conditions. The first byte of the header's magic is the switch: it is written last when a card is made and taken away
// first when one is changed or retired, so that neither a meter nor a counter takes half a card for a whole one.
const (
	InUse Condition = ""      // a card of the profile
	Empty Condition = "blank" // nothing but FF or 00: never issued
	Off   Condition = "off"   // the profile's, with the switch off: being made, or retired
)

// switchOff is the switch of a card whose secret code may be the factory's or its own already.
const switchOff = 0x00

// magicAt is the address of the switch and its value when it is on; false for a layout whose cards cannot be made.
func magicAt(p *profile.Profile) (at int, on byte, ok bool) {
	f := p.Header.Field(profile.Magic)
	if f == nil || f.Must == nil || len(p.Map) > 0 || len(p.Header.Slots) == 0 {
		return 0, 0, false
	}
	raw := make([]byte, p.Header.Len)
	if f.PutInt(raw, *f.Must) != nil || raw[f.At] == 0xFF || raw[f.At] == switchOff {
		return 0, 0, false
	}
	return p.Header.Slots[0].At + f.At, raw[f.At], true
}

// Survey is [Decode] that also takes cards that are not in use: of a blank one the state has the image alone, of one
// that is off the header. What is neither is the error of Decode.
func Survey(p *profile.Profile, image []byte) (State, error) {
	st, err := Decode(p, image)
	at, on, ok := magicAt(p)
	if err == nil || len(image) != p.Chip.Size || !ok {
		return st, err
	}
	if blank(image[p.Chip.Protect:]) {
		return State{Profile: p.Name, Condition: Empty, Damaged: []string{}, Swiped: true, Image: bytes.Clone(image)}, nil
	}
	if image[at] == on {
		return State{}, err
	}
	for _, inverted := range []bool{false, true} {
		lit := bytes.Clone(image)
		lit[at] = on
		if inverted {
			invert(p, lit)
		}
		if st, lerr := Decode(p, lit); lerr == nil {
			st.Condition, st.Image = Off, bytes.Clone(image)
			st.Order, st.Older, st.WriteBack, st.Swiped, st.Damaged = nil, nil, nil, true, []string{}
			return st, nil
		}
	}
	return State{}, err
}

// invert turns the bits of the header's check over: so it lies on a card whose code was not touched yet.
func invert(p *profile.Profile, image []byte) {
	at, end := checkAt(p)
	for i := at; i < end; i++ {
		image[i] = ^image[i]
	}
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

// WhoseCode says which secret code a card has, as far as its bytes tell.
type WhoseCode string

// Codes of cards.
const (
	OwnCode     WhoseCode = "own"     // the card's own, from its issuer
	FactoryCode WhoseCode = "factory" // as the factory delivered it
	EitherCode  WhoseCode = "either"  // the change was under way, or the card is retired
)

// codeOf judges an image. While a card is made, the check of its header lies there inverted until the code is about to be
// changed; a card that was in use has its switch at 00 while it is changed.
func codeOf(p *profile.Profile, image []byte) (WhoseCode, error) {
	at, on, ok := magicAt(p)
	if !ok {
		return "", fmt.Errorf("%s: %w", p.Name, profile.ErrRange)
	}
	from, end := checkAt(p)
	switch {
	case blank(image[p.Chip.Protect:]):
		return FactoryCode, nil
	case image[at] == on:
		return OwnCode, nil
	case image[at] == switchOff || from == end:
		return EitherCode, nil
	}
	lit := bytes.Clone(image)
	lit[at] = on
	if p.Verify(p.Header, lit, 0) == profile.Valid {
		return EitherCode, nil
	}
	return FactoryCode, nil
}

// bridged: a command costs more than a few bytes between.
const bridged = 8

// spans are the stretches in which two images differ, gaps of less than bridge bytes bridged.
func spans(a, b []byte, from, to, bridge int) []stretch {
	var out []stretch
	for i := from; i < to; i++ {
		if a[i] == b[i] {
			continue
		}
		if n := len(out); n > 0 && i-out[n-1].end < bridge {
			out[n-1].end = i + 1
			continue
		}
		out = append(out, stretch{i, i + 1})
	}
	return out
}
