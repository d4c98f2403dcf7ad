package sle4442

import (
	"bytes"
	"context"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// CanChange says why the chip's code cannot be changed through this reader, nil when it can. Nothing is sent.
func (c *Chip) CanChange() error {
	if c.cmd.change == nil {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNoCodeChange, "change secret code", nil)
	}
	return nil
}

// UnlockWith is Unlock with another code than the one the Chip was opened with; later calls use it too. It keeps all
// rules of Unlock: one presentation an insertion, whatever the code.
func (c *Chip) UnlockWith(ctx context.Context, s Secret) error {
	if !c.unlocked {
		c.secret = s
	}
	return c.Unlock(ctx)
}

// changed reads the security memory, which shows the code of a chip that is unlocked (data sheet SLE 4442, "reading the
// security memory"). A reader that shows it proves the change or its absence; one that shows zeros proves neither, and
// its word has to do.
func (c *Chip) changed(ctx context.Context, op string, to PSC) (bool, error) {
	if c.cmd.counter == nil {
		return true, nil
	}
	r, err := c.link.Send(ctx, op, *c.cmd.counter)
	if err != nil {
		return false, err
	}
	defer clear(r.Data)
	if r.SW != apdu.OK || len(r.Data) != 4 {
		return false, c.link.Bad(op, apdu.Response{Data: make([]byte, len(r.Data)), SW: r.SW}, 4)
	}
	if !bytes.Equal(r.Data[1:], to[:]) && !bytes.Equal(r.Data[1:], make([]byte, len(to))) {
		return false, nil
	}
	c.secret.PSC = to
	return true, nil
}
