package at88sc102

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// The issuer fuse (data sheet 1419: bit 1552), and how a reader blows it: the pins FUS and RST high (ACR3901U reference
// manual 1.09, BLOWN_FUSE). The bytes have not been tried on a real reader.
var issuerFuse = []byte{0x06, 0x10, 0x01, 0x01}

// A new chip's code is changed by erasing it and writing the new one. Between the two the test zone, which nobody else
// uses, is written to zeros: before that a cut leaves the code that the chip came with, or an erased one, after it an erased
// one, half of the new one, or the new one.
var underWay = []byte{0x00, 0x00}

// UnlockWith is Unlock with another code than the one the Chip was opened with. It keeps all rules of Unlock: one
// presentation an insertion, whatever the code.
func (c *Chip) UnlockWith(ctx context.Context, s Secret) error {
	if !c.unlocked {
		c.secret = s
	}
	return c.Unlock(ctx)
}

// UnlockNew opens a chip that still has the code that it came with, and makes it ready for a change.
func (c *Chip) UnlockNew(ctx context.Context, s Secret) error {
	err := c.UnlockWith(ctx, s)
	if err == nil {
		err = exchange.Before(c.look(ctx))
	}
	if err == nil {
		err = exchange.Before(c.setWord(ctx, testAt, []byte{0xFF, 0xFF}))
	}
	return err
}

// UnlockChanged opens a chip whose code was being changed to own, from the one that it came with: which it has now is found
// out in as many insertions, and the counter of attempts says where that stands.
func (c *Chip) UnlockChanged(ctx context.Context, own Secret, came Code) error {
	const op = "unlock"
	used, err := c.used(ctx)
	if err != nil {
		return err
	}
	begun, err := c.read(ctx, op, testAt, wordSize)
	if err != nil {
		return err
	}
	s := own
	switch {
	case used == 0:
	case used == 1 && bytes.Equal(begun, underWay):
		s.Code[1], s.Issued = 0xFF, false
	case used == 1:
		s.Code, s.Issued = came, false
	case used == 2:
		s.Code, s.Issued = Code{0xFF, 0xFF}, false
	default:
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCLastTry, op, nil)
	}
	if err := c.UnlockWith(ctx, s); err != nil {
		return err
	}
	return exchange.Before(c.look(ctx))
}

// Personalise gives an unlocked chip its erase keys and its code, and blows its issuer fuse; what is so already is left. On a
// chip whose fuse came blown the keys are its maker's business, and of a new code there is the reader's word only.
func (c *Chip) Personalise(ctx context.Context, own Secret) error {
	const op = "personalise"
	if own.Code.IsFactory() {
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCFactory, op, nil)
	}
	if err := c.look(ctx); err != nil {
		return err
	}
	if c.fresh {
		if err := c.setWords(ctx, int(Zone1.keyAt()), own.Keys.Zone1[:]); err != nil {
			return err
		}
		if err := c.setWords(ctx, int(Zone2.keyAt()), own.Keys.Zone2[:]); err != nil {
			return err
		}
	}
	if c.secret.Code != own.Code {
		if err := c.change(ctx, own.Code); err != nil {
			return err
		}
	}
	c.secret = own
	if !c.fresh {
		return nil
	}
	return c.blow(ctx, op, own.Code)
}

// change erases the code and writes the new one.
func (c *Chip) change(ctx context.Context, to Code) error {
	const op = "change secret code"
	now, err := c.read(ctx, op, testAt, wordSize)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, underWay) {
		if err := c.clear(ctx, op, codeAt); err != nil {
			return err
		}
		if err := c.setWord(ctx, testAt, underWay); err != nil {
			return err
		}
	}
	for range 2 { // one that came out wrong can be written again while it is seen
		if err := c.clear(ctx, op, codeAt); err != nil {
			return err
		}
		if err := c.send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xD0, P2: codeAt, Data: bytes.Clone(to[:])}); err != nil {
			return err
		}
		if right, err := c.shows(ctx, op, codeAt, to[:]); right || err != nil {
			return err
		}
	}
	return c.link.End(cardreader.CodePSCUnproven, op, nil)
}

// clear erases a word, and makes sure of it where the chip shows it: what is written over a word that was not erased is the
// one and the other.
func (c *Chip) clear(ctx context.Context, op string, addr int) error {
	for range 2 {
		if err := c.eraseWord(ctx, op, addr); err != nil {
			return err
		}
		if erased, err := c.shows(ctx, op, addr, []byte{0xFF, 0xFF}); erased || err != nil {
			return err
		}
	}
	return c.link.End(cardreader.CodeNotErased, op, nil)
}

// shows reports whether the chip holds data, as far as it shows it: a chip whose fuse is blown shows no code and no key.
func (c *Chip) shows(ctx context.Context, op string, addr int, data []byte) (bool, error) {
	if !c.fresh && addr != testAt {
		return true, nil
	}
	got, err := c.read(ctx, op, addr, len(data))
	defer clear(got)
	return bytes.Equal(got, data), err
}

// setWords makes words of a fresh chip what they are to be, one by one.
func (c *Chip) setWords(ctx context.Context, addr int, data []byte) error {
	for i := 0; i < len(data); i += wordSize {
		if err := c.setWord(ctx, addr+i, data[i:i+wordSize]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Chip) setWord(ctx context.Context, addr int, data []byte) error {
	const op = "write key"
	for range 2 {
		right, err := c.shows(ctx, op, addr, data)
		if right || err != nil {
			return err
		}
		if err := c.clear(ctx, op, addr); err != nil {
			return err
		}
		if !slices.ContainsFunc(data, func(b byte) bool { return b != 0xFF }) {
			return nil
		}
		if err := c.send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0xD0, P2: byte(addr), Data: bytes.Clone(data)}); err != nil {
			return err
		}
	}
	if right, err := c.shows(ctx, op, addr, data); right || err != nil {
		return err
	}
	return c.link.End(cardreader.CodePSCUnproven, op, nil)
}

// look finds out whether the issuer fuse is intact: then an unlocked chip shows its code, or, when that is erased, its keys.
func (c *Chip) look(ctx context.Context) error {
	const op = "look at the issuer fuse"
	if !c.unlocked {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNotUnlocked, op, nil)
	}
	for _, r := range []struct{ at, n int }{{codeAt, len(Code{})}, {int(Zone1.keyAt()), len(Keys{}.Zone1)}} {
		got, err := c.read(ctx, op, r.at, r.n)
		if err != nil {
			return err
		}
		c.fresh = c.fresh || slices.ContainsFunc(got, func(b byte) bool { return b != 0xFF })
		clear(got)
	}
	return nil
}

// blow blows the fuse and proves it by the code, which is not shown any more.
func (c *Chip) blow(ctx context.Context, op string, code Code) error {
	for range 2 {
		if err := c.send(ctx, op, apdu.Command{CLA: 0xFF, INS: 0x05, Data: bytes.Clone(issuerFuse)}); err != nil {
			return err
		}
		got, err := c.read(ctx, op, codeAt, len(code))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, code[:]) {
			c.fresh = false
			return nil
		}
	}
	return c.link.End(cardreader.CodeNotSupported, op, errors.New("the issuer fuse is still intact"))
}

// eraseFresh erases the words of a zone that are not, while the fuse is intact and the keys have no use yet.
func (c *Chip) eraseFresh(ctx context.Context, z Zone) error {
	const op = "erase zone"
	got, err := c.Read(ctx, z.Addr(), ZoneSize)
	if err != nil {
		return exchange.Before(err)
	}
	sent := false
	for i := 0; i < ZoneSize; i += wordSize {
		if got[i] == 0xFF && got[i+1] == 0xFF {
			continue
		}
		if err := c.eraseWord(ctx, op, z.Addr()+i); err != nil {
			if sent && errors.Is(err, cardreader.ErrNotSent) {
				err = c.link.End(cardreader.CodeNotErased, op, exchange.Quiet(err))
			}
			return err
		}
		sent = true
	}
	return nil
}
