package cpucard

import (
	"context"

	"tally/cardreader/apdu"
)

// Keys does what needs a secret, so that a driver never holds one: software keys here, a security module in another slot
// where there is one. Serial is the card's, by which its keys are diversified. An error says that nothing was made.
type Keys interface {
	// Cryptogram answers the card's challenge for the external authentication that allows to sell.
	Cryptogram(ctx context.Context, s Serial, challenge [8]byte) ([8]byte, error)
	// Seal gives a command the line protection that the card's challenge asks for.
	Seal(ctx context.Context, s Serial, c Challenge, cmd apdu.Command) (apdu.Command, error)
}

// SoftKeys are master keys in memory. They are for tests and for sealed key files; a utility's live keys belong into a
// security module.
type SoftKeys struct {
	Vend Key // KID 01
	Line Key
}

// Cryptogram encrypts the challenge under the card's vend key.
func (k SoftKeys) Cryptogram(_ context.Context, s Serial, challenge [8]byte) (out [8]byte, err error) {
	k.Vend.Diversify(s).triple().Encrypt(out[:], challenge[:])
	return out, nil
}

// Seal seals under the card's line key.
func (k SoftKeys) Seal(_ context.Context, s Serial, c Challenge, cmd apdu.Command) (apdu.Command, error) {
	return Seal(k.Line.Diversify(s), c, cmd)
}
