package purse

import (
	"bytes"

	"tally/cardreader/profile"
	"tally/cardreader/space"
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

// Survey is [Decode] that also takes cards that are not in use: of a blank one the state has the image alone, of one
// that is off the header. What is neither is the error of Decode.
func Survey(p *profile.Profile, image []byte) (State, error) {
	st, err := Decode(p, image)
	sw, ok := switchOf(p)
	if err == nil || len(image) != p.Chip.Size || !ok {
		return st, err
	}
	if unissued(p, image) {
		return State{Profile: p.Name, Condition: Empty, Damaged: []string{}, Swiped: true, Image: bytes.Clone(image)}, nil
	}
	for _, lit := range sw.lit(p, image) {
		if st, lerr := Decode(p, lit); lerr == nil {
			st.Condition, st.Image = Off, bytes.Clone(image)
			st.Order, st.Older, st.WriteBack, st.Swiped, st.Damaged = nil, nil, nil, true, []string{}
			st.Waiting = 0
			return st, nil
		}
	}
	return State{}, err
}

// lit are the images that a card which is off may have had, or is to have.
func (s toggle) lit(p *profile.Profile, image []byte) (all [][]byte) {
	now := image[s.at]
	switch {
	case s.kind == space.Words:
		mark := markAt(p, s)
		unmarked := mark.at < mark.end && allFF(image[mark.at:mark.end])
		for _, on := range s.on {
			lit := bytes.Clone(image)
			lit[s.at] = on
			if unmarked {
				p.Seal(p.Header, lit, 0)
			}
			all = append(all, lit)
		}
		return all
	case s.isOn(now), s.kind == space.Binary && now != switchOff && now != switchMark && now != 0xFF:
		return nil
	}
	for _, inverted := range []bool{false, s.kind == space.Bytes} {
		lit := bytes.Clone(image)
		lit[s.at] = s.on[0]
		if inverted {
			invert(p, lit)
		}
		all = append(all, lit)
	}
	return all
}

// invert turns the bits of the header's check over: so it lies on a card whose code was not touched yet.
func invert(p *profile.Profile, image []byte) {
	at, end := checkAt(p)
	for i := at; i < end; i++ {
		image[i] = ^image[i]
	}
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
