package keyed

import (
	"context"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/purse"
)

// Memory102 is an AT88SC102 that is opened with the code that it has: the utility's, or while it is made a new chip's. It is
// a purse.Memory and purse.Keys. All cards of a utility have the same code and erase keys.
type Memory102 struct {
	*at88sc102.Memory
	own  at88sc102.Secret
	came at88sc102.Code // of new chips
	made bool           // came is known
}

// New102 joins a chip and the utility's secret. came is the transport code of the utility's new chips, nil where none is
// known: then no card is made.
func New102(m *at88sc102.Memory, own at88sc102.Secret, came *at88sc102.Code) *Memory102 {
	k := &Memory102{Memory: m, own: own, made: came != nil}
	if came != nil {
		k.came = *came
	}
	return k
}

// Unlock presents the utility's code.
func (m *Memory102) Unlock(ctx context.Context) error { return m.UnlockWith(ctx, m.own) }

// UnlockAs presents the code that a card in this condition has; where a change was cut, in as many insertions as it takes.
func (m *Memory102) UnlockAs(ctx context.Context, _ purse.CardID, code purse.WhoseCode) error {
	fresh := m.own
	fresh.Code, fresh.Issued = m.came, false
	switch {
	case code == purse.OwnCode:
		return m.UnlockWith(ctx, m.own)
	case !m.made:
		return m.Changes()
	case code == purse.FactoryCode:
		return m.UnlockNew(ctx, fresh)
	}
	return m.UnlockChanged(ctx, m.own, m.came)
}

// Changes refuses where the code of new chips is not known.
func (m *Memory102) Changes() error {
	if m.made {
		return nil
	}
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNoCodeChange, Op: "change secret code"}
}

// ChangeCode gives the card the utility's code and keys, and locks its number.
func (m *Memory102) ChangeCode(ctx context.Context, _ purse.CardID) error {
	return m.Personalise(ctx, m.own)
}
