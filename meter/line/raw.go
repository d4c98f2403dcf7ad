package line

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"tally/meter"
)

// Raw is the line's connection byte by byte, for those who only listen and for a borrower who runs exchanges of its own
// through it. It is a Conn, belongs to the lease and must be closed before the lease is released. One goroutine may read
// while another one writes; Close comes after both.
//
// What a borrower asked, this line cannot know. So after a loan in which something was written the line owes silence, and
// every meter on it counts as owing an answer until it has settled that.
type Raw struct {
	line  *Line
	conn  Conn
	watch *watched
	end   context.CancelFunc

	mu    sync.Mutex // guards what reader and writer share, and the state of the line
	wrote bool
	err   error // that ended the connection
	until time.Time
}

// Quiet opens the line, waits for the silence that it owes and sets it as this view of it wants: then no late answer to
// an earlier question can come any more. ErrNoisy when there is no silence.
func (le *Lease) Quiet(ctx context.Context) error {
	l := le.line
	if le.released {
		return fmt.Errorf("use line %s after its lease: %w", l.name, meter.ErrLine)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.done, cancel)()
	return l.ready(ctx, l.user.mode)
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
func (r *Raw) Traits() Traits {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.line.traits
}

// SetMode changes speed and parity; the zero Mode is the line's own. The line goes back to its own after the loan.
func (r *Raw) SetMode(m Mode) error {
	port, ok := r.conn.(tunable)
	if !ok {
		return fmt.Errorf("set line %s to %d baud: its connection has no speed of its own: %w", r.line.name, m.Baud, meter.ErrLine)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := port.SetMode(m); err != nil {
		r.err = err
		return fmt.Errorf("set line %s to %d baud: %w: %w", r.line.name, m.Baud, meter.ErrLine, err)
	}
	r.line.mode, r.line.traits = m, port.Traits()
	return nil
}

// SetReadDeadline bounds the reads that follow.
func (r *Raw) SetReadDeadline(t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = t
	return nil
}

// Read returns what came, or an error matching os.ErrDeadlineExceeded at the deadline. When the loan's context has ended
// it returns that context's error.
func (r *Raw) Read(b []byte) (int, error) {
	r.mu.Lock()
	until := r.until
	r.mu.Unlock()
	n, err := r.watch.read(b, until)
	r.line.heard(false, b[:n])
	over := r.over()
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > 0 {
		r.line.last = time.Now()
	}
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

// writeTime bounds one write: the longest frame at 300 baud takes ten seconds.
const writeTime = 15 * time.Second

// Write puts bytes on the line.
func (r *Raw) Write(b []byte) (int, error) {
	if err := r.over(); err != nil {
		return 0, err
	}
	if c, ok := r.conn.(interface{ SetWriteDeadline(time.Time) error }); ok {
		if err := c.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return 0, err
		}
	}
	n, err := r.conn.Write(b)
	r.line.heard(true, b[:n])
	r.noteWrite(err)
	return n, err
}

// Drain waits until the last byte has left the port.
func (r *Raw) Drain() error {
	d, ok := r.conn.(interface{ Drain() error })
	if !ok {
		return nil
	}
	err := d.Drain()
	r.noteWrite(err)
	return err
}

func (r *Raw) noteWrite(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrote, r.line.last = true, time.Now()
	if err != nil {
		r.err = err
	}
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
