package line

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"tally/meter"
)

// Echo says whether an RS-485 adapter hands back what is written through it.
type Echo int

// Echo settings.
const (
	EchoAuto   Echo = iota // learnt from the first answers
	EchoNone               // what comes is the meter's
	EchoAlways             // each request comes back first and is stripped; without it no answer counts
)

// inbox collects one answer.
type inbox struct {
	request    []byte
	echo       *Echo // what is known of the adapter
	configured Echo
	buf        []byte
	total      int
	dropped    int
	need       int
	echoed     bool // the echo was there and is stripped
	plain      bool // decided: no echo in front of this answer
}

// take adds bytes and tells whether the answer is complete.
func (in *inbox) take(b []byte, expect func([]byte) (Verdict, error)) (bool, error) {
	in.total += len(b)
	in.buf = append(in.buf, b...)
	if wait, err := in.stripEcho(); wait || err != nil {
		return false, err
	}
	for len(in.buf) > 0 {
		v, err := expect(in.buf)
		if err != nil {
			return false, err
		}
		if v.Drop > 0 {
			drop := min(v.Drop, len(in.buf))
			in.dropped += drop
			in.buf, in.need = in.buf[drop:], 0
			continue
		}
		in.need = v.Need
		return v.Need > 0 && v.Need <= len(in.buf), nil
	}
	return false, nil
}

// stripEcho removes the request from the front. It tells to wait while what is there could still become the echo.
//
// The answer to a read never starts with the whole request, so seeing it there proves the echo. A write is answered by
// its own mirror image: there only what is known of the adapter decides.
func (in *inbox) stripEcho() (wait bool, err error) {
	if in.echoed || in.plain || *in.echo == EchoNone {
		return false, nil
	}
	n := min(len(in.buf), len(in.request))
	same := bytes.Equal(in.buf[:n], in.request[:n])
	switch {
	case same && n < len(in.request):
		return true, nil
	case same:
		in.buf = in.buf[n:]
		in.echoed = true
		*in.echo = EchoAlways
		return len(in.buf) == 0, nil
	case in.configured == EchoAlways:
		return false, fmt.Errorf("echo of the adapter differs from the request, the line is disturbed: %w", meter.ErrChecksum)
	}
	in.plain = true
	return false, nil
}

// answer is the judged part of what came.
func (in *inbox) answer() []byte {
	if in.need > 0 && in.need < len(in.buf) {
		return in.buf[:in.need]
	}
	return in.buf
}

// extra is how many bytes came behind the complete answer.
func (in *inbox) extra() int {
	if in.need == 0 {
		return 0
	}
	return max(len(in.buf)-in.need, 0)
}

// missing is the error for an answer that was not complete in time.
func (in *inbox) missing(after time.Duration) error {
	switch {
	case len(in.buf) > 0 && in.need > 0:
		return fmt.Errorf("answer broke off after %d of %d bytes: %w", len(in.buf), in.need, meter.ErrChecksum)
	case len(in.buf) > 0:
		return fmt.Errorf("answer broke off after %d bytes: %w", len(in.buf), meter.ErrChecksum)
	case in.dropped > 0:
		return fmt.Errorf("%d bytes came that were no answer, then nothing for %s: %w", in.dropped, after, meter.ErrForeign)
	case in.echoed:
		return fmt.Errorf("only the adapter's own echo within %s: %w", after, meter.ErrSilent)
	}
	return fmt.Errorf("nothing within %s: %w", after, meter.ErrSilent)
}

// watched reads from a connection so that the end of a context ends the read.
type watched struct {
	ctx  context.Context
	conn Conn
	stop func() bool

	mu   sync.Mutex
	over bool
	set  time.Time // the deadline that the connection has
}

func watch(ctx context.Context, conn Conn) *watched {
	w := &watched{ctx: ctx, conn: conn}
	w.stop = context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = true
		conn.SetReadDeadline(time.Unix(1, 0)) // fails only on a connection whose read fails anyway
	})
	return w
}

// read is one Read with a deadline; the two cannot undo each other.
func (w *watched) read(b []byte, deadline time.Time) (int, error) {
	if d, ok := w.ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	w.mu.Lock()
	if w.over || w.ctx.Err() != nil {
		w.mu.Unlock()
		return 0, w.ctx.Err()
	}
	var err error
	if !deadline.Equal(w.set) { // each time that it is set may wake a thread
		w.set, err = deadline, w.conn.SetReadDeadline(deadline)
	}
	w.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return w.conn.Read(b)
}
