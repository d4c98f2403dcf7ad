package line

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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

// Mode is how characters go over a serial line. The zero value is the line's own; fields that are zero have the
// defaults of SerialConfig.
type Mode struct {
	Baud     int
	Parity   Parity
	DataBits int
	StopBits int
}

// Char is the time that one character takes on the wire.
func (m Mode) Char() time.Duration {
	return SerialConfig{Baud: m.Baud, Parity: m.Parity, DataBits: m.DataBits, StopBits: m.StopBits}.Char()
}

// Direction says how an RS-485 adapter learns when to send.
type Direction string

// Directions. Adapters that switch by themselves, and UARTs whose driver does it (Linux: serial_rs485), are automatic.
const (
	DirectionAuto     Direction = "auto"
	DirectionRTS      Direction = "rts"          // RTS is on while we send
	DirectionInverted Direction = "rts-inverted" // RTS is off while we send
)

// SerialConfig describes a serial port. Prefer a path below /dev/serial/by-id: it stays with the adapter.
type SerialConfig struct {
	Path      string    // "/dev/ttyUSB0", "COM3"
	Baud      int       // 300 … 921600; 0 = 9600
	Parity    Parity    // empty = None
	DataBits  int       // 0 = 8
	StopBits  int       // 1 or 2; 0 = 1
	Direction Direction // empty = DirectionAuto
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
	if c.Direction == "" {
		c.Direction = DirectionAuto
	}
	return c
}

// with is the port at another speed.
func (c SerialConfig) with(m Mode) SerialConfig {
	c.Baud = cmp.Or(m.Baud, c.Baud)
	c.Parity = cmp.Or(m.Parity, c.Parity)
	c.DataBits = cmp.Or(m.DataBits, c.DataBits)
	c.StopBits = cmp.Or(m.StopBits, c.StopBits)
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
	mode := &serial.Mode{BaudRate: c.Baud, DataBits: c.DataBits, Parity: parity, StopBits: stop}
	switch c.Direction {
	case DirectionAuto:
	case DirectionRTS, DirectionInverted: // listen first
		mode.InitialStatusBits = &serial.ModemOutputBits{DTR: true, RTS: c.Direction == DirectionInverted}
	default:
		return nil, fmt.Errorf("direction %q is none of auto, rts, rts-inverted", c.Direction)
	}
	return mode, nil
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
			return nil, fmt.Errorf("open %s: %w", cfg.Path, explain(cfg, err))
		}
		s := &serialConn{port: port, lock: lock, cfg: cfg, char: cfg.Char()}
		if s.data, err = dataOf(lock, port); err != nil {
			s.Close()
			return nil, fmt.Errorf("use %s: %w", cfg.Path, err)
		}
		return s, nil
	}
}

// explain says why a port without modem lines cannot switch an adapter's direction.
func explain(cfg SerialConfig, err error) error {
	if cfg.Direction == DirectionAuto {
		return err
	}
	return fmt.Errorf("direction %q needs a port with an RTS line: %w", cfg.Direction, err)
}

// data is how bytes go through an open port.
type data interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// serialConn is an open port: the library sets it up and switches its lines, data carries the bytes.
type serialConn struct {
	data
	port    serial.Port
	lock    io.Closer
	cfg     SerialConfig
	char    time.Duration
	sending bool // the adapter's direction is out
}

// Traits tells the time of a character.
func (s *serialConn) Traits() Traits { return Traits{Char: s.char} }

// SetMode changes speed and parity; the zero Mode is what the port was opened with.
func (s *serialConn) SetMode(m Mode) error {
	cfg := s.cfg.with(m)
	mode, err := cfg.mode()
	if err != nil {
		return err
	}
	if err := s.port.SetMode(mode); err != nil {
		return err
	}
	s.char = cfg.Char()
	return nil
}

// Write sends b; with an adapter that does not switch by itself, Drain must follow.
func (s *serialConn) Write(b []byte) (int, error) {
	if s.cfg.Direction != DirectionAuto {
		if err := s.port.SetRTS(s.cfg.Direction == DirectionRTS); err != nil {
			return 0, fmt.Errorf("switch the adapter to sending: %w", err)
		}
		s.sending = true
	}
	return s.data.Write(b)
}

// Drain turns an adapter that does not switch by itself to listening when the last byte has left the port. Otherwise
// nobody has to wait: the time of the bytes on the wire is known, and a thread that waits in the kernel for each
// request costs more than the request.
func (s *serialConn) Drain() error {
	if !s.sending {
		return nil
	}
	err := s.port.Drain()
	for interrupted(err) {
		err = s.port.Drain()
	}
	s.sending = false
	if back := s.port.SetRTS(s.cfg.Direction == DirectionInverted); err == nil && back != nil {
		err = fmt.Errorf("switch the adapter to listening: %w", back)
	}
	return err
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
