package cardsim

import (
	"bytes"
	"context"
	"errors"
	"time"

	"tally/cardreader"
)

// slot is one reader. Everything in it is guarded by the Source's lock; an exchange holds it, so a hand pulls the card
// between two APDUs and a script pulls it within one.
type slot struct {
	src     *Source
	name    string
	plugged bool
	dev     Device
	ins     cardreader.Insertion // 0: no insertion
	atr     []byte
	open    *card
}

func (sl *slot) event(k cardreader.Kind) cardreader.Event {
	e := cardreader.Event{Kind: k, Reader: sl.name, Insertion: sl.ins}
	if k == cardreader.CardInserted {
		e.ATR = bytes.Clone(sl.atr)
	}
	return e
}

// Open connects to the card of that insertion. A mute card cannot be opened.
func (s *Source) Open(ctx context.Context, reader string, ins cardreader.Insertion) (cardreader.Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(class cardreader.Class, code string, err error) (cardreader.Card, error) {
		return nil, &cardreader.Error{Class: class, Code: code, Op: "open", Reader: reader, Err: err}
	}
	sl, ok := s.slots[reader]
	switch {
	case ctx.Err() != nil:
		return fail(cardreader.Retry, cardreader.CodeCanceled, ctx.Err())
	case !ok || sl.ins == 0 || sl.ins != ins:
		return fail(cardreader.Operator, cardreader.CodeCardRemoved, nil)
	case sl.open != nil:
		return fail(cardreader.Retry, cardreader.CodeCardBusy, nil)
	}
	if sl.atr = sl.dev.Reset(); len(sl.atr) == 0 {
		return fail(cardreader.Operator, cardreader.CodeCardMute, nil)
	}
	sl.open = &card{slot: sl, atr: sl.atr, end: make(chan struct{})}
	return sl.open, nil
}

// card is the connection. Its fields are guarded by the Source's lock.
type card struct {
	slot   *slot
	atr    []byte
	inDo   bool
	dead   error         // why nothing is sent any more
	end    chan struct{} // closed when the card has gone
	closed bool
}

// gone runs under the Source's lock when the card leaves or the reader does.
func (c *card) gone() {
	c.dead = c.fail("transmit", cardreader.Operator, cardreader.CodeCardRemoved, nil)
	close(c.end)
}

func (c *card) fail(op string, class cardreader.Class, code string, err error) error {
	return &cardreader.Error{Class: class, Code: code, Op: op, Reader: c.slot.name, Err: err}
}

// unknown ends the connection with an outcome that nobody knows.
func (c *card) unknown(code string, err error) error {
	if c.dead == nil {
		c.dead = c.fail("transmit", cardreader.Retry, cardreader.CodeDead, nil)
	}
	return c.fail("transmit", cardreader.Unknown, code, err)
}

func (c *card) ATR() []byte { return c.atr }

// Transmit hands the command to the device and its answer back.
func (c *card) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	answer, silent, err := c.exchange(ctx, command)
	if silent {
		return nil, c.wait(ctx)
	}
	return answer, err
}

func (c *card) exchange(ctx context.Context, command []byte) (answer []byte, silent bool, err error) {
	s := c.slot.src
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := c.ready(ctx, "transmit"); err != nil {
		return nil, false, err
	}
	if n := len(command); n < cardreader.MinCommand || n > cardreader.MaxCommand {
		return nil, false, c.fail("transmit", cardreader.Permanent, cardreader.CodeBadCommand, nil)
	}
	answer, err = c.slot.dev.Exchange(bytes.Clone(command))
	switch {
	case errors.Is(err, ErrPulled):
		s.takeOut(c.slot)
		return nil, false, c.unknown(cardreader.CodeCardRemoved, err)
	case errors.Is(err, ErrUnplugged):
		s.unplug(c.slot)
		return nil, false, c.unknown(cardreader.CodeReaderGone, err)
	case errors.Is(err, ErrSilent):
		return nil, true, nil
	case err != nil:
		return nil, false, c.unknown(cardreader.CodeCardFault, err)
	case len(answer) < 2:
		return nil, false, c.unknown(cardreader.CodeShortAnswer, nil)
	}
	return answer, false, nil
}

// wait is the host's side of a card that never answers.
func (c *card) wait(ctx context.Context) error {
	code, cause := cardreader.CodeTimeout, error(nil)
	if w := c.slot.src.Watchdog; w >= 0 {
		var bark <-chan time.Time
		if w > 0 {
			t := time.NewTimer(w)
			defer t.Stop()
			bark = t.C
		}
		select {
		case <-ctx.Done():
			cause = ctx.Err()
		case <-c.end:
			code = cardreader.CodeCardRemoved
		case <-bark:
		}
	}
	c.slot.src.mu.Lock()
	defer c.slot.src.mu.Unlock()
	return c.unknown(code, cause)
}

// ready runs under the Source's lock: nil when a command could be sent.
func (c *card) ready(ctx context.Context, op string) error {
	switch {
	case c.closed:
		return c.fail(op, cardreader.Permanent, cardreader.CodeDead, errors.New("connection is closed"))
	case c.dead != nil:
		return c.dead
	case ctx.Err() != nil:
		return c.fail(op, cardreader.Retry, cardreader.CodeCanceled, ctx.Err())
	}
	return nil
}

// Do runs f. There is no other program in here; it checks what a real reader would refuse.
func (c *card) Do(ctx context.Context, f func() error) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.setDo(false)
	return f()
}

func (c *card) begin(ctx context.Context) error {
	c.slot.src.mu.Lock()
	defer c.slot.src.mu.Unlock()
	if err := c.ready(ctx, "begin"); err != nil {
		return err
	}
	if c.inDo {
		return c.fail("begin", cardreader.Permanent, cardreader.CodeNested, nil)
	}
	c.inDo = true
	return nil
}

func (c *card) setDo(v bool) {
	c.slot.src.mu.Lock()
	defer c.slot.src.mu.Unlock()
	c.inDo = v
}

// Close powers the card down.
func (c *card) Close() error {
	c.slot.src.mu.Lock()
	defer c.slot.src.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	if c.slot.open == c {
		c.slot.open = nil
		c.slot.dev.PowerOff()
	}
	return nil
}
