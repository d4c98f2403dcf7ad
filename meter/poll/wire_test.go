package poll_test

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"tally/meter/line"
)

// wire is the master's end of a simulated serial line. What arrives waits in a buffer, as in a port, whether somebody
// reads or not; and it knows how long a character takes.
type wire struct {
	net.Conn
	char time.Duration
	in   chan []byte

	mu       sync.Mutex
	rest     []byte
	deadline time.Time
	moved    chan struct{} // closed when the deadline changes
}

// newWire makes both ends. The goroutine that fills the buffer belongs to group.
func newWire(char time.Duration, group *sync.WaitGroup) (ours line.Conn, theirs net.Conn) {
	near, far := net.Pipe()
	w := &wire{Conn: near, char: char, in: make(chan []byte, 1024), moved: make(chan struct{})}
	group.Go(func() {
		defer close(w.in)
		for {
			b := make([]byte, 256)
			n, err := near.Read(b)
			if err != nil {
				return
			}
			w.in <- b[:n]
		}
	})
	return w, far
}

func (w *wire) Traits() line.Traits { return line.Traits{Char: w.char} }

func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	close(w.moved)
	w.moved = make(chan struct{})
	return nil
}

func (w *wire) Read(b []byte) (int, error) {
	for {
		w.mu.Lock()
		if len(w.rest) > 0 {
			n := copy(b, w.rest)
			w.rest = w.rest[n:]
			w.mu.Unlock()
			return n, nil
		}
		moved, left := w.moved, time.Until(w.deadline)
		w.mu.Unlock()
		timer := time.NewTimer(left)
		select {
		case more, ok := <-w.in:
			timer.Stop()
			if !ok {
				return 0, io.EOF
			}
			w.mu.Lock()
			for w.rest = more; len(w.in) > 0; {
				w.rest = append(w.rest, <-w.in...)
			}
			w.mu.Unlock()
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		case <-moved:
			timer.Stop()
		}
	}
}
