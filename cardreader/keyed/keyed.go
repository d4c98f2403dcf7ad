// Package keyed gives the cards of an issuer their secret codes: every card the same one, or each its own, derived from
// the issuer's key. It joins a chip of package sle4442 to package purse, so that the purse can make cards.
//
// SLE 4432/SLE 4442 data sheet: new chips come with the code FF FF FF; three wrong ones in a row lock a chip for ever.
package keyed

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

// Codes knows the code of every card.
type Codes func(purse.CardID) sle4442.Secret

// Fixed gives every card the same code.
func Fixed(psc sle4442.PSC) Codes {
	return func(purse.CardID) sle4442.Secret { return sle4442.Secret{PSC: psc, Issued: true} }
}

// MinKey is the least length of a key that codes are derived from.
const MinKey = 16

// ErrShortKey: a key shorter than MinKey bytes.
var ErrShortKey = errors.New("key for the cards' secret codes is too short")

// Derived gives each card three bytes of HMAC-SHA-256 over region and number, never those of the factory.
func Derived(key []byte) (Codes, error) {
	if len(key) < MinKey {
		return nil, ErrShortKey
	}
	return func(c purse.CardID) sle4442.Secret {
		mac := hmac.New(sha256.New, key)
		mac.Write(binary.BigEndian.AppendUint16([]byte("tally SLE4442 PSC\x00"), c.Region))
		mac.Write([]byte(c.No))
		sum := mac.Sum(nil)
		for len(sum) > 3 && sle4442.PSC(sum[:3]).IsFactory() {
			sum = sum[3:]
		}
		return sle4442.Secret{PSC: sle4442.PSC(sum[:3]), Issued: true}
	}, nil
}

// Memory is a chip that is opened with the code of whatever card it turns out to be. It is a purse.Memory and
// purse.Keys.
type Memory struct {
	*sle4442.Chip
	codes Codes
}

// New joins a chip and the issuer's codes.
func New(c *sle4442.Chip, codes Codes) *Memory { return &Memory{c, codes} }

// Unlock refuses: which code is right depends on the card.
func (m *Memory) Unlock(context.Context) error {
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotUnlocked, Op: "unlock"}
}

// UnlockAs presents the code that a card in this condition has. When either may be right, it begins with the card's own,
// as long as all tries are left; the factory's is tried in the next insertion, and, being right, brings all tries back.
func (m *Memory) UnlockAs(ctx context.Context, c purse.CardID, code purse.WhoseCode) error {
	fresh := sle4442.Secret{PSC: sle4442.FactoryPSC()}
	switch code {
	case purse.OwnCode:
		return m.UnlockWith(ctx, m.codes(c))
	case purse.FactoryCode:
		return m.UnlockWith(ctx, fresh)
	}
	tries, err := m.Tries(ctx)
	switch {
	case err != nil:
		return err
	case tries == 3:
		return m.UnlockWith(ctx, m.codes(c))
	case tries == 2:
		return m.UnlockWith(ctx, fresh)
	}
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodePSCLastTry, Op: "unlock"}
}

// UnlockOf presents the first card's code, or in the insertion after that went wrong the second one's.
func (m *Memory) UnlockOf(ctx context.Context, first, second purse.CardID) error {
	tries, err := m.Tries(ctx)
	switch {
	case err != nil:
		return err
	case tries == 3:
		return m.UnlockWith(ctx, m.codes(first))
	case tries == 2:
		return m.UnlockWith(ctx, m.codes(second))
	}
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodePSCLastTry, Op: "unlock"}
}

// Changes refuses through a reader that cannot change the code of a chip.
func (m *Memory) Changes() error { return m.CanChange() }

// ChangeCode gives the card its own code.
func (m *Memory) ChangeCode(ctx context.Context, c purse.CardID) error {
	return m.ChangePSC(ctx, m.codes(c))
}
