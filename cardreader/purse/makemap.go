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

// errLocked: bytes that a chip locks for good say something else than the card is to say.
var errLocked = errors.New("the card has its number for good, and it is another")

// mapped fits what a card is to be to what its chip lets it be: areas that this side cannot write stay, what a fuse has
// locked must be right already, and what is blank either way is not written.
func mapped(p *profile.Profile, before, after Image) error {
	for _, a := range p.Map {
		was, is := before[a.At:a.End()], after[a.At:a.End()]
		switch {
		case a.Kind == space.Cyclic || a.Kind == space.Purse:
			copy(is, was)
		case a.Once && !blank(was) && !bytes.Equal(was, is):
			return refuse("plan", CodeNumberLocked, errLocked)
		case a.Kind == space.Binary || a.Kind == space.Records:
			keepBlank(p, a, before, after)
		}
	}
	return nil
}

// keepBlank leaves files as their maker filled them, with FF or with zeros, where nothing is to be said.
func keepBlank(p *profile.Profile, a space.Area, before, after Image) {
	spoken := make([]bool, a.Len)
	for _, b := range []*profile.Block{p.Header, p.Order, p.WriteBack, p.Tariff, p.Stamp} {
		if b == nil {
			continue
		}
		for _, s := range b.Slots {
			if s.At < a.At || s.At+b.Len > a.End() {
				continue
			}
			was, is := before[s.At:s.At+b.Len], after[s.At:s.At+b.Len]
			if blank(was) && allFF(is) {
				copy(is, was)
			}
			for i := s.At - a.At; i < s.At-a.At+b.Len; i++ {
				spoken[i] = true
			}
		}
	}
	for i, is := range spoken {
		if !is {
			after[a.At+i] = before[a.At+i]
		}
	}
}

// fillPurse works out what a card's own purse is to hold. It cannot be lowered here, and counts its loads by itself.
func fillPurse(p *profile.Profile, pl *Plan, qty Amount) error {
	a := p.OrderArea(0)
	if a.Kind != space.Purse {
		return nil
	}
	st := State{Image: pl.Before}
	decodeOrders(p, &st)
	var on OnCard
	if st.Order != nil {
		on = *st.Order
	}
	pl.Seq = on.Seq
	switch {
	case qty < on.Qty:
		return refuse("plan", CodePurseNotEmpty, fmt.Errorf("the card's purse holds %d, and it is to hold %d", on.Qty, qty))
	case qty > on.Qty:
		pl.Seq++
	}
	return nil
}

// wiped is what is left of a card that is taken out of use: its header, and what this side cannot write. Bits of a zone
// are cleared, not raised: the chip may count its erasures.
func wiped(p *profile.Profile, image Image) Image {
	out := bytes.Clone(image)
	for _, b := range []*profile.Block{p.Order, p.WriteBack, p.Tariff, p.Stamp} {
		if b == nil {
			continue
		}
		for i, s := range b.Slots {
			a, _ := space.Find(p.Map, s.At)
			raw := b.Of(out, i)
			if blank(raw) || a.Kind == space.Purse || a.Kind == space.Cyclic {
				continue
			}
			v := byte(0xFF)
			if a.Kind == space.Zone {
				v = 0
			}
			copy(raw, bytes.Repeat([]byte{v}, len(raw)))
		}
	}
	return out
}

// cutter cuts the way to another card into writes that its chip can do.
type cutter struct {
	p     *Plan
	prof  *profile.Profile
	sw    toggle
	image Image // as the steps so far leave it
}

// cutMapped is cutMaking for a chip that is no run of bytes.
func (p *Plan) cutMapped(prof *profile.Profile, code WhoseCode) {
	sw, _ := switchOf(prof)
	c := &cutter{p, prof, sw, bytes.Clone(p.Before)}
	if p.Make != MakeNew || sw.kind == space.Words && c.image[sw.at] != 0xFF { // bits of it may have fallen one by one
		c.step(stepOff, sw.at, switchOff)
	}
	whole := sw.kind == space.Binary
	change := p.Make != MakeOff && (code != OwnCode || !p.Was.IsZero())
	if change && whole && code == EitherCode {
		c.secret() // which keys the card has is known only of those that unlocked it
		change = false
	}
	mark := markAt(prof, sw)
	if p.Make != MakeOff {
		c.header(code, mark)
	}
	c.body()
	switch {
	case code != FactoryCode:
	case whole:
		c.step(stepMark, sw.at, switchMark)
	default:
		c.put(stepMark, mark, p.After)
	}
	if change {
		c.secret()
	}
	if a := prof.OrderArea(0); a.Kind == space.Purse && p.Make != MakeOff {
		c.put("body", stretch{a.At, a.End()}, p.After)
	}
	if p.Make != MakeOff {
		c.put(stepOn, stretch{sw.at, sw.at + 1}, p.After)
	}
}

// header writes all of the header but the switch, and but the mark on a card that is blank.
func (c *cutter) header(code WhoseCode, mark stretch) {
	h, target := blockAt(c.prof.Header, 0), bytes.Clone(c.p.After)
	target[c.sw.at] = c.image[c.sw.at]
	switch {
	case code != FactoryCode:
	case c.sw.kind == space.Binary:
		target[c.sw.at] = 0xFF // a file that came with zeros
	default:
		copy(target[mark.at:mark.end], c.image[mark.at:mark.end])
	}
	if c.sw.kind != space.Words {
		c.put("header", h, target)
		return
	}
	w := c.word(c.sw.at)
	for _, s := range []stretch{{h.at, w.at}, {w.end, h.end}} {
		c.put("header", s, target)
	}
	if onlyFalls(c.image[w.at:w.end], target[w.at:w.end]) { // else the word of the switch comes last
		c.put("header", w, target)
	}
}

// word is the word that an address lies in.
func (c *cutter) word(at int) stretch {
	a, _ := space.Find(c.prof.Map, at)
	from := at - (at-a.At)%space.WordLen
	return stretch{from, from + space.WordLen}
}

// parts cuts a stretch at the borders of its areas, and words that have to rise one by one.
func (c *cutter) parts(s stretch, target Image) (all []stretch) {
	for at := s.at; at < s.end; {
		a, ok := space.Find(c.prof.Map, at)
		if !ok {
			return all
		}
		end := min(s.end, a.End())
		if a.Kind == space.Words && !onlyFalls(c.image[at:end], target[at:end]) {
			end = min(end, c.word(at).end)
		}
		all = append(all, stretch{at, end})
		at = end
	}
	return all
}

// body writes what is beside the header.
func (c *cutter) body() {
	h := blockAt(c.prof.Header, 0)
	for _, a := range c.prof.Map {
		if a.Kind == space.Purse || a.Kind == space.Cyclic {
			continue
		}
		if a.At < h.at {
			c.put("body", stretch{a.At, min(a.End(), h.at)}, c.p.After)
		}
		if from := max(a.At, h.end); from < a.End() {
			c.put("body", stretch{from, a.End()}, c.p.After)
		}
	}
}

// put writes what differs in a stretch of one area, or of some words.
func (c *cutter) put(name string, s stretch, target Image) {
	for _, s := range c.parts(s, target) {
		a, _ := space.Find(c.prof.Map, s.at)
		switch {
		case bytes.Equal(c.image[s.at:s.end], target[s.at:s.end]):
		case a.Kind == space.Words:
			if !onlyFalls(c.image[s.at:s.end], target[s.at:s.end]) {
				w := c.word(s.at)
				c.step(stepErase, w.at, 0xFF, 0xFF)
				s = w
			}
			c.beforeSwitch(name, s, target)
		case a.Kind == space.Zone:
			if !onlyFalls(c.image[s.at:s.end], target[s.at:s.end]) {
				c.step(stepErase, a.At, erased(a)...)
			}
			c.differing(name, s, target, bridged)
		case a.Unit() > 1:
			for at := a.At; at < a.End(); at += a.Unit() {
				if !bytes.Equal(c.image[at:at+a.Unit()], target[at:at+a.Unit()]) {
					c.step(name, at, target[at:at+a.Unit()]...)
				}
			}
		default:
			c.differing(name, s, target, bridged)
		}
	}
}

// beforeSwitch writes words; the switch among them comes last.
func (c *cutter) beforeSwitch(name string, s stretch, target Image) {
	if at := c.sw.at; s.at <= at && at < s.end {
		c.differing(name, stretch{s.at, at}, target, 1)
		c.differing(name, stretch{at + 1, s.end}, target, 1)
		s = stretch{at, at + 1}
	}
	c.differing(name, s, target, 1)
}

func (c *cutter) differing(name string, s stretch, target Image, bridge int) {
	for _, d := range spans(c.image, target, s.at, s.end, bridge) {
		c.step(name, d.at, target[d.at:d.end]...)
	}
}

func (c *cutter) step(name string, at int, data ...byte) {
	if bytes.Equal(c.image[at:at+len(data)], data) {
		return
	}
	c.p.Steps = append(c.p.Steps, Step{Name: name, Addr: at, Data: slices.Clone(Image(data))})
	copy(c.image[at:], data)
}

func (c *cutter) secret() { c.p.Steps = append(c.p.Steps, Step{Name: stepSecret}) }

// Limited is a Memory of a chip that can erase an area so many times and no more.
type Limited interface {
	// ErasuresLeft is how often the area can be erased, false when that has no end. It is known once the area was read.
	ErasuresLeft(a space.Area) (int, bool)
}

// affordable refuses a plan before it is stored that the chip could not carry out to its end.
func affordable(m Memory, prof *profile.Profile, p Plan) error {
	limited, ok := m.(Limited)
	if !ok {
		return nil
	}
	for _, a := range prof.Map {
		left, counted := limited.ErasuresLeft(a)
		if !counted || a.Kind != space.Zone {
			continue
		}
		for _, s := range p.Steps {
			if s.Addr == a.At && len(s.Data) == a.Len && allFF(s.Data) {
				left--
			}
		}
		if left < 0 {
			return refuse("plan", cardreader.CodeErasuresUsed, fmt.Errorf("%s", a.Name))
		}
	}
	return nil
}
