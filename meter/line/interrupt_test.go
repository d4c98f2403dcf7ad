package line

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"go.bug.st/serial"
)

// interruptedPort is a port whose calls are ended by signals, as the runtime's own do on a busy machine.
type interruptedPort struct {
	serial.Port
	signals int // still to come
	wrote   bytes.Buffer
	fails   error
}

func (p *interruptedPort) interrupt() error {
	if p.signals > 0 {
		p.signals--
		return syscall.EINTR
	}
	return p.fails
}

func (p *interruptedPort) Write(b []byte) (int, error) {
	if err := p.interrupt(); err != nil {
		return 0, err
	}
	return p.wrote.Write(b[:1]) // a port may take less than it is given
}

func (p *interruptedPort) Drain() error      { return p.interrupt() }
func (p *interruptedPort) SetRTS(bool) error { return nil }

func TestTrapSignalsInWriteAndDrain(t *testing.T) {
	port := &interruptedPort{signals: 3}
	s := &serialConn{port: port, data: &timed{port: port}, cfg: SerialConfig{Direction: DirectionRTS}.withDefaults()}
	if n, err := s.Write([]byte("abc")); n != 3 || err != nil || port.wrote.String() != "abc" {
		t.Errorf("Write = %d, %v, wrote %q", n, err, port.wrote.String())
	}
	port.signals = 3
	if err := s.Drain(); err != nil {
		t.Errorf("Drain: %v", err)
	}
	port.fails = syscall.EIO
	s.sending = true
	if err := s.Drain(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Drain of an unplugged adapter: %v", err)
	}
	if _, err := s.Write([]byte("abc")); !errors.Is(err, syscall.EIO) {
		t.Errorf("Write to an unplugged adapter: %v", err)
	}
}
