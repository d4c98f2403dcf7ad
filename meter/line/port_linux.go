package line

import (
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"tally/meter"
)

// lockPort takes the port for this process until the returned Closer is closed. flock keeps out whoever asks, and the
// exclusive bit of the terminal tells of those who do not: the kernel lets root open such a port all the same.
func lockPort(path string) (io.Closer, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("lock %s, another process has it: %w: %w", path, meter.ErrLine, err)
	}
	exclusive, err := unix.IoctlGetInt(fd, unix.TIOCGEXCL)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("use %s, it is no serial port: %w", path, err)
	}
	if exclusive != 0 {
		unix.Close(fd)
		return nil, fmt.Errorf("use %s, another process has it for itself: %w", path, meter.ErrLine)
	}
	return portLock(fd), nil
}

type portLock int

func (l portLock) Close() error { return unix.Close(int(l)) }

func atLeast(wait time.Duration) time.Duration { return wait }
