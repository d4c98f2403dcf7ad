package purse

import (
	"bytes"
	"errors"
	"fmt"

	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// checkPlan follows a plan on its own image: at every point the newest order is the one before or the new one, and at
// the end the bytes are those of After. A plan comes from a file; this keeps a wrong one off the card.
func checkPlan(prof *profile.Profile, p Plan) error {
	if p.Profile != prof.Name {
		return refuse("write", CodeBadPlan, fmt.Errorf("plan for %q, card of %q", p.Profile, prof.Name))
	}
	image := append(Image(nil), p.Before...)
	for _, s := range p.Steps {
		if s.Addr < 0 || len(s.Data) == 0 || s.Addr > len(image)-len(s.Data) {
			return refuse("write", CodeBadPlan, fmt.Errorf("step %q lies outside the card", s.Name))
		}
		if err := store(prof, image, s); err != nil {
			return refuse("write", CodeBadPlan, fmt.Errorf("step %q: %w", s.Name, err))
		}
		st, err := Decode(prof, image)
		// Where there is one slot only, the order before has to go first.
		between := err == nil && st.Order == nil && p.overBase() && prof.Rules.Copies == profile.CopiesSingle
		if err != nil || !between && !p.untouchedBase(st) && !p.is(st.Order) {
			return refuse("write", CodeBadPlan, fmt.Errorf("step %q leaves no right order", s.Name))
		}
	}
	st, err := Decode(prof, image)
	if err != nil || !bytes.Equal(image, p.After) || st.Card != p.Card || !p.saysItself(prof, st.Order) {
		return refuse("write", CodeBadPlan, errors.New("steps do not lead to what the plan says"))
	}
	return nil
}

// store carries a step out on an image as the chip would: a step goes into one area, and bits of a zone only fall, except
// when all of it is erased.
func store(prof *profile.Profile, image []byte, s Step) error {
	old := image[s.Addr : s.Addr+len(s.Data)]
	if len(prof.Map) > 0 && !bytes.Equal(old, s.Data) {
		parts, err := space.Split(prof.Map, s.Addr, len(s.Data))
		if err != nil {
			return err
		}
		a := parts[0]
		switch {
		case len(parts) != 1:
			return errors.New("reaches into more than one area")
		case a.Area.Unit() > 1 && (a.Len != a.Area.Unit() || a.Off%a.Area.Unit() != 0):
			return errors.New("is not one record")
		case a.Area.Kind == space.Words && !(len(s.Data) == space.WordLen && a.Off%space.WordLen == 0 && allFF(s.Data)) && !onlyFalls(old, s.Data):
			return errors.New("raises bits of words that are not erased")
		case a.Area.Kind == space.Zone && !(a.Whole() && bytes.Equal(s.Data, erased(a.Area))) && !onlyFalls(old, s.Data):
			return errors.New("raises bits of a zone that is not erased")
		}
	}
	copy(old, s.Data)
	return nil
}

func onlyFalls(from, to []byte) bool {
	for i := range to {
		if to[i]&^from[i] != 0 {
			return false
		}
	}
	return true
}

// saysItself: the order on the finished image is the plan's in every way that the plan says it.
func (p Plan) saysItself(prof *profile.Profile, o *OnCard) bool {
	return o != nil && *o == p.Order && o.Slot == p.Slot && o.Seq == p.Seq && o.Cumulative == p.Cumulative &&
		(prof.Order.Field(profile.TagOf) == nil || o.Tag == p.Tag)
}
