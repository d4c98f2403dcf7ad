package line

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"go.bug.st/serial"
)

// Parity of a character.
type Parity string

// Parities.
const (
	None Parity = "none"
	Even Parity = "even"
	Odd  Parity = "odd"
)

// SerialConfig describes a serial port. Prefer a path below /dev/serial/by-id: it stays with the adapter.
type SerialConfig struct {
	Path     string // "/dev/ttyUSB0", "COM3"
	Baud     int    // 300 … 921600; 0 = 9600
	Parity   Parity // empty = None
	DataBits int    // 0 = 8
	StopBits int    // 1 or 2; 0 = 1
}

// Char is the time that one character takes on the wire: start bit, data, parity, stop bits.
func (c SerialConfig) Char() time.Duration {
	c = c.withDefaults()
	bits := 1 + c.DataBits + c.StopBits
	if c.Parity != None {
		bits++
	}
	return time.Duration(bits) * time.Second / time.Duration(c.Baud)
}

func (c SerialConfig) withDefaults() SerialConfig {
	if c.Baud <= 0 {
		c.Baud = 9600
	}
	if c.DataBits == 0 {
		c.DataBits = 8
	}
	if c.StopBits == 0 {
		c.StopBits = 1
	}
	if c.Parity == "" {
		c.Parity = None
	}
	return c
}

func (c SerialConfig) mode() (*serial.Mode, error) {
	parity, ok := map[Parity]serial.Parity{None: serial.NoParity, Even: serial.EvenParity, Odd: serial.OddParity}[c.Parity]
	if !ok {
		return nil, fmt.Errorf("parity %q is none of none, even, odd", c.Parity)
	}
	stop, ok := map[int]serial.StopBits{1: serial.OneStopBit, 2: serial.TwoStopBits}[c.StopBits]
	if !ok {
		return nil, fmt.Errorf("%d stop bits: 1 or 2 are possible", c.StopBits)
	}
	return &serial.Mode{BaudRate: c.Baud, DataBits: c.DataBits, Parity: parity, StopBits: stop}, nil
}

// Serial opens a serial port and locks it against every other process, root included (Linux: flock and the exclusive
// bit; Windows does it by itself). A port that somebody else has is an error that says so.
func Serial(cfg SerialConfig) Opener {
	cfg = cfg.withDefaults()
	return func(context.Context) (Conn, error) {
		mode, err := cfg.mode()
		if err != nil {
			return nil, err
		}
		lock, err := lockPort(cfg.Path)
		if err != nil {
			return nil, err
		}
		port, err := serial.Open(cfg.Path, mode)
		if err != nil {
			lock.Close()
			return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
		}
		s := &serialConn{port: port, lock: lock, char: cfg.Char()}
		if err := s.probe(); err != nil {
			s.Close()
			return nil, fmt.Errorf("use %s: %w", cfg.Path, err)
		}
		return s, nil
	}
}

// serialConn gives a serial port deadlines.
type serialConn struct {
	port     serial.Port
	lock     io.Closer
	char     time.Duration
	deadline atomic.Int64 // Unix nanoseconds
}

// Traits tells the time of a character.
func (s *serialConn) Traits() Traits { return Traits{Char: s.char} }

// probe reads once without waiting: the library panics in its first read when the process has so many files open that
// the port's descriptor does not fit select(2).
func (s *serialConn) probe() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("descriptor of the port is too high, too many files are open: %v", r)
		}
	}()
	if err := s.port.SetReadTimeout(0); err != nil {
		return err
	}
	var scrap [256]byte
	_, err = s.port.Read(scrap[:])
	return err
}

// slice is how long one read of the library may wait: a deadline that is set meanwhile is noticed after that.
const slice = 50 * time.Millisecond

// Read waits until the deadline. What has arrived is returned even if the deadline has passed.
func (s *serialConn) Read(b []byte) (int, error) {
	for {
		left := time.Until(time.Unix(0, s.deadline.Load()))
		// Windows counts in milliseconds, and there zero is not "do not wait".
		wait := max(min(left, slice), time.Millisecond)
		if left <= 0 {
			wait = 0
		}
		if err := s.port.SetReadTimeout(atLeast(wait)); err != nil {
			return 0, err
		}
		n, err := s.port.Read(b)
		if n > 0 || err != nil {
			return n, err
		}
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

func (s *serialConn) SetReadDeadline(t time.Time) error {
	s.deadline.Store(t.UnixNano())
	return nil
}

func (s *serialConn) Write(b []byte) (int, error) {
	for sent := 0; ; {
		n, err := s.port.Write(b[sent:])
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

// Drain waits until the last byte has left the port.
func (s *serialConn) Drain() error {
	for {
		if err := s.port.Drain(); !interrupted(err) {
			return err
		}
	}
}

// interrupted tells whether a signal ended a system call early. The Go runtime sends itself some, and the library hands
// the error on from Write and Drain.
func interrupted(err error) bool { return errors.Is(err, syscall.EINTR) }

// Close closes the port and then gives it free.
func (s *serialConn) Close() error {
	err := s.port.Close()
	if unlock := s.lock.Close(); err == nil {
		err = unlock
	}
	return err
}
