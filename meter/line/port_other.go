//go:build !linux

package line

import (
	"io"
	"time"

	"go.bug.st/serial"
)

// lockPort does nothing: Windows opens a COM port for one process only.
func lockPort(string) (io.Closer, error) { return noLock{}, nil }

type noLock struct{}

func (noLock) Close() error { return nil }

// dataOf reads and writes through the library.
func dataOf(_ io.Closer, port serial.Port) (data, error) { return timedPort(port) }

// atLeast keeps a read timeout above zero, which Windows would not take for "do not wait".
func atLeast(wait time.Duration) time.Duration { return max(wait, time.Millisecond) }
