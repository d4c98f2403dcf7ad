package purse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/meter/quantity"
)

func cubic(n int64) quantity.Volume { return quantity.Volume(n) * quantity.CubicMetre }
func price(n int64) quantity.Price  { return quantity.Price(n) }

// Survey reads the whole card, in use or not; see the function Survey. With an error of it the state still has the image.
func (m *MemoryPurse) Survey(ctx context.Context) (State, error) {
	if m.mem.Size() < m.profile.Chip.Size {
		return State{}, refuse("read", CodeWrongSize, nil)
	}
	var image []byte
	err := m.mem.Do(ctx, func() (err error) {
		image, err = m.read(ctx, 0, m.profile.Chip.Size)
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("read card: %w", err)
	}
	st, err := Survey(m.profile, image)
	if err != nil {
		st = State{Profile: m.profile.Name, Image: image}
	}
	return m.homed(st, err)
}

// Remake plans a card; see the function Remake.
func (m *MemoryPurse) Remake(st State, c NewCard) (Plan, error) {
	return m.planned(m.able(Remake(m.profile, st, c)))
}

// Renumber is the layout's rule for a card that replaces another.
func (m *MemoryPurse) Renumber() string { return m.profile.Rules.Reissue }

// Change plans taking a card out of use, a price table on it, or the rest of a making or an order that was cut.
func (m *MemoryPurse) Change(st State, c Change) (Plan, error) {
	switch {
	case c.Resume != nil && c.Resume.Make == "":
		pl, err := Finish(m.profile, *c.Resume, st)
		if err == nil {
			err = checkPlan(m.profile, m.unplanned(pl))
		}
		return pl, err
	case c.Resume != nil:
		return m.planned(m.able(Resume(m.profile, *c.Resume, st)))
	case c.Tariff != nil:
		return m.planned(PutTariff(m.profile, st, *c.Tariff, c.Tag))
	}
	return m.planned(m.able(Retire(m.profile, st, c.Tag)))
}

// able refuses a plan, before anybody stores it, that this reader, these keys or this chip cannot carry out to its end.
func (m *MemoryPurse) able(p Plan, err error) (Plan, error) {
	if err != nil || p.Make == MakeTariff {
		return p, err
	}
	keys, ok := m.mem.(Keys)
	if !ok {
		return p, refuse("plan", cardreader.CodeNotSupported, errors.New("the secret code cannot be changed here"))
	}
	if slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Name == stepSecret }) {
		if err := keys.Changes(); err != nil {
			return p, err
		}
	}
	return p, affordable(m.mem, m.profile, p)
}

// notMade is why cards of a layout that has no switch are not made here.
func notMade(p *profile.Profile) string {
	if p.Chip.Type == "mifare" {
		return CodeSectorKeys
	}
	return cardreader.CodeNotSupported
}

// Change is what becomes of a card: with Resume the rest of that plan, with Tariff that price table, with neither it is
// retired.
type Change struct {
	Resume *Plan
	Tariff *Tariff
	Tag    Tag
}

// make writes a plan that makes, changes or retires a card. The whole card is compared before a code is presented: a
// factory's code must never meet an issued card, nor an issuer's code a blank one.
func (m *MemoryPurse) make(ctx context.Context, p Plan) error {
	if err := checkMaking(m.profile, p); err != nil {
		return err
	}
	w := &writing{MemoryPurse: m, plan: p}
	err := m.mem.Do(ctx, func() error { return w.runMaking(ctx) })
	if w.proven {
		return nil // what happened to the end of the transaction cannot undo it
	}
	return w.outcome(err)
}

func (w *writing) runMaking(ctx context.Context) error {
	keys, err := w.open(ctx)
	if err != nil {
		return err
	}
	if err := w.expect(ctx, 0, w.plan.Before, cardreader.Permanent, CodeCardChanged); err != nil {
		return err
	}
	w.image = bytes.Clone(w.plan.Before)
	for _, s := range w.plan.Steps {
		if err := w.makingStep(ctx, keys, s); err != nil {
			return err
		}
	}
	if err := w.expect(ctx, 0, w.plan.After, cardreader.Unknown, CodeReadback); err != nil {
		return err
	}
	w.proven = true
	return nil
}

// open compares the card with the plan and unlocks it with the code that it has.
func (w *writing) open(ctx context.Context) (Keys, error) {
	if err := w.expect(ctx, 0, w.plan.Before, cardreader.Permanent, CodeCardChanged); err != nil {
		return nil, err
	}
	if w.plan.Make == MakeTariff {
		return nil, w.unlock(ctx)
	}
	code, err := w.plan.code(w.profile)
	keys, ok := w.mem.(Keys)
	if err != nil || !ok {
		return nil, refuse("make card", cardreader.CodeNotSupported, errors.Join(err, errors.New("the secret code cannot be changed here")))
	}
	if w.plan.Was.IsZero() {
		return keys, keys.UnlockAs(ctx, w.plan.Card, code)
	}
	return keys, w.openOld(ctx, keys)
}

// openOld unlocks a retired card that becomes one of another number. It has its old number's code until all but the switch
// is written; then it may have the new one's already.
func (w *writing) openOld(ctx context.Context, keys Keys) error {
	almost := bytes.Clone(w.plan.After)
	sw, _ := switchOf(w.profile)
	almost[sw.at] = w.plan.Before[sw.at]
	if old, ok := w.mem.(OldKeys); ok && bytes.Equal(almost, w.plan.Before) {
		return old.UnlockOf(ctx, w.plan.Card, w.plan.Was)
	}
	return keys.UnlockAs(ctx, w.plan.Was, OwnCode)
}

// makingStep writes what differs and reads it back.
func (w *writing) makingStep(ctx context.Context, keys Keys, s Step) error {
	var err error
	if s.Name == stepSecret {
		err = keys.ChangeCode(ctx, w.plan.Card)
	} else {
		old := w.image[s.Addr : s.Addr+len(s.Data)]
		if bytes.Equal(old, s.Data) {
			return nil
		}
		copy(old, s.Data) // what the card should hold now
		err = w.mem.Write(ctx, s.Addr, s.Data)
	}
	if err == nil || !errors.Is(err, cardreader.ErrNotSent) || errors.Is(err, cardreader.ErrOutcomeUnknown) {
		w.touched = true
	}
	if err != nil || s.Name == stepSecret {
		return err
	}
	return w.expect(ctx, s.Addr, s.Data, cardreader.Unknown, CodeReadback)
}

// checkMaking follows a plan on its own image: it must lead where it says, and the switch must be on only where the whole
// card is right.
func checkMaking(prof *profile.Profile, p Plan) error {
	bad := func(err error) error { return refuse("write", CodeBadPlan, err) }
	if p.Profile != prof.Name || len(p.Before) != prof.Chip.Size || len(p.After) != prof.Chip.Size {
		return bad(fmt.Errorf("plan for %q, card of %q", p.Profile, prof.Name))
	}
	image := append(Image(nil), p.Before...)
	for _, s := range p.Steps {
		if s.Name == stepSecret {
			continue
		}
		if s.Addr < prof.Chip.Protect || len(s.Data) == 0 || s.Addr > len(image)-len(s.Data) {
			return bad(fmt.Errorf("step %q lies outside the card", s.Name))
		}
		if err := store(prof, image, s); err != nil {
			return bad(fmt.Errorf("step %q: %w", s.Name, err))
		}
		// In between a card is in use only as it was before; prices are no part of its orders.
		st, err := Decode(prof, image)
		if err == nil && p.Make != MakeTariff && !bytes.Equal(image, p.After) && !bytes.Equal(image, p.Before) {
			return bad(fmt.Errorf("step %q leaves half a card in use (%s)", s.Name, st.Card))
		}
	}
	st, err := Survey(prof, image)
	if err != nil || !bytes.Equal(image, p.After) || st.Card != p.Card || (st.Condition == Off) != (p.Make == MakeOff) {
		return bad(errors.Join(err, errors.New("steps do not lead to what the plan says")))
	}
	return nil
}
