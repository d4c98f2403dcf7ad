package line

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"tally/meter"
)

// Conn is an open serial port or TCP connection; net.Conn is one. A Read that reaches its deadline returns an error
// matching os.ErrDeadlineExceeded. SetReadDeadline may be called while a Read waits and ends it.
type Conn interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
}

// Opener opens the line's connection. The line calls it again, with growing pauses, whenever the connection is lost;
// it closes what it got.
type Opener func(ctx context.Context) (Conn, error)

// Traits is what a connection knows about itself. A Conn may have a method Traits() Traits; without it all is zero.
type Traits struct {
	Char    time.Duration // time of one character on the wire, 0 where that means nothing
	Fragile bool          // dropped after any error: a stream whose position is no longer known (TCP)
}

// Options tune a line; the zero value is useful.
type Options struct {
	Gap     time.Duration // silence before each request; 0 = t3.5 of a serial line, nothing on TCP
	Timeout time.Duration // how long a meter may think before its answer counts as missing; 0 = 1 s
	Quiet   time.Duration // silence that ends a quarantine; 0 = 100 ms
	Noise   time.Duration // how long to wait for that silence before the line is called noisy; 0 = 5 s
	Echo    Echo          // whether the adapter sends back what is written
	OpenMin time.Duration // first pause after the connection was lost; 0 = 500 ms
	OpenMax time.Duration // longest pause; 0 = 30 s
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&o.Timeout, time.Second}, {&o.Quiet, 100 * time.Millisecond}, {&o.Noise, 5 * time.Second},
		{&o.OpenMin, 500 * time.Millisecond}, {&o.OpenMax, 30 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	return o
}

// ErrClosed says that the line was closed for good. It matches meter.ErrLine.
var ErrClosed = fmt.Errorf("line is closed: %w", meter.ErrLine)

// Line is one serial line or TCP connection, as one meter uses it or as a whole. All methods may be called from several
// goroutines.
type Line struct {
	*core
	user *user // who talks through this view of the line
}

// user is what a line knows of one of those who talk on it. The core's mutex guards its figures.
type user struct {
	mode    Mode // zero = the line's own
	figures *tally
	habit   *habit // belongs to the holder of the lease
}

// core is what all views of a line share.
type core struct {
	name  string
	open  Opener
	opts  Options
	queue queue
	done  context.Context // ends when the line is closed
	close context.CancelFunc
	lost  chan struct{} // a hint for Run that the connection went away

	closing sync.Mutex // several may close at once

	state // belongs to the holder of the lease

	mu    sync.Mutex // guards the figures
	stats tally      // of all
	since time.Time
	users map[string]*user

	taps taps
}

// state is touched only by whoever holds the lease.
type state struct {
	conn    Conn
	traits  Traits
	mode    Mode      // what the port is set to, as far as somebody asked for it
	proven  bool      // an answer came over this connection
	dirty   bool      // quarantine: silence is owed before the next request
	last    time.Time // when the last byte was seen or sent
	echo    Echo
	seq     uint16
	alarm   *time.Timer // of rest
	owes    map[string]struct{}
	owesAll bool                // after a loan everybody may owe an answer …
	settled map[string]struct{} // … but for these
	retryAt time.Time
	pause   time.Duration
	openErr error
}

// New makes a line; nothing is opened before Run or the first exchange.
func New(name string, open Opener, opts Options) *Line {
	l := &Line{core: &core{name: name, open: open, opts: opts.withDefaults(), lost: make(chan struct{}, 1)}, user: &user{habit: &habit{}}}
	l.done, l.close = context.WithCancel(context.Background())
	l.echo = l.opts.Echo
	l.owes = map[string]struct{}{}
	l.since, l.users = time.Now(), map[string]*user{}
	l.stats.ring = make([]uint32, remembered)
	return l
}

// For is the line as one meter uses it: with a speed and parity of its own, where mode is not zero, and with figures of
// its own under the given name. It is the same line: one lease, one connection. Closing it closes the line.
func (l *Line) For(name string, mode Mode) *Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.users[name]
	if u == nil {
		u = &user{figures: &tally{}, habit: &habit{}}
		l.users[name] = u
	}
	return &Line{core: l.core, user: &user{mode: mode, figures: u.figures, habit: u.habit}}
}

// Name is the line's name in the config.
func (l *Line) Name() string { return l.name }

// Run keeps the line open until ctx ends, looking for a lost port again and again with growing pauses, and closes it
// then. A line works without Run too, but it is opened only when somebody wants to talk, and must be closed by Close.
func (l *Line) Run(ctx context.Context) error {
	defer l.Close()
	for {
		wait, err := l.keepOpen(ctx)
		if errors.Is(err, ErrClosed) || ctx.Err() != nil {
			return nil
		}
		timer := time.NewTimer(wait)
		if wait == 0 {
			timer.Stop() // open: wait until it is lost
		}
		select {
		case <-ctx.Done():
		case <-l.done.Done():
		case <-l.lost:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// keepOpen opens the line if it is not, and returns after which pause to try again, 0 if it is open.
func (l *Line) keepOpen(ctx context.Context) (time.Duration, error) {
	lease, err := l.Lease(ctx, Command)
	if err != nil {
		return 0, err
	}
	defer lease.Release()
	if err := l.ensureOpen(ctx); err != nil {
		return max(time.Until(l.retryAt), time.Millisecond), err
	}
	return 0, nil
}

// Close ends an exchange that is under way, closes the connection and refuses everything from then on. It may be called
// twice.
func (l *Line) Close() error {
	l.close()
	l.queue.shut()
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.conn == nil {
		return nil
	}
	err := l.conn.Close()
	l.conn = nil
	return err
}

// At is the line at another speed, with the same figures as this view of it.
func (l *Line) At(mode Mode) *Line {
	return &Line{core: l.core, user: &user{mode: mode, figures: l.user.figures, habit: &habit{}}}
}

// ensureOpen opens the connection unless the pause after the last loss is not over.
func (l *core) ensureOpen(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	if wait := time.Until(l.retryAt); wait > 0 {
		return fmt.Errorf("wait %s before line %s is tried again: %w: %w", wait.Round(time.Millisecond), l.name, meter.ErrLine, l.openErr)
	}
	conn, err := l.open(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.backOff(err)
		}
		return fmt.Errorf("open line %s: %w: %w", l.name, meter.ErrLine, err)
	}
	l.conn, l.traits, l.mode, l.proven = conn, Traits{}, Mode{}, false
	if t, ok := conn.(interface{ Traits() Traits }); ok {
		l.traits = t.Traits()
	}
	// A serial port may hold the rest of an answer to somebody who was here before us.
	l.dirty = !l.traits.Fragile
	l.setUp(true)
	return nil
}

func (l *core) backOff(err error) {
	l.pause = min(max(2*l.pause, l.opts.OpenMin), l.opts.OpenMax)
	l.retryAt = time.Now().Add(l.pause)
	l.openErr = err
}

// drop closes a connection that can no longer be used. If it never brought an answer the next one has to wait: a peer
// that accepts and hangs up must not be hammered.
func (l *core) drop(err error, penalty bool) {
	if l.conn == nil {
		return
	}
	l.conn.Close() // its error would say nothing beyond err
	l.conn = nil
	l.setUp(false)
	if penalty && !l.proven {
		l.backOff(err)
	}
	select {
	case l.lost <- struct{}{}:
	default:
	}
}

// gap is the silence that the protocol wants before a request: 3.5 characters, at least 1.75 ms (Modbus over Serial
// Line V1.02, 2.5.1.1).
func (l *core) gap() time.Duration {
	if l.opts.Gap > 0 || l.traits.Char == 0 {
		return l.opts.Gap
	}
	return max(l.traits.Char*7/2, 1750*time.Microsecond)
}
