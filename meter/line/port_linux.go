package line

import (
	"fmt"
	"io"
	"os"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"tally/meter"
)

// lockPort takes the port for this process until the returned file is closed. flock keeps out whoever asks, and the
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
	return os.NewFile(uintptr(fd), path), nil
}

// dataOf carries the bytes through the descriptor that holds the lock: it does not block, so the runtime's poller waits
// for it. The library waits in select(2), which costs a thread for each port, wakes the scheduler's monitor all the
// time, and panics on descriptors from 1024 on.
func dataOf(lock io.Closer, port serial.Port) (data, error) {
	if f, ok := lock.(*os.File); ok && f.SetReadDeadline(time.Time{}) == nil {
		return f, nil
	}
	return timedPort(port)
}

func atLeast(wait time.Duration) time.Duration { return wait }
