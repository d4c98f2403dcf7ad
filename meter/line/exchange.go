package line

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tally/meter"
)

// Verdict is what a protocol sees in the bytes that have arrived so far.
type Verdict struct {
	Drop int // that many leading bytes are not of the answer (noise, a stale frame); asked again without them
	Need int // how long the answer will be, as far as the bytes tell; it is complete when that many are there
}

// Exchange is a question, and how its answer is recognised.
type Exchange struct {
	Peer    string        // who is asked, for Owes; empty if answers cannot be confused
	Request []byte        // the frame as it goes on the wire
	Length  int           // length of a right answer, to allow for its time on the wire; 0 if unknown
	Timeout time.Duration // how long the meter may think; 0 = the line's
	Mirrors bool          // a right answer may be byte for byte the request (Modbus writes)

	// Expect judges the bytes so far, at least one. An error ends the exchange; it matches one of package meter's.
	// Errors matching meter.ErrException or meter.ErrBusy are well-formed answers, after any other the line is put
	// in quarantine. Expect must check everything that is needed before it calls an answer complete.
	Expect func(sofar []byte) (Verdict, error)
}

// Answer is what came back.
type Answer struct {
	Bytes []byte        // without echo and dropped bytes; also set when Expect refused it
	At    time.Time     // when its last byte was seen
	After time.Duration // from the end of the request to the last byte

	Echoed bool // the adapter handed the request back; that is stripped
}

// most is how many bytes one exchange takes before it is called noise; the longest frame of any protocol is below 600.
const most = 2048

// look is how long a read waits when only bytes that are already there are wanted.
const look = 200 * time.Microsecond

// Exchange asks once. It never repeats a request. The error matches one of package meter's.
func (le *Lease) Exchange(ctx context.Context, x Exchange) (Answer, error) {
	l := le.line
	if le.released {
		return Answer{}, fmt.Errorf("use line %s after its lease: %w", l.name, meter.ErrLine)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.done, cancel)()
	from := time.Now()
	x, pace := paced(ctx, x)
	answer, err := l.exchange(ctx, x)
	pace.took(answer, err)
	l.note(answer, err, time.Since(from))
	if err != nil {
		return answer, fmt.Errorf("ask on line %s: %w", l.name, err)
	}
	return answer, nil
}

func (l *Line) exchange(ctx context.Context, x Exchange) (Answer, error) {
	if x.Mirrors && l.echo == EchoAuto {
		return Answer{}, fmt.Errorf("echo of the adapter is not known yet, read something first: %w", meter.ErrLine)
	}
	if err := l.ready(ctx, l.user.mode); err != nil {
		return Answer{}, err
	}
	w := watch(ctx, l.conn)
	defer w.stop()
	if err := l.send(w, x); err != nil {
		l.drop(err, true)
		return Answer{}, fmt.Errorf("%w: %w", meter.ErrLine, err)
	}
	answer, exact, err := l.receive(w, x, l.user.habit.wake(x))
	l.user.habit.note(x, answer.After, exact, err)
	l.after(x, err)
	return answer, err
}

// after decides in what state the exchange leaves the line.
func (l *core) after(x Exchange, err error) {
	switch {
	case err == nil, errors.Is(err, meter.ErrException), errors.Is(err, meter.ErrBusy):
		l.proven, l.pause = true, 0
		return
	case errors.Is(err, meter.ErrLine):
		l.drop(err, true)
	case l.traits.Fragile:
		l.drop(err, false)
	}
	l.dirty = true
	if x.Peer != "" {
		l.owes[x.Peer] = struct{}{}
	}
}

// ready opens the line if needed, waits for the silence that is owed and sets the port as this meter wants it.
func (l *core) ready(ctx context.Context, mode Mode) error {
	for try := 0; ; try++ {
		if err := l.ensureOpen(ctx); err != nil {
			return err
		}
		err := l.silence(ctx)
		if err == nil {
			err = l.tune(ctx, mode)
		}
		if err == nil || !errors.Is(err, errGone) {
			return err
		}
		l.drop(err, true) // the peer hung up since the last exchange: that costs nothing yet
		if try > 0 {
			return fmt.Errorf("%w: %w", meter.ErrLine, err)
		}
	}
}

var errGone = errors.New("connection is gone")

// ErrNoisy says that the line was never silent: something else talks on it. It matches meter.ErrLine.
var ErrNoisy = fmt.Errorf("line was not silent, something talks on it: %w", meter.ErrLine)

// silence throws away what nobody asked for, until the line was silent long enough: the gap of the protocol, or in
// quarantine the longer quiet time counted from now.
func (l *core) silence(ctx context.Context) error {
	w := watch(ctx, l.conn)
	defer w.stop()
	giveUp := time.Now().Add(l.opts.Noise)
	until := l.last.Add(l.gap())
	if l.dirty {
		until = time.Now().Add(l.opts.Quiet)
	}
	if soon := time.Now().Add(look); until.Before(soon) {
		until = soon
	}
	var scrap [256]byte
	for {
		n, err := w.read(scrap[:], until)
		if n > 0 {
			l.heard(false, scrap[:n])
			l.stale(n)
			l.dirty, l.last = true, time.Now()
			until = l.last.Add(l.opts.Quiet)
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", meter.ErrLine, context.Cause(ctx))
		case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(until):
			l.dirty = false
			return nil
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("%w: %w", errGone, err)
		case !time.Now().Before(giveUp):
			return fmt.Errorf("wait %s on line %s: %w", l.opts.Noise, l.name, ErrNoisy)
		}
	}
}

// send writes the request, and notes when its last byte is on the wire.
func (l *core) send(w *watched, x Exchange) error {
	if c, ok := l.conn.(interface{ SetWriteDeadline(time.Time) error }); ok {
		if err := c.SetWriteDeadline(time.Now().Add(l.timeout(x))); err != nil {
			return err
		}
	}
	from := time.Now()
	if _, err := l.conn.Write(x.Request); err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	l.heard(true, x.Request)
	if d, ok := l.conn.(interface{ Drain() error }); ok {
		if err := d.Drain(); err != nil {
			return fmt.Errorf("drain request: %w", err)
		}
	}
	// A port takes the bytes faster than the wire does.
	l.last = from.Add(l.traits.Char * time.Duration(len(x.Request)))
	if now := time.Now(); now.After(l.last) {
		l.last = now
	}
	return nil
}

// timeout is the total: the meter's time to think and the frames' time on the wire.
func (l *core) timeout(x Exchange) time.Duration {
	t := x.Timeout
	if t <= 0 {
		t = l.opts.Timeout
	}
	return t + l.traits.Char*time.Duration(len(x.Request)+x.Length)
}

// receive collects the answer until it is complete, refused, or the total deadline has passed. It does not look before
// wake has passed since the request; exact tells whether the answer was seen when it came.
func (l *core) receive(w *watched, x Exchange, wake time.Duration) (answer Answer, exact bool, err error) {
	sent := l.last
	deadline := sent.Add(l.timeout(x))
	if wake > 0 {
		l.rest(w.ctx, sent.Add(min(wake, l.timeout(x))))
	}
	in := inbox{request: x.Request, echo: &l.echo, configured: l.opts.Echo}
	var chunk [512]byte
	for {
		n, err := w.read(chunk[:], deadline)
		if n > 0 {
			l.last = time.Now()
			l.heard(false, chunk[:n])
			done, judged := in.take(chunk[:n], x.Expect)
			if done || judged != nil {
				l.trailing(&in, judged)
				after := l.last.Sub(sent)
				seen := wake == 0 || after > wake+margin/2 // otherwise it had been there when we looked
				return Answer{Bytes: in.answer(), At: l.last, After: max(after, 0), Echoed: in.echoed}, seen, judged
			}
		}
		switch {
		case in.total > most:
			return Answer{}, true, fmt.Errorf("%d bytes came and no answer among them: %w", in.total, meter.ErrMalformed)
		case w.ctx.Err() != nil:
			return Answer{}, true, fmt.Errorf("%w: %w", meter.ErrSilent, context.Cause(w.ctx))
		case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(deadline):
			return Answer{Bytes: in.answer(), Echoed: in.echoed}, true, in.missing(deadline.Sub(sent))
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			return Answer{}, true, fmt.Errorf("read answer: %w: %w", meter.ErrLine, err)
		}
	}
}

// trailing keeps account of an answer that was judged: bytes behind it put the line in quarantine.
func (l *core) trailing(in *inbox, judged error) {
	if extra := in.extra(); extra > 0 {
		l.stale(extra)
		l.dirty = true
	}
	if judged == nil && l.echo == EchoAuto && !in.echoed {
		l.echo = EchoNone
	}
}
