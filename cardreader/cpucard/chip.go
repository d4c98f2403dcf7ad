package cpucard

import (
	"context"
	"errors"
	"fmt"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
	"tally/cardreader/guard"
)

// App is the application of a card, as its profile says.
type App struct {
	AID  []byte
	Vend byte // number of the key whose external authentication allows to sell; 0 is 1
	// Tries is how many wrong authentications a new card allows, 3 when 0. Asks: the card tells how many are left when it is
	// asked with an authentication without data (ISO 7816-4).
	Tries int
	Asks  bool
}

// Chip is an opened card with its application selected. Its methods may be called from one goroutine at a time. After an
// error that matches cardreader.ErrOutcomeUnknown it is dead: close it, open the insertion again, identify the card.
type Chip struct {
	link     *exchange.Link
	guard    *guard.Guard
	keys     Keys
	app      App
	serial   Serial
	unlocked bool
}

// Open selects the application. The Chip takes the card over and closes it; when Open fails the card is the caller's to
// close. g is the Guard of the card's insertion. A card without that application is CodeNotSupported.
func Open(ctx context.Context, card cardreader.Card, g *guard.Guard, keys Keys, app App) (*Chip, error) {
	const op = "select application"
	app.Vend, app.Tries = max(app.Vend, 1), max(app.Tries, 0)
	if app.Tries == 0 {
		app.Tries = 3
	}
	c := &Chip{link: exchange.New(card), guard: g, keys: keys, app: app}
	// What the card says of its application (61 xx) is of no use here and not fetched.
	r, err := c.link.Send(ctx, op, apdu.Command{INS: 0xA4, P1: 0x04, Data: app.AID})
	if err != nil {
		return nil, err
	}
	if err := r.SW.Err(); err != nil && !errors.Is(err, apdu.ErrMoreData) {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeNotSupported, op, err)
	}
	return c, nil
}

// SetSerial tells the serial number that was read from the card; its keys are diversified by it.
func (c *Chip) SetSerial(s Serial) { c.serial = s }

// ReadBinary returns n bytes of a transparent file, 1–256, from off, 0–255.
func (c *Chip) ReadBinary(ctx context.Context, sfi byte, off, n int) ([]byte, error) {
	const op = "read file"
	if sfi == 0 || sfi > 30 || off < 0 || off > 0xFF || n < 1 || n > apdu.MaxLe {
		return nil, badPlace(op, sfi, off, n)
	}
	return c.read(ctx, op, apdu.Command{INS: 0xB0, P1: 0x80 | sfi, P2: byte(off), Le: n})
}

// ReadRecord returns a record of n bytes; records count from 1.
func (c *Chip) ReadRecord(ctx context.Context, sfi byte, record, n int) ([]byte, error) {
	const op = "read record"
	if sfi == 0 || sfi > 30 || record < 1 || record > 0xFE || n < 1 || n > apdu.MaxLe {
		return nil, badPlace(op, sfi, record, n)
	}
	return c.read(ctx, op, apdu.Command{INS: 0xB2, P1: byte(record), P2: sfi<<3 | 4, Le: n})
}

// ReadRecords returns n records from one on, of size bytes each, with one command: ISO 7816-4 lets a card have that. ok is
// false when this one does not; it has told nothing then.
func (c *Chip) ReadRecords(ctx context.Context, sfi byte, from, n, size int) (data []byte, ok bool, err error) {
	const op = "read records"
	if sfi == 0 || sfi > 30 || from < 1 || n < 1 || size < 1 || from+n > 0xFF || n*size > apdu.MaxLe {
		return nil, false, badPlace(op, sfi, from, n*size)
	}
	r, err := c.link.SendT0(ctx, op, apdu.Command{INS: 0xB2, P1: byte(from), P2: sfi<<3 | 5, Le: n * size})
	switch {
	case err != nil:
		return nil, false, err
	case r.SW == apdu.OK && len(r.Data) == n*size:
		return r.Data, true, nil
	case errors.Is(r.SW, apdu.ErrNotSupported), errors.Is(r.SW, apdu.ErrParameters), errors.Is(r.SW, apdu.ErrWrongLength), errors.Is(r.SW, apdu.ErrWrongLe):
		return nil, false, nil
	}
	return nil, false, c.link.Bad(op, r, n*size)
}

func (c *Chip) read(ctx context.Context, op string, cmd apdu.Command) ([]byte, error) {
	r, err := c.link.SendT0(ctx, op, cmd)
	if err != nil {
		return nil, err
	}
	if r.SW != apdu.OK || len(r.Data) != cmd.Le {
		return nil, c.link.Bad(op, r, cmd.Le)
	}
	return r.Data, nil
}

// UpdateBinary writes a transparent file under line protection; the card must be unlocked. The card does it whole or not
// at all, but only reading tells which.
func (c *Chip) UpdateBinary(ctx context.Context, sfi byte, off int, data []byte) error {
	const op = "write file"
	if sfi == 0 || sfi > 30 || off < 0 || off > 0xFF || len(data) < 1 || len(data) > MaxSealed {
		return badPlace(op, sfi, off, len(data))
	}
	return c.update(ctx, op, apdu.Command{CLA: 0x04, INS: 0xD6, P1: 0x80 | sfi, P2: byte(off), Data: data})
}

// UpdateRecord writes a whole record under line protection; the card must be unlocked. The card does it whole or not at
// all, but only reading tells which.
func (c *Chip) UpdateRecord(ctx context.Context, sfi byte, record int, data []byte) error {
	const op = "write record"
	if sfi == 0 || sfi > 30 || record < 1 || record > 0xFE || len(data) < 1 || len(data) > MaxSealed {
		return badPlace(op, sfi, record, len(data))
	}
	return c.update(ctx, op, apdu.Command{CLA: 0x04, INS: 0xDC, P1: byte(record), P2: sfi<<3 | 4, Data: data})
}

// update fetches a challenge, seals and sends. A MAC that the card refuses is not tried again: some cards count that.
func (c *Chip) update(ctx context.Context, op string, cmd apdu.Command) error {
	if !c.unlocked {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeNotUnlocked, op, nil)
	}
	challenge, err := c.challenge(ctx, op, len(Challenge{}))
	if err != nil {
		return exchange.Before(err)
	}
	sealed, err := c.keys.Seal(ctx, c.serial, Challenge(challenge), cmd)
	if err != nil {
		return exchange.Fail(cardreader.Retry, cardreader.CodeKeys, op, exchange.Quiet(err))
	}
	r, err := c.link.SendT0(ctx, op, sealed)
	if err != nil {
		return err
	}
	if r.SW != apdu.OK {
		return c.link.Bad(op, r, 0)
	}
	return nil
}

func (c *Chip) challenge(ctx context.Context, op string, n int) ([]byte, error) {
	r, err := c.link.SendT0(ctx, op, apdu.Command{INS: 0x84, Le: n})
	if err != nil {
		return nil, err
	}
	if r.SW != apdu.OK || len(r.Data) != n {
		return nil, c.link.Bad(op, r, n)
	}
	return r.Data, nil
}

// Unlock authenticates this side to the card with the vend key. When unlocked already it does nothing. It refuses, with
// nothing presented, a second presentation in one insertion and a card with one try or less: by what the card says where
// it can be asked, and by what this process has seen of it where it cannot.
func (c *Chip) Unlock(ctx context.Context) error {
	const op = "unlock"
	switch {
	case c.unlocked:
		return nil
	case c.guard.Spent():
		return exchange.Fail(cardreader.Operator, cardreader.CodePSCPresented, op, nil)
	case c.guard.Distrusted():
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCBlind, op, nil)
	}
	left, err := c.triesLeft(ctx, op)
	switch {
	case err != nil:
		return err
	case left == 0:
		return exchange.Fail(cardreader.Permanent, cardreader.CodeCardLocked, op, nil)
	case left == 1:
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCLastTry, op, nil)
	}
	challenge, err := c.challenge(ctx, op, 8)
	if err != nil {
		return err
	}
	answer, err := c.keys.Cryptogram(ctx, c.serial, [8]byte(challenge))
	if err != nil {
		return exchange.Fail(cardreader.Retry, cardreader.CodeKeys, op, exchange.Quiet(err))
	}
	return c.authenticate(ctx, op, answer)
}

// triesLeft never says more than what this process has left of them.
func (c *Chip) triesLeft(ctx context.Context, op string) (int, error) {
	left := max(c.app.Tries-c.guard.Misses(c.name()), 1)
	if !c.app.Asks {
		return left, nil
	}
	r, err := c.link.Send(ctx, op, apdu.Command{INS: 0x82, P2: c.app.Vend})
	if err != nil {
		return 0, err
	}
	if n, ok := r.SW.Tries(); ok {
		return n, nil
	}
	if errors.Is(r.SW, apdu.ErrBlocked) {
		return 0, nil
	}
	return left, nil
}

// name is what the guard knows the card by.
func (c *Chip) name() string { return string(c.serial[:]) }

func (c *Chip) authenticate(ctx context.Context, op string, answer []byte) error {
	if !c.guard.Claim() {
		return exchange.Fail(cardreader.Operator, cardreader.CodePSCPresented, op, nil)
	}
	r, err := c.link.Send(ctx, op, apdu.Command{INS: 0x82, P2: c.app.Vend, Data: answer})
	switch {
	case errors.Is(err, cardreader.ErrNotSent):
		c.guard.GiveBack()
		return err
	case err == nil && r.SW == apdu.OK:
		c.unlocked = true
		c.guard.Hit(c.name())
		return nil
	}
	wrong := err == nil && (errors.Is(r.SW, apdu.ErrBlocked) || errors.Is(r.SW, apdu.ErrWrongCode))
	c.guard.Miss(c.name(), wrong)
	switch {
	case err != nil:
		return err
	case errors.Is(r.SW, apdu.ErrBlocked):
		return exchange.Fail(cardreader.Permanent, cardreader.CodeCardLocked, op, r.SW)
	case wrong:
		return exchange.Fail(cardreader.Permanent, cardreader.CodePSCWrong, op, r.SW)
	}
	return c.link.Bad(op, r, 0)
}

// Do runs f while no other program can talk to the card.
func (c *Chip) Do(ctx context.Context, f func() error) error { return c.link.Do(ctx, f) }

// Close ends the connection and powers the card down. It may be called twice.
func (c *Chip) Close() error {
	c.unlocked = false
	return c.link.Close()
}

func badPlace(op string, sfi byte, at, n int) error {
	return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, fmt.Errorf("file %#x, %d bytes at %d", sfi, n, at))
}
