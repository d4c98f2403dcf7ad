package at88sc102

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/bits"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// Unlock verifies the security code and proves by the attempts counter that it was right. When the Chip is unlocked
// already it does nothing. It refuses, with nothing presented, a factory code for an issued card, a second presentation
// in one insertion, and a chip with one try or less.
func (c *Chip) Unlock(ctx context.Context) error {
	const op = "unlock"
	switch {
	case c.unlocked:
		return nil
	case c.secret.Issued && c.secret.Code.IsFactory():
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCFactory, op, nil)
	case c.guard.Spent():
		return exchange.Fail(cardreader.Operator, cardreader.CodePSCPresented, op, nil)
	}
	before, err := c.used(ctx)
	switch {
	case err != nil:
		return err
	case before >= attempts:
		return exchange.Fail(cardreader.Permanent, cardreader.CodeCardLocked, op, nil)
	case before == attempts-1:
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCLastTry, op, nil)
	}
	sw, err := c.present(ctx, op)
	if err != nil {
		return err
	}
	after, err := c.used(ctx)
	switch {
	case err != nil:
		return err
	case after > before:
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCWrong, op, fmt.Errorf("%d tries left", attempts-after))
	case after == 0 && (before > 0 || sw == apdu.OK):
		c.unlocked = true
		return nil
	}
	return c.link.End(cardreader.CodePSCUnproven, op, sw)
}

// present spends the insertion's only presentation before the command leaves.
func (c *Chip) present(ctx context.Context, op string) (apdu.Status, error) {
	if !c.guard.Claim() {
		return 0, exchange.Fail(cardreader.Operator, cardreader.CodePSCPresented, op, nil)
	}
	// P1 is the length of the attempts counter in bits, P2 where the code lies.
	r, err := c.link.Send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0x20, P1: 8, P2: codeAt, Data: c.secret.Code[:]})
	if errors.Is(err, cardreader.ErrNotSent) {
		c.guard.GiveBack()
	}
	return r.SW, err
}

// Erasures reads how many erasures of zone 2 its counter still allows, 0–128; without a counter it means nothing.
func (c *Chip) Erasures(ctx context.Context) (int, error) {
	m, err := c.Read(ctx, erasuresAt, Size-erasuresAt)
	return ones(m), err
}

func ones(m []byte) (n int) {
	for _, b := range m {
		n += bits.OnesCount8(b)
	}
	return n
}

// Erase sets every bit of the zone and proves it by reading the zone. It costs one of the counted erasures of zone 2,
// whether or not it succeeds, and is refused with nothing sent when there is none.
func (c *Chip) Erase(ctx context.Context, z Zone) error {
	if err := c.erase(ctx, z); err != nil {
		return err
	}
	got, err := c.Read(ctx, z.Addr(), ZoneSize)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, bytes.Repeat([]byte{0xFF}, ZoneSize)) {
		return c.link.End(cardreader.CodeNotErased, "erase zone", nil)
	}
	return nil
}

// erase does not look at what came of it: 90 00 says only that it was carried out.
func (c *Chip) erase(ctx context.Context, z Zone) error {
	const op = "erase zone"
	if !c.unlocked {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNotUnlocked, op, nil)
	}
	cmd := apdu.Command{CLA: 0xFF, INS: 0x20, P2: z.keyAt()}
	switch z {
	case Zone1:
		cmd.Data = c.secret.Keys.Zone1[:]
	case Zone2:
		cmd.Data = c.secret.Keys.Zone2[:]
		if err := c.count(ctx, op, &cmd); err != nil {
			return err
		}
	default:
		return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, fmt.Errorf("zone %d", int(z)))
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

// count makes cmd the counting erasure where the issuer has enabled the counter.
func (c *Chip) count(ctx context.Context, op string, cmd *apdu.Command) error {
	if !c.secret.Counted {
		return nil
	}
	left, err := c.Erasures(ctx)
	if err != nil {
		return err
	}
	if left == 0 {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeErasuresUsed, op, nil)
	}
	cmd.P1 = 0x80
	return nil
}
