package cpucard

import (
	"context"
	"errors"

	"tally/cardreader/apdu"
)

// Keys does what needs a secret, so that a driver never holds one: software keys here, a security module ([SAM]) in
// another slot where there is one. Serial is the card's, by which its keys are diversified. An error says that nothing
// was made.
type Keys interface {
	// Cryptogram answers the card's challenge for the external authentication that allows to sell: one block.
	Cryptogram(ctx context.Context, s Serial, challenge [8]byte) ([]byte, error)
	// Seal gives a command the line protection that the card's challenge asks for.
	Seal(ctx context.Context, s Serial, c Challenge, cmd apdu.Command) (apdu.Command, error)
	// Credit checks what the card answered to the beginning of a load, and makes the MAC that allows it. ErrMAC1: the
	// card does not have the key, or somebody changed its answer.
	Credit(ctx context.Context, s Serial, l LoadInit, d Load) (MAC, error)
}

// Errors of Keys.
var (
	ErrMAC1 = errors.New("the card's MAC of the load is wrong")
	// ErrLoadCipher: the load transaction is written down for DES only.
	ErrLoadCipher = errors.New("a load wants 3des keys")
)

// SoftKeys are master keys in memory. They are for tests and for sealed key files; a utility's live keys belong into a
// security module.
type SoftKeys struct {
	Algorithm Algorithm // empty is TripleDES
	Vend      Key       // KID 01
	Line      Key
	Load      Key // of the card's own electronic purse
}

// Cryptogram encrypts the challenge under the card's vend key.
func (k SoftKeys) Cryptogram(_ context.Context, s Serial, challenge [8]byte) ([]byte, error) {
	return k.Algorithm.Cryptogram(k.Algorithm.Diversify(k.Vend, s), challenge), nil
}

// Seal seals under the card's line key.
func (k SoftKeys) Seal(_ context.Context, s Serial, c Challenge, cmd apdu.Command) (apdu.Command, error) {
	return k.Algorithm.Seal(k.Algorithm.Diversify(k.Line, s), c, cmd)
}

// Credit uses the session key that the card's load key and its answer make.
func (k SoftKeys) Credit(_ context.Context, s Serial, l LoadInit, d Load) (MAC, error) {
	if k.Algorithm == SM4 {
		return MAC{}, ErrLoadCipher
	}
	return NewLoadSession(k.Algorithm.Diversify(k.Load, s), l).credit(l, d)
}
