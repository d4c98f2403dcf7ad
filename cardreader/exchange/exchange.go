// Package exchange sends commands to a card for the chip drivers and says, in one place for all of them, what an answer
// or its absence proves.
package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"tally/cardreader"
	"tally/cardreader/apdu"
)

// Link is a driver's side of one connection. It is dead after an exchange whose outcome is unknown, or after an answer
// that the card that was opened cannot have given: nothing is sent on a dead Link. One goroutine uses it at a time.
type Link struct {
	card cardreader.Card
	dead bool
}

// New takes over the card; Close closes it.
func New(card cardreader.Card) *Link { return &Link{card: card} }

// Send sends one command. An error holds no byte of the command, which may carry a secret code, and matches
// cardreader.ErrNotSent or cardreader.ErrOutcomeUnknown; which status words are good is for the caller to say.
func (l *Link) Send(ctx context.Context, op string, cmd apdu.Command) (apdu.Response, error) {
	if l.dead {
		return apdu.Response{}, Fail(cardreader.Retry, cardreader.CodeDead, op, nil)
	}
	raw, err := cmd.Bytes()
	if err != nil {
		return apdu.Response{}, Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, err)
	}
	answer, err := l.card.Transmit(ctx, raw)
	clear(raw)
	if err != nil {
		l.dead = l.dead || !errors.Is(err, cardreader.ErrNotSent)
		return apdu.Response{}, fmt.Errorf("%s: %w", op, err)
	}
	r, err := apdu.ParseResponse(bytes.Clone(answer))
	if err != nil {
		return r, l.End(cardreader.CodeShortAnswer, op, err)
	}
	return r, nil
}

// SendT0 is Send for cards of T=0 (ISO 7816-3): what waits (61 xx) is fetched, and a read that named another length than
// the card has (6C xx) is asked again with the right one. A command with data is never sent twice.
func (l *Link) SendT0(ctx context.Context, op string, cmd apdu.Command) (apdu.Response, error) {
	r, err := l.Send(ctx, op, cmd)
	if err != nil {
		return r, err
	}
	n, more := r.SW.More()
	switch {
	case more && errors.Is(r.SW, apdu.ErrMoreData):
		r, err := l.Send(ctx, op, apdu.Command{INS: 0xC0, Le: n})
		if err != nil { // not sent or not, the command itself was carried out
			err = l.End(codeOf(err), op, Quiet(err))
		}
		return r, err
	case more && len(cmd.Data) == 0 && cmd.Le > 0 && cmd.Le != n:
		cmd.Le = n
		return l.Send(ctx, op, cmd)
	}
	return r, nil
}

// Before gives an error of an exchange that changes nothing, such as fetching a challenge, the meaning that it has for the
// command that would have come next: that was not sent.
func Before(err error) error {
	if err == nil || errors.Is(err, cardreader.ErrNotSent) {
		return err
	}
	return Fail(cardreader.Retry, codeOf(err), "prepare", Quiet(err))
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*cardreader.Error](err); ok {
		return e.Code
	}
	return cardreader.CodeCardFault
}

// Quiet keeps what an error says and hides what it proves: it was another card's, or an earlier exchange's.
func Quiet(err error) error { return quiet{err} }

// quiet keeps the text of an error and hides what it proves about its own exchange; the answer of a card can still be
// asked for.
type quiet struct{ err error }

func (q quiet) Error() string { return q.err.Error() }

// Is matches everything but what was or was not sent.
func (q quiet) Is(target error) bool {
	switch target {
	case cardreader.ErrNotSent, cardreader.ErrNoCard, cardreader.ErrOutcomeUnknown:
		return false
	}
	return errors.Is(q.err, target)
}

// Bad ends the Link over an answer that the command cannot have: what answered may not be the card that was opened.
// want is the number of data bytes that would have been right.
func (l *Link) Bad(op string, r apdu.Response, want int) error {
	err := r.SW.Err()
	if err == nil {
		err = fmt.Errorf("%d bytes of data, want %d", len(r.Data), want)
	}
	return l.End(cardreader.CodeBadAnswer, op, err)
}

// End ends the Link with an outcome that nobody knows.
func (l *Link) End(code, op string, err error) error {
	l.dead = true
	return Fail(cardreader.Unknown, code, op, err)
}

// Do runs f while no other program can talk to the card.
func (l *Link) Do(ctx context.Context, f func() error) error { return l.card.Do(ctx, f) }

// Close ends the connection and powers the card down, which forgets what was granted. It may be called twice.
func (l *Link) Close() error { return l.card.Close() }

// Fail is an error of a chip driver.
func Fail(class cardreader.Class, code, op string, err error) error {
	return &cardreader.Error{Class: class, Code: code, Op: op, Err: err}
}
