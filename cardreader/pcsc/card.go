//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebfe/scard"

	"tally/cardreader"
)

// card is one connection. link is touched on the worker only.
type card struct {
	src    *Source
	reader string
	ins    cardreader.Insertion
	atr    []byte
	w      *worker
	link   *link
	dead   error // why nothing is sent any more
	hung   bool  // the worker was left behind
	inDo   bool
	closed bool
}

// link is what the worker holds at the service.
type link struct {
	ctx  pcscContext
	card pcscCard
}

// Open connects to the card of that insertion.
func (s *Source) Open(ctx context.Context, reader string, ins cardreader.Insertion) (cardreader.Card, error) {
	p, err := s.claim(ctx, reader, ins)
	if err != nil {
		return nil, err
	}
	l := new(link)
	c := &card{src: s, reader: reader, ins: ins, atr: p.atr, link: l, w: startWorker(l.tidy)}
	_, err = call(ctx, c.w, s.opt.Watchdog, func() (struct{}, error) {
		return struct{}{}, l.connect(s.establish, reader, p.count)
	})
	if err != nil {
		err = c.failed("open", false, err)
		c.Close()
		return nil, err
	}
	return c, nil
}

// connect runs on the worker.
func (l *link) connect(establish func() (pcscContext, error), reader string, count uint16) (err error) {
	if l.ctx, err = establish(); err != nil {
		return err
	}
	c, err := l.ctx.Connect(reader, scard.ShareShared, scard.ProtocolAny)
	if err != nil {
		return err
	}
	l.card = c
	if p := c.ActiveProtocol(); p != scard.ProtocolT0 && p != scard.ProtocolT1 {
		return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotSupported, Op: "open",
			Reader: reader, Err: fmt.Errorf("protocol %d is neither T=0 nor T=1", p)}
	}
	// The card that was connected may be another one than the watcher saw. Its counter tells.
	st, err := stateNow(l.ctx, reader)
	if err != nil {
		return err
	}
	if st.EventState&scard.StatePresent == 0 || uint16(st.EventState>>16) != count {
		return scard.ErrRemovedCard
	}
	return nil
}

// tidy runs on the worker at its end: power off, which forgets a presented code. What the service says to it does not
// matter: there is nothing left to do.
func (l *link) tidy() {
	_, _ = guarded(func() (struct{}, error) {
		if l.card != nil {
			_ = l.card.Disconnect(scard.UnpowerCard)
		}
		if l.ctx != nil {
			_ = l.ctx.Release()
		}
		return struct{}{}, nil
	})
}

// failed classifies an error and ends the connection. sent says that a command was under way.
func (c *card) failed(op string, sent bool, err error) error {
	c.dead = c.fail("transmit", cardreader.Retry, cardreader.CodeDead, nil)
	if !isGaveUp(err) {
		e := classify(op, c.reader, sent, err)
		if known, ok := errors.AsType[*cardreader.Error](e); ok && known.Code == cardreader.CodeCardRemoved {
			c.src.wentOut(c.reader, c.ins)
		}
		return e
	}
	c.hung = true
	c.leaveBehind()
	c.w.leave()
	class := cardreader.Retry
	if sent {
		class = cardreader.Unknown
	} else if errors.Is(err, errWatchdog) {
		class = cardreader.Operator
	}
	return c.fail(op, class, cardreader.CodeTimeout, errors.Unwrap(err))
}

// leaveBehind counts the thread as hanging until its call returns: with the card's answer, the reader's removal or the
// service's end.
func (c *card) leaveBehind() {
	src, reader := c.src, c.reader
	src.hang(reader, 1)
	c.w.leaveBehind(func() { src.hang(reader, -1) })
}

func (c *card) fail(op string, class cardreader.Class, code string, err error) error {
	return &cardreader.Error{Class: class, Code: code, Op: op, Reader: c.reader, Err: err}
}

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

// ATR is the answer to reset that came with the insertion.
func (c *card) ATR() []byte { return c.atr }

// Transmit sends one command. Whatever the service says once the command has left, the outcome is unknown.
func (c *card) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	const op = "transmit"
	if err := c.ready(ctx, op); err != nil {
		return nil, err
	}
	if n := len(command); n < cardreader.MinCommand || n > cardreader.MaxCommand {
		return nil, c.fail(op, cardreader.Permanent, cardreader.CodeBadCommand, nil)
	}
	cmd := bytes.Clone(command) // a call that hangs reads it for longer than the caller keeps it
	answer, err := call(ctx, c.w, c.src.opt.Watchdog, func() ([]byte, error) { return c.link.card.Transmit(cmd) })
	if err != nil {
		return nil, c.failed(op, true, err)
	}
	if len(answer) < 2 {
		c.dead = c.fail(op, cardreader.Retry, cardreader.CodeDead, nil)
		return nil, c.fail(op, cardreader.Unknown, cardreader.CodeShortAnswer, fmt.Errorf("%d bytes", len(answer)))
	}
	return bytes.Clone(answer), nil // the binding's buffer has 64 KiB
}

// Do runs f in a transaction.
func (c *card) Do(ctx context.Context, f func() error) error {
	const op = "begin"
	if err := c.ready(ctx, op); err != nil {
		return err
	}
	if c.inDo {
		return c.fail(op, cardreader.Permanent, cardreader.CodeNested, nil)
	}
	_, err := call(ctx, c.w, c.src.opt.Watchdog, func() (struct{}, error) { return struct{}{}, c.link.card.BeginTransaction() })
	if err != nil {
		return c.failed(op, false, err)
	}
	c.inDo = true
	defer c.end()
	return f()
}

// end gives the card free. An error here says nothing about what f did.
func (c *card) end() {
	c.inDo = false
	if c.hung || c.closed {
		return
	}
	_, err := call(context.Background(), c.w, c.src.opt.Watchdog, func() (struct{}, error) {
		return struct{}{}, c.link.card.EndTransaction(scard.LeaveCard)
	})
	if err != nil {
		_ = c.failed("end", false, err)
	}
}

// Close powers the card down and ends the connection. It waits for that as long as the watchdog allows, and not at all
// for a call that hangs already.
func (c *card) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	if !c.hung {
		c.w.leave()
		t := time.NewTimer(c.src.opt.Watchdog)
		defer t.Stop()
		select {
		case <-c.w.finished:
		case <-t.C:
			c.leaveBehind()
		}
	}
	c.src.release(c.ins)
	return nil
}
