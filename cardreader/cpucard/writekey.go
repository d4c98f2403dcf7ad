package cpucard

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// Use is what a key of a card is for.
type Use int

// Uses, in the order in which a new card gets its keys. The one that allows to write comes last: it tells whether the card has
// all of them.
const (
	UseLine Use = iota
	UseMeter
	UseLoad
	UseVend
)

// KeyPlace is where a card has a key: P1 and P2 of WRITE KEY.
type KeyPlace struct {
	Use      Use
	Type, ID byte
}

// Usual types of keys, P1 of WRITE KEY, as a COS of the family has them (FMCOS: external authentication 39, line 36, load 3F,
// with the two upper bits set on a key that is written enciphered and with a MAC).
const (
	TypeAuthentication = 0xF9
	TypeLine           = 0xF6
	TypeLoad           = 0xFF
)

// KeyWriter is a Keys that can put keys on a card. A security module does not give keys away and is none.
type KeyWriter interface {
	// WriteKey is the command that gives a card one of its own keys, sealed for a challenge under its control key.
	WriteKey(ctx context.Context, s Serial, c Challenge, p KeyPlace) (apdu.Command, error)
	// Came are the keys that a new card has.
	Came() Keys
}

// Issuing is a KeyWriter: the utility's keys for cards in use, and what makes cards.
type Issuing struct {
	SoftKeys
	Meter     Key // master of the meter's keys
	Control   Key // master of the keys that keys are written under
	Transport Key // as every key of a new card is, not diversified
}

// Came are the transport keys.
func (k Issuing) Came() Keys { return transport{k.Algorithm, k.Transport} }

var errNoUse = errors.New("no such use of a key")

// WriteKey implements KeyWriter: length, key and padding in whole blocks, enciphered block by block, and the line MAC, both
// under the control key. Card systems differ in the padding; this one has been tried on simulated cards only.
func (k Issuing) WriteKey(_ context.Context, s Serial, c Challenge, p KeyPlace) (apdu.Command, error) {
	masters := map[Use]Key{UseLine: k.Line, UseMeter: k.Meter, UseLoad: k.Load, UseVend: k.Vend}
	master, ok := masters[p.Use]
	if !ok {
		return apdu.Command{}, errNoUse
	}
	own, control := k.Algorithm.Diversify(master, s), k.Algorithm.Diversify(k.Control, s)
	b := k.Algorithm.block(control)
	data := pad(append([]byte{byte(len(own))}, own[:]...), b.BlockSize())
	for i := 0; i < len(data); i += b.BlockSize() {
		b.Encrypt(data[i:], data[i:])
	}
	return k.Algorithm.Seal(control, c, apdu.Command{CLA: 0x84, INS: 0xD4, P1: p.Type, P2: p.ID, Data: data})
}

// transport is one key for everything.
type transport struct {
	a Algorithm
	k Key
}

// Format does not show the key, whatever the verb.
func (transport) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

func (t transport) Cryptogram(_ context.Context, _ Serial, challenge [8]byte) ([]byte, error) {
	return t.a.Cryptogram(t.k, challenge), nil
}

func (t transport) Seal(_ context.Context, _ Serial, c Challenge, cmd apdu.Command) (apdu.Command, error) {
	return t.a.Seal(t.k, c, cmd)
}

func (t transport) Credit(_ context.Context, _ Serial, l LoadInit, d Load) (MAC, error) {
	if t.a == SM4 {
		return MAC{}, ErrLoadCipher
	}
	return NewLoadSession(t.k, l).credit(l, d)
}

// UseKeys makes the Chip work with other keys than it was opened with; it must not be unlocked.
func (c *Chip) UseKeys(k Keys) {
	if !c.unlocked {
		c.keys = k
	}
}

// TriesLeft is how many wrong authentications the card still allows, and how many a new one does. It changes nothing.
func (c *Chip) TriesLeft(ctx context.Context) (left, of int, err error) {
	left, err = c.triesLeft(ctx, "read tries")
	return left, c.app.Tries, err
}

// GiveKeys writes the card's own keys; it must be unlocked with those that it came with. A card does each command whole or
// not at all and shows no key, so each is written twice: one command that was answered and not carried out does no harm.
// Afterwards the Chip works with the card's own.
func (c *Chip) GiveKeys(ctx context.Context, w KeyWriter, own Keys, places []KeyPlace) error {
	const op = "write key"
	if !c.unlocked {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNotUnlocked, op, nil)
	}
	for _, p := range places {
		for range 2 {
			if err := c.giveKey(ctx, op, w, p); err != nil {
				return err
			}
		}
	}
	c.keys = own
	return nil
}

func (c *Chip) giveKey(ctx context.Context, op string, w KeyWriter, p KeyPlace) error {
	challenge, err := c.challenge(ctx, op, len(Challenge{}))
	if err != nil {
		return exchange.Before(err)
	}
	cmd, err := w.WriteKey(ctx, c.serial, Challenge(challenge), p)
	if err != nil {
		return exchange.Fail(cardreader.Retry, cardreader.CodeKeys, op, exchange.Quiet(err))
	}
	r, err := c.link.SendT0(ctx, op, cmd)
	if err != nil {
		return err
	}
	if r.SW != apdu.OK {
		return c.link.Bad(op, r, 0)
	}
	return nil
}
