package at88sc102

import (
	"context"
	"fmt"
	"math/bits"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
	"tally/cardreader/guard"
)

// Memory map in bytes (data sheet 1419).
const (
	Size     = 0xB0 // what is addressed here; manufacturer's zones follow
	ZoneSize = 64

	issuerAt      = 0x02 // issuer zone; the fuse locks it
	issuerSize    = 8
	codeAt        = 0x0A
	attemptsAt    = 0x0C
	protected     = 0x0E // code protected zone
	protectedSize = 8
	erasuresAt    = 0xA0 // 16 bytes, a bit for each erasure left
	testAt        = 0xB0 // memory test zone: anybody may write and erase it
	wordSize      = 2    // what is erased at a time outside the application zones
)

// attempts: revision C of the chip allows four wrong codes, revision B eight. The smaller number is kept.
const attempts = 4

// Zone is one of the two application zones.
type Zone int

// Zones.
const (
	Zone1 Zone = 1
	Zone2 Zone = 2
)

// Addr is where the zone begins.
func (z Zone) Addr() int {
	if z == Zone2 {
		return 0x5C
	}
	return 0x16
}

func (z Zone) keyAt() byte { return byte(z.Addr() + ZoneSize) }

// Chip is an opened chip. Its methods may be called from one goroutine at a time. After an error that matches
// cardreader.ErrOutcomeUnknown it is dead: close it, open the insertion again, identify the card.
type Chip struct {
	link     *exchange.Link
	guard    *guard.Guard
	secret   Secret
	unlocked bool
	fresh    bool // the issuer fuse is intact; known once that was looked at
}

// Open chooses the chip's type at the reader, which powers it down and up. The Chip takes the card over and closes it;
// when Open fails the card is the caller's to close. g is the Guard of the card's insertion.
func Open(ctx context.Context, card cardreader.Card, g *guard.Guard, s Secret) (*Chip, error) {
	const op = "choose card type"
	c := &Chip{link: exchange.New(card), guard: g, secret: s}
	r, err := c.link.Send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xA4, Data: []byte{0x09}})
	if err != nil {
		return nil, err
	}
	if err := r.SW.Err(); err != nil {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeNoMemoryCards, op, err)
	}
	return c, nil
}

// Size is the number of bytes that Read reaches.
func (c *Chip) Size() int { return Size }

// Read returns n bytes from addr. Code and keys are not shown by the chip.
func (c *Chip) Read(ctx context.Context, addr, n int) ([]byte, error) {
	const op = "read"
	if addr < 0 || n <= 0 || addr > Size-n {
		return nil, outside(op, addr, n)
	}
	return c.read(ctx, op, addr, n)
}

func (c *Chip) read(ctx context.Context, op string, addr, n int) ([]byte, error) {
	r, err := c.link.Send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xB0, P2: byte(addr), Le: n})
	if err != nil {
		return nil, err
	}
	if r.SW != apdu.OK || len(r.Data) != n {
		return nil, c.link.Bad(op, r, n)
	}
	return r.Data, nil
}

// Write clears bits: what the chip holds afterwards is what it held, and data. A nil error proves only that the reader
// said so; read back. Only the application zones, the code protected and the issuer zone are written, so that no address
// that a profile has wrong reaches a code, a key or a counter.
func (c *Chip) Write(ctx context.Context, addr int, data []byte) error {
	const op = "write"
	if !within(addr, len(data), Zone1.Addr(), ZoneSize) && !within(addr, len(data), Zone2.Addr(), ZoneSize) && !inWords(addr, len(data)) {
		return outside(op, addr, len(data))
	}
	return c.send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xD0, P2: byte(addr), Data: data})
}

// EraseWord sets the bits of a word of the code protected zone, or of the issuer zone while its fuse is intact. A nil error
// proves only that the reader said so.
func (c *Chip) EraseWord(ctx context.Context, addr int) error {
	const op = "erase word"
	if !inWords(addr, wordSize) || addr%wordSize != 0 {
		return outside(op, addr, wordSize)
	}
	return c.eraseWord(ctx, op, addr)
}

func (c *Chip) eraseWord(ctx context.Context, op string, addr int) error {
	return c.send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xD2, P2: byte(addr)})
}

// send is a command to an unlocked chip that answers with nothing but success.
func (c *Chip) send(ctx context.Context, op string, cmd apdu.Command) error {
	if !c.unlocked {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNotUnlocked, op, nil)
	}
	r, err := c.link.Send(ctx, op, cmd)
	if err != nil {
		return err
	}
	if r.SW != apdu.OK {
		return c.link.Bad(op, r, 0)
	}
	return nil
}

func inWords(addr, n int) bool {
	return within(addr, n, protected, protectedSize) || within(addr, n, issuerAt, issuerSize)
}

func within(addr, n, from, size int) bool { return n > 0 && addr >= from && addr+n <= from+size }

// Tries reads how many wrong codes are left before the chip is locked, counted as for the chip with fewer.
func (c *Chip) Tries(ctx context.Context) (int, error) {
	used, err := c.used(ctx)
	return max(attempts-used, 0), err
}

// used counts the bits of the attempts counter that are gone.
func (c *Chip) used(ctx context.Context) (int, error) {
	m, err := c.Read(ctx, attemptsAt, 2)
	if err != nil {
		return 0, err
	}
	return 8 - bits.OnesCount8(m[0]), nil
}

// Do runs f while no other program can talk to the card.
func (c *Chip) Do(ctx context.Context, f func() error) error { return c.link.Do(ctx, f) }

// Close ends the connection and powers the chip down, which locks it again. It may be called twice.
func (c *Chip) Close() error {
	c.unlocked = false
	return c.link.Close()
}

func outside(op string, addr, n int) error {
	return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, fmt.Errorf("%d bytes at %#x: outside what may be touched", n, addr))
}
