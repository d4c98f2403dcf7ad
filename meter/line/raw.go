package line

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tally/meter"
)

// Raw is the line's connection byte by byte, for those who only listen and for a borrower who runs exchanges of its own
// through it. It is a Conn, belongs to the lease and must be closed before the lease is released.
//
// What a borrower asked, this line cannot know. So after a loan in which something was written the line owes silence, and
// every meter on it counts as owing an answer until it has settled that.
type Raw struct {
	line  *Line
	conn  Conn
	watch *watched
	end   context.CancelFunc
	wrote bool
	err   error // that ended the connection
	until time.Time
}

// Raw lends the connection, opened if it was not and set as this view of the line wants it. It does not wait for silence.
// The loan ends with ctx at the latest: reads fail then.
func (le *Lease) Raw(ctx context.Context) (*Raw, error) {
	l := le.line
	if le.released {
		return nil, fmt.Errorf("use line %s after its lease: %w", l.name, meter.ErrLine)
	}
	if err := l.ensureOpen(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.done, cancel)
	r := &Raw{line: l, conn: l.conn, watch: watch(ctx, l.conn), end: func() { stop(); cancel() }}
	if l.user.mode != l.mode {
		if err := r.SetMode(l.user.mode); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// Traits is what the connection knows about itself.
func (r *Raw) Traits() Traits { return r.line.traits }

// SetMode changes speed and parity; the zero Mode is the line's own. The line goes back to its own after the loan.
func (r *Raw) SetMode(m Mode) error {
	port, ok := r.conn.(tunable)
	if !ok {
		return fmt.Errorf("set line %s to %d baud: its connection has no speed of its own: %w", r.line.name, m.Baud, meter.ErrLine)
	}
	if err := port.SetMode(m); err != nil {
		r.err = err
		return fmt.Errorf("set line %s to %d baud: %w: %w", r.line.name, m.Baud, meter.ErrLine, err)
	}
	r.line.mode, r.line.traits = m, port.Traits()
	return nil
}

// SetReadDeadline bounds the reads that follow.
func (r *Raw) SetReadDeadline(t time.Time) error {
	r.until = t
	return nil
}

// Read returns what came, or an error matching os.ErrDeadlineExceeded at the deadline. When the loan's context has ended
// it returns that context's error.
func (r *Raw) Read(b []byte) (int, error) {
	n, err := r.watch.read(b, r.until)
	if n > 0 {
		r.line.last = time.Now()
		r.line.heard(false, b[:n])
	}
	over := r.over()
	switch {
	case n > 0:
		return n, nil
	case over != nil:
		return 0, over
	case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
		r.err = err
	}
	return n, err
}

// over says why the loan has ended, nil while it has not. A context's own timer may be a moment behind its deadline.
func (r *Raw) over() error {
	if end, ends := r.watch.ctx.Deadline(); ends && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return context.Cause(r.watch.ctx)
}

// Write puts bytes on the line.
func (r *Raw) Write(b []byte) (int, error) {
	if err := r.over(); err != nil {
		return 0, err
	}
	r.wrote = true
	n, err := r.conn.Write(b)
	if err != nil {
		r.err = err
	}
	r.line.heard(true, b[:n])
	r.line.last = time.Now()
	return n, err
}

// Drain waits until the last byte has left the port.
func (r *Raw) Drain() error {
	d, ok := r.conn.(interface{ Drain() error })
	if !ok {
		return nil
	}
	err := d.Drain()
	if err != nil {
		r.err = err
	}
	r.line.last = time.Now()
	return err
}

// Close gives the connection back. It may be called twice.
func (r *Raw) Close() error {
	if r.end == nil {
		return nil
	}
	r.watch.stop()
	r.end()
	r.end = nil
	l := r.line
	l.dirty = true
	if r.wrote {
		l.owesAll = true
		l.settled = map[string]struct{}{}
	}
	if r.err != nil || r.wrote && l.traits.Fragile {
		l.drop(r.err, false)
	}
	return nil
}
