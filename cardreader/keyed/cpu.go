package keyed

import (
	"context"

	"tally/cardreader"
	"tally/cardreader/cpucard"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// CPU is a CPU card that is opened with the keys that it has: its own, or while it is made those that it came with. It is a
// purse.Memory and purse.Keys.
type CPU struct {
	*cpucard.Memory
	own    cpucard.Keys
	places []cpucard.KeyPlace
	theirs bool // the unlocked card has those that it came with
}

// NewCPU joins a card and the utility's keys. places are the keys that a new card gets; none on a layout whose cards come
// with their own.
func NewCPU(m *cpucard.Memory, own cpucard.Keys, places []cpucard.KeyPlace) *CPU {
	return &CPU{Memory: m, own: own, places: places}
}

// Unlock authenticates with the card's own keys.
func (m *CPU) Unlock(ctx context.Context) error { return m.with(ctx, m.own, false) }

func (m *CPU) with(ctx context.Context, k cpucard.Keys, theirs bool) error {
	m.UseKeys(k)
	err := m.Memory.Unlock(ctx)
	m.theirs = err == nil && theirs
	return err
}

// UnlockAs authenticates with the keys that a card in this condition has. When either may be right, it begins with its own, as
// long as all tries are left; those that it came with are tried in the next insertion, and, being right, bring all tries
// back.
func (m *CPU) UnlockAs(ctx context.Context, _ purse.CardID, code purse.WhoseCode) error {
	w, ok := m.own.(cpucard.KeyWriter)
	if code == purse.OwnCode || len(m.places) == 0 {
		return m.with(ctx, m.own, false)
	}
	if !ok {
		return m.Changes()
	}
	if code == purse.FactoryCode {
		return m.with(ctx, w.Came(), true)
	}
	left, of, err := m.TriesLeft(ctx)
	switch {
	case err != nil:
		return err
	case left == of:
		return m.with(ctx, m.own, false)
	}
	return m.with(ctx, w.Came(), true) // it refuses the last try
}

// Changes refuses where a card would need keys that nothing here can write.
func (m *CPU) Changes() error {
	if _, ok := m.own.(cpucard.KeyWriter); ok || len(m.places) == 0 {
		return nil
	}
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNoCodeChange, Op: "write keys"}
}

// ChangeCode gives the card its own keys.
func (m *CPU) ChangeCode(ctx context.Context, _ purse.CardID) error {
	w, ok := m.own.(cpucard.KeyWriter)
	if !m.theirs || !ok {
		return nil
	}
	if err := m.GiveKeys(ctx, w, m.own, m.places); err != nil {
		return err
	}
	m.theirs = false
	return nil
}

// Places are the keys that a new card of a layout gets, in their order; none where the layout says that cards come with them.
func Places(k *profile.Keys) (all []cpucard.KeyPlace) {
	for _, p := range []struct {
		key *profile.Key
		use cpucard.Use
		typ int
	}{
		{k.Line, cpucard.UseLine, cpucard.TypeLine}, {k.Meter, cpucard.UseMeter, cpucard.TypeAuthentication},
		{k.Load, cpucard.UseLoad, cpucard.TypeLoad}, {k.Vend, cpucard.UseVend, cpucard.TypeAuthentication},
	} {
		if p.key == nil || k.Control == nil {
			continue
		}
		typ := p.key.Type
		if typ == 0 {
			typ = p.typ
		}
		all = append(all, cpucard.KeyPlace{Use: p.use, Type: byte(typ), ID: byte(p.key.ID)})
	}
	return all
}
