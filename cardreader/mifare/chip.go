package mifare

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
	"tally/cardreader/guard"
)

// Sizes of a Mifare Classic 1K.
const (
	BlockSize = 16
	Blocks    = 64
)

// The types of keys in GENERAL AUTHENTICATE.
const (
	keyA = 0x60
	keyB = 0x61
)

// Chip is an opened card. Its methods may be called from one goroutine at a time. After an error that matches
// cardreader.ErrOutcomeUnknown it is dead: close it, open the insertion again, identify the card.
//
// These cards count no wrong keys. All the same a key that was refused is not presented again in the same insertion, and a
// factory's key never to an issued card: the first only fails, the second means that the card is not what it says.
type Chip struct {
	link   *exchange.Link
	guard  *guard.Guard
	secret Secret
	sector int  // that is open, -1 for none
	open   byte // keyA or keyB
	loaded byte // in the reader's volatile memory, 0 for none
}

// Open takes the card over and closes it; when it fails the card is the caller's to close. g is the Guard of the card's
// insertion. A reader that knows no contactless memory cards is CodeNoMemoryCards.
func Open(ctx context.Context, card cardreader.Card, g *guard.Guard, s Secret) (*Chip, error) {
	const op = "read card's serial"
	c := &Chip{link: exchange.New(card), guard: g, secret: s, sector: -1}
	r, err := c.link.Send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xCA, Le: apdu.MaxLe})
	if err != nil {
		return nil, err
	}
	if err := r.SW.Err(); err != nil {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeNoMemoryCards, op, err)
	}
	return c, nil
}

// Do runs f while no other program can talk to the card.
func (c *Chip) Do(ctx context.Context, f func() error) error { return c.link.Do(ctx, f) }

// Close ends the connection. It may be called twice.
func (c *Chip) Close() error {
	c.sector, c.loaded = -1, 0
	return c.link.Close()
}

// ReadBlock returns the 16 bytes of a block. Of a block with keys the keys that cannot be read are zeros.
func (c *Chip) ReadBlock(ctx context.Context, block int) ([]byte, error) {
	const op = "read block"
	if err := c.enter(ctx, op, block, keyA); err != nil {
		return nil, err
	}
	r, err := c.link.Send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xB0, P2: byte(block), Le: BlockSize})
	if err != nil {
		return nil, err
	}
	if r.SW != apdu.OK || len(r.Data) != BlockSize {
		return nil, c.link.Bad(op, r, BlockSize)
	}
	return r.Data, nil
}

// WriteBlock stores 16 bytes. A nil error proves only that the reader said so; read back. The blocks that hold the maker's
// bytes or a sector's keys are refused: a wrong byte there locks the sector for ever.
func (c *Chip) WriteBlock(ctx context.Context, block int, data []byte) error {
	const op = "write block"
	if len(data) != BlockSize || !isData(block) {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, fmt.Errorf("%d bytes to block %d", len(data), block))
	}
	return c.change(ctx, op, block, apdu.Command{CLA: 0xFF, INS: 0xD6, P2: byte(block), Data: data})
}

func isData(block int) bool { return block > 0 && block < Blocks && block%4 != 3 }

// Operations of a value block, the first byte of FF D7.
const (
	opStore = iota
	opIncrement
	opDecrement
	opCopy
)

// ReadValue reads the amount of a value block as the card has it. A block that is none is ErrValue.
func (c *Chip) ReadValue(ctx context.Context, block int) (int32, error) {
	const op = "read value"
	if !isData(block) {
		return 0, badBlock(op, block)
	}
	if err := c.enter(ctx, op, block, keyA); err != nil {
		return 0, err
	}
	r, err := c.link.Send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xB1, P2: byte(block), Le: 4})
	switch {
	case err != nil:
		return 0, err
	case r.SW == swRefused:
		return 0, exchange.Fail(cardreader.Permanent, cardreader.CodeBadAnswer, op, ErrValue)
	case r.SW != apdu.OK || len(r.Data) != 4:
		return 0, c.link.Bad(op, r, 4)
	}
	return int32(binary.BigEndian.Uint32(r.Data)), nil
}

// StoreValue makes a block a value block.
func (c *Chip) StoreValue(ctx context.Context, block int, v int32) error {
	return c.value(ctx, "store value", block, opStore, v)
}

// Increment lets the card add to a value block, by more than zero. It happens once or not at all; only reading tells which.
func (c *Chip) Increment(ctx context.Context, block int, by int32) error {
	return c.value(ctx, "increment value", block, opIncrement, by)
}

// Decrement lets the card take from a value block.
func (c *Chip) Decrement(ctx context.Context, block int, by int32) error {
	return c.value(ctx, "decrement value", block, opDecrement, by)
}

func (c *Chip) value(ctx context.Context, op string, block int, what byte, v int32) error {
	if !isData(block) || what != opStore && v <= 0 {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, fmt.Errorf("block %d by %d", block, v))
	}
	data := binary.BigEndian.AppendUint32([]byte{what}, uint32(v))
	return c.change(ctx, op, block, apdu.Command{CLA: 0xFF, INS: 0xD7, P2: byte(block), Data: data})
}

// CopyValue copies a value block over another of the same sector, as a backup.
func (c *Chip) CopyValue(ctx context.Context, from, to int) error {
	const op = "copy value"
	if !isData(from) || !isData(to) || from/4 != to/4 {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, fmt.Errorf("block %d to %d", from, to))
	}
	return c.change(ctx, op, from, apdu.Command{CLA: 0xFF, INS: 0xD7, P2: byte(from), Data: []byte{opCopy, byte(to)}})
}

// swRefused is what a reader says when the card did not.
const swRefused apdu.Status = 0x6300

// change is a command under the key that writes. A refusal is the card's own, by its access conditions or because a block
// is no value block: nothing was changed then.
func (c *Chip) change(ctx context.Context, op string, block int, cmd apdu.Command) error {
	if err := c.enter(ctx, op, block, keyB); err != nil {
		return err
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

// enter opens the sector of a block with a key, unless it is open with that.
func (c *Chip) enter(ctx context.Context, op string, block int, which byte) error {
	switch {
	case block < 0 || block >= Blocks:
		return badBlock(op, block)
	case c.sector == block/4 && (c.open == which || c.open == keyB): // what A reads B reads too, where B is a key
		return nil
	case c.guard.Spent():
		return exchange.Fail(cardreader.Operator, cardreader.CodePSCPresented, op, nil)
	}
	key := c.secret.A
	if which == keyB {
		key = c.secret.B
	}
	if c.secret.Issued && key.IsFactory() {
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCFactory, op, nil)
	}
	if err := c.load(ctx, op, which, key); err != nil {
		return exchange.Before(err)
	}
	return c.authenticate(ctx, op, block, which)
}

func badBlock(op string, block int) error {
	return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, fmt.Errorf("block %d: outside the card", block))
}

// load puts a key into the reader's volatile memory, at the number of its type.
func (c *Chip) load(ctx context.Context, op string, which byte, key Key) error {
	if c.loaded == which {
		return nil
	}
	r, err := c.link.Send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0x82, Data: key[:]})
	if err != nil {
		return err
	}
	if r.SW != apdu.OK {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNotSupported, op, r.SW)
	}
	c.loaded = which
	return nil
}

// authenticate: a refusal closes all sectors, and spends the insertion.
func (c *Chip) authenticate(ctx context.Context, op string, block int, which byte) error {
	c.sector = -1
	r, err := c.link.Send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0x86, Data: []byte{0x01, 0x00, byte(block), which, 0x00}})
	switch {
	case err != nil:
		return exchange.Before(err) // opening a sector changes nothing
	case r.SW == apdu.OK:
		c.sector, c.open = block/4, which
		return nil
	case r.SW == swRefused || errors.Is(r.SW, apdu.ErrSecurity):
		c.guard.Claim()
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCWrong, op, r.SW)
	}
	return exchange.Before(c.link.Bad(op, r, 0))
}
