package line

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
)

// timed gives the library's port deadlines. It is used where the operating system's own descriptor has none (Windows).
type timed struct {
	port     serial.Port
	deadline atomic.Pointer[time.Time] // with its monotonic clock: the wall clock may step while somebody waits
}

// timedPort reads once without waiting: the library panics in its first read when the process has so many files open
// that the port's descriptor does not fit select(2).
func timedPort(port serial.Port) (t *timed, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("descriptor of the port is too high, too many files are open: %v", r)
		}
	}()
	if err := port.SetReadTimeout(atLeast(0)); err != nil {
		return nil, err
	}
	var scrap [256]byte
	if _, err := port.Read(scrap[:]); err != nil {
		return nil, err
	}
	return &timed{port: port}, nil
}

// slice is how long one read of the library may wait: a deadline that is set meanwhile is noticed after that.
const slice = 50 * time.Millisecond

// Read waits until the deadline. What has arrived is returned even if the deadline has passed.
func (t *timed) Read(b []byte) (int, error) {
	for {
		var left time.Duration
		if d := t.deadline.Load(); d != nil {
			left = time.Until(*d)
		}
		// Windows counts in milliseconds, and there zero is not "do not wait".
		wait := max(min(left, slice), time.Millisecond)
		if left <= 0 {
			wait = 0
		}
		if err := t.port.SetReadTimeout(atLeast(wait)); err != nil {
			return 0, err
		}
		n, err := t.port.Read(b)
		if n > 0 || err != nil {
			return n, err
		}
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// SetReadDeadline bounds reads that begin, and within a slice those that wait.
func (t *timed) SetReadDeadline(at time.Time) error {
	t.deadline.Store(&at)
	return nil
}

// SetWriteDeadline does nothing: the library's Write has none.
func (*timed) SetWriteDeadline(time.Time) error { return nil }

func (t *timed) Write(b []byte) (int, error) {
	for sent := 0; ; {
		n, err := t.port.Write(b[sent:])
		sent += n
		switch {
		case interrupted(err):
		case err != nil || sent == len(b):
			return sent, err
		case n == 0:
			return sent, io.ErrShortWrite
		}
	}
}
