package sle4442

import (
	"context"
	"errors"
	"fmt"
	"math/bits"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// Unlock presents the secret code and proves by the error counter that it was right. When the Chip is unlocked already
// it does nothing. It refuses, with nothing presented, a factory code for an issued card, a second presentation in one
// insertion, and a chip with one try or less. Through a reader that cannot show the counter see Secret.Blind.
func (c *Chip) Unlock(ctx context.Context) error {
	const op = "unlock"
	switch {
	case c.unlocked:
		return nil
	case c.secret.Issued && c.secret.PSC.IsFactory():
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCFactory, op, nil)
	case c.guard.Spent():
		return spent(op)
	case c.cmd.counter == nil:
		return c.unlockBlind(ctx, op)
	}
	before, err := c.counter(ctx)
	if err != nil {
		return err
	}
	switch bits.OnesCount8(before) {
	case 0:
		return exchange.Fail(cardreader.Permanent, cardreader.CodeCardLocked, op, nil)
	case 1:
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCLastTry, op, nil)
	}
	says, err := c.present(ctx, op)
	if err != nil {
		return err
	}
	after, err := c.counter(ctx)
	if err != nil {
		return err
	}
	return c.judge(op, before, after, says)
}

// present spends the insertion's only presentation before the command leaves, so that an unknown outcome counts as
// spent.
func (c *Chip) present(ctx context.Context, op string) (verdict, error) {
	if !c.guard.Claim() {
		return saysNothing, spent(op)
	}
	r, err := c.link.Send(ctx, op, c.cmd.present(c.secret.PSC))
	if err != nil {
		if errors.Is(err, cardreader.ErrNotSent) {
			c.guard.GiveBack()
		}
		return saysNothing, err
	}
	return c.cmd.judge(r, c.secret.PSC), nil
}

func spent(op string) error {
	return exchange.Fail(cardreader.Operator, cardreader.CodePSCPresented, op, nil)
}

// judge: the counter rising to full proves a right code; a counter that fell proves a wrong one. Full before and after
// is what a right code leaves, but also a command that never reached the chip, so there the answer has to agree.
func (c *Chip) judge(op string, before, after byte, says verdict) error {
	switch {
	case after == allTries && (before != allTries || says == saysRight):
		c.unlocked = true
		return nil
	case bits.OnesCount8(after) < bits.OnesCount8(before):
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCWrong, op, fmt.Errorf("%d tries left", bits.OnesCount8(after)))
	}
	return c.unproven(op)
}

func (c *Chip) unproven(op string) error {
	return c.link.End(cardreader.CodePSCUnproven, op, nil)
}

// unlockBlind goes by the reader's word, as there is nothing else; that a write took is seen when it is read back. One
// wrong code, or one answer that is neither, ends all blind presentations of this process, on every card.
func (c *Chip) unlockBlind(ctx context.Context, op string) error {
	if !c.secret.Blind || c.guard.Distrusted() {
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCBlind, op, nil)
	}
	says, err := c.present(ctx, op)
	if errors.Is(err, cardreader.ErrNotSent) {
		return err
	}
	if says == saysRight {
		c.unlocked = true
		return nil
	}
	c.guard.Distrust()
	switch {
	case err != nil:
		return err
	case says == saysWrong:
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCWrong, op, nil)
	}
	return c.unproven(op)
}

// ChangePSC gives the chip another code; it must be unlocked. Where the reader does not show the code of an
// unlocked chip, even a nil error proves only that the reader said so: the caller keeps both codes until one of them
// unlocked the card in a later insertion. The factory's code is refused for an issued card.
func (c *Chip) ChangePSC(ctx context.Context, to Secret) error {
	const op = "change secret code"
	switch {
	case to.Issued && to.PSC.IsFactory():
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCFactory, op, nil)
	case c.cmd.change == nil:
		return c.CanChange()
	case !c.unlocked:
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNotUnlocked, op, nil)
	}
	for range 2 { // the code of an unlocked chip can be seen, and one that came out wrong be written again
		r, err := c.link.Send(ctx, op, c.cmd.change(to.PSC))
		if err != nil {
			return err
		}
		if r.SW != apdu.OK {
			return c.link.Bad(op, r, 0)
		}
		if changed, err := c.changed(ctx, op, to.PSC); changed || err != nil {
			return err
		}
	}
	return c.unproven(op)
}
