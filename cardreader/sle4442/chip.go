package sle4442

import (
	"context"
	"fmt"
	"math/bits"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// Size is the number of bytes of the user memory; the first 32 can be protected for ever.
const Size = 256

// chunk is the most bytes in one exchange: what the buffer of every reader of the families holds.
const chunk = 128

// allTries is the error counter with its three bits set; one is cleared by each wrong presentation.
const allTries = 0x07

// Chip is an opened chip. Its methods may be called from one goroutine at a time. After an error that matches
// cardreader.ErrOutcomeUnknown it is dead: close it, open the insertion again, identify the card.
type Chip struct {
	link     *exchange.Link
	cmd      *commands
	guard    *Guard
	secret   Secret
	unlocked bool
}

// Open chooses the chip's type at the reader, which powers it down and up; where a dialect has no such command it reads
// a few bytes to see whether the reader can. It does not look at the chip's content. The Chip takes the card over and
// closes it; when Open fails the card is the caller's to close. g is the Guard of the card's insertion.
func Open(ctx context.Context, card cardreader.Card, d Dialect, g *Guard, s Secret) (*Chip, error) {
	const op = "choose card type"
	cmd, err := d.commands()
	if err != nil {
		return nil, err
	}
	c := &Chip{link: exchange.New(card), cmd: cmd, guard: g, secret: s}
	probe := cmd.read(0, 4)
	if cmd.choose != nil {
		probe = *cmd.choose
	}
	r, err := c.link.Send(ctx, op, probe)
	if err != nil {
		return nil, err
	}
	if err := r.SW.Err(); err != nil {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeNoMemoryCards, op, err)
	}
	return c, nil
}

// Size is 256.
func (c *Chip) Size() int { return Size }

// Read returns n bytes from addr.
func (c *Chip) Read(ctx context.Context, addr, n int) ([]byte, error) {
	const op = "read"
	if err := inside(op, addr, n); err != nil {
		return nil, err
	}
	out := make([]byte, 0, n)
	for len(out) < n {
		want := min(n-len(out), chunk)
		r, err := c.link.Send(ctx, op, c.cmd.read(addr+len(out), want))
		if err != nil {
			return nil, err
		}
		if r.SW != apdu.OK || len(r.Data) != want+c.cmd.behind {
			return nil, c.link.Bad(op, r, want+c.cmd.behind)
		}
		out = append(out, r.Data[:want]...)
	}
	return out, nil
}

// Write stores data at addr. A nil error proves only that the reader said so; protected bytes, for one, stay as they
// are. Read back.
func (c *Chip) Write(ctx context.Context, addr int, data []byte) error {
	const op = "write"
	if err := inside(op, addr, len(data)); err != nil {
		return err
	}
	if !c.unlocked {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNotUnlocked, op, nil)
	}
	for part := range chunks(data) {
		r, err := c.link.Send(ctx, op, c.cmd.write(addr, part))
		if err != nil {
			return err
		}
		if r.SW != apdu.OK {
			return c.link.Bad(op, r, 0)
		}
		addr += len(part)
	}
	return nil
}

func chunks(data []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			n := min(len(data), chunk)
			if !yield(data[:n]) {
				return
			}
			data = data[n:]
		}
	}
}

// Tries reads how many presentations are left, 0–3; CodeNotSupported where the reader cannot show the counter.
func (c *Chip) Tries(ctx context.Context) (int, error) {
	ec, err := c.counter(ctx)
	return bits.OnesCount8(ec), err
}

func (c *Chip) counter(ctx context.Context) (byte, error) {
	const op = "read error counter"
	if c.cmd.counter == nil {
		return 0, exchange.Fail(cardreader.Permanent, cardreader.CodeNotSupported, op, nil)
	}
	r, err := c.link.Send(ctx, op, *c.cmd.counter)
	if err != nil {
		return 0, err
	}
	// The other bytes are the PSC on a chip that is unlocked; they are looked at by nobody.
	if r.SW != apdu.OK || len(r.Data) != 4 || r.Data[0]&^allTries != 0 {
		return 0, c.link.Bad(op, apdu.Response{Data: make([]byte, len(r.Data)), SW: r.SW}, 4)
	}
	return r.Data[0], nil
}

// Do runs f while no other program can talk to the card.
func (c *Chip) Do(ctx context.Context, f func() error) error { return c.link.Do(ctx, f) }

// Close ends the connection and powers the chip down, which locks it again. It may be called twice.
func (c *Chip) Close() error {
	c.unlocked = false
	return c.link.Close()
}

func inside(op string, addr, n int) error {
	if addr < 0 || n <= 0 || addr > Size-n {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, fmt.Errorf("%d bytes at %#x: outside the chip", n, addr))
	}
	return nil
}
