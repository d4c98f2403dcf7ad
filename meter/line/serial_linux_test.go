package line

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"tally/meter"
)

// port makes a pseudo-terminal; the returned file is the meter's end.
func port(t *testing.T) (*os.File, SerialConfig) {
	t.Helper()
	wire, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wire.Close(); tty.Close() })
	return wire, SerialConfig{Path: tty.Name()}
}

func openPort(t *testing.T, cfg SerialConfig) Conn {
	t.Helper()
	c, err := Serial(cfg)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestTrapTwoProcesses: the tests may run as root, whom the exclusive bit alone does not stop.
func TestTrapTwoProcesses(t *testing.T) {
	_, cfg := port(t)
	first := openPort(t, cfg)
	if second, err := Serial(cfg)(t.Context()); err == nil {
		second.Close()
		t.Fatal("port opened twice")
	} else if !errors.Is(err, meter.ErrLine) {
		t.Errorf("error = %v, want one matching %v", err, meter.ErrLine)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openPort(t, cfg)
}

// TestTrapOtherProgramHasThePortExclusively: a terminal program that sets only the exclusive bit.
func TestTrapOtherProgramHasThePortExclusively(t *testing.T) {
	_, cfg := port(t)
	other, err := os.OpenFile(cfg.Path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := unix.IoctlSetInt(int(other.Fd()), unix.TIOCEXCL, 0); err != nil {
		t.Fatal(err)
	}
	if c, err := Serial(cfg)(t.Context()); err == nil {
		c.Close()
		t.Error("port of another program opened")
	}
}

// ways opens a port with each of the two ways in which bytes can go: the descriptor's own deadlines, and the library's.
func ways(t *testing.T, test func(t *testing.T, wire *os.File, c Conn)) {
	t.Run("descriptor", func(t *testing.T) {
		wire, cfg := port(t)
		c := openPort(t, cfg)
		if _, ok := c.(*serialConn).data.(*os.File); !ok {
			t.Fatalf("bytes go through %T", c.(*serialConn).data)
		}
		test(t, wire, c)
	})
	t.Run("library", func(t *testing.T) {
		wire, cfg := port(t)
		c := openPort(t, cfg).(*serialConn)
		slow, err := timedPort(c.port)
		if err != nil {
			t.Fatal(err)
		}
		c.data = slow
		test(t, wire, c)
	})
}

func TestTrapReadTimeoutIsNoData(t *testing.T) {
	ways(t, func(t *testing.T, wire *os.File, c Conn) {
		buf := make([]byte, 16)
		c.SetReadDeadline(time.Now().Add(20 * ms))
		if n, err := c.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read on a silent port = %d, %v", n, err)
		}
		if _, err := wire.Write([]byte{0, 0xFF, 0x0D, 0x0A, 0x03, 0x11}); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := c.Read(buf)
		if err != nil || !bytes.Equal(buf[:n], []byte{0, 0xFF, 0x0D, 0x0A, 0x03, 0x11}) {
			t.Errorf("Read = % X, %v, want the six bytes unchanged", buf[:n], err)
		}
		if n, err := c.Write([]byte{1, 2, 0x0A}); n != 3 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		if n, err := io.ReadFull(wire, buf[:3]); err != nil || !bytes.Equal(buf[:n], []byte{1, 2, 0x0A}) {
			t.Errorf("the meter got % X, %v", buf[:n], err)
		}
	})
}

func TestTrapUnpluggedAdapter(t *testing.T) {
	ways(t, func(t *testing.T, wire *os.File, c Conn) {
		wire.Close()
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read of an unplugged adapter: %v, want an error that is no timeout", err)
		}
	})
}

func TestTrapPortMissingAtStart(t *testing.T) {
	l := New("x", Serial(SerialConfig{Path: "/dev/serial/by-id/usb-none"}), Options{})
	defer l.Close()
	if _, err := ask(t, l); !errors.Is(err, meter.ErrLine) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
}

// TestTrapDescriptorTooHigh: the library's select(2) panics on descriptors from 1024 on. We do not read through it; where
// we would have to, such a port is refused.
func TestTrapDescriptorTooHigh(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Max < 1200 {
		t.Skipf("no room for 1024 descriptors: %v, limit %d", err, limit.Max)
	}
	wire, cfg := port(t)
	for range 1100 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Skipf("open descriptors: %v", err)
		}
		defer f.Close()
	}
	c := openPort(t, cfg).(*serialConn)
	if _, err := wire.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := c.Read(make([]byte, 8)); n != 1 || err != nil {
		t.Errorf("Read = %d, %v", n, err)
	}
	if _, err := timedPort(c.port); err == nil {
		t.Error("the library's port was accepted, its first read will panic")
	}
}

func TestBadSerialSettings(t *testing.T) {
	_, cfg := port(t)
	for name, bad := range map[string]func(*SerialConfig){
		"parity":    func(c *SerialConfig) { c.Parity = "mark" },
		"stop bits": func(c *SerialConfig) { c.StopBits = 3 },
		"direction": func(c *SerialConfig) { c.Direction = "dtr" },
		"no RTS":    func(c *SerialConfig) { c.Direction = DirectionRTS }, // a pseudo-terminal has no modem lines
		"data bits": func(c *SerialConfig) { c.DataBits = 4 },
		"no tty":    func(c *SerialConfig) { c.Path = os.DevNull },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			bad(&cfg)
			if c, err := Serial(cfg)(t.Context()); err == nil {
				c.Close()
				t.Error("accepted")
			}
		})
	}
}

func TestCharTime(t *testing.T) {
	for _, c := range []struct {
		cfg  SerialConfig
		want time.Duration
	}{
		{SerialConfig{}, time.Second * 10 / 9600},
		{SerialConfig{Baud: 2400, Parity: Even}, time.Second * 11 / 2400},
		{SerialConfig{Baud: 300, DataBits: 7, Parity: Odd, StopBits: 2}, time.Second * 11 / 300},
	} {
		if got := c.cfg.Char(); got != c.want {
			t.Errorf("Char(%+v) = %s, want %s", c.cfg, got, c.want)
		}
	}
}

func TestPortIsSetAnew(t *testing.T) {
	_, cfg := port(t)
	c := openPort(t, cfg).(*serialConn)
	for mode, want := range map[Mode]uint32{{Baud: 2400, Parity: Even}: unix.B2400 | unix.PARENB, {Baud: 300, Parity: Odd}: unix.B300 | unix.PARENB | unix.PARODD} {
		if err := c.SetMode(mode); err != nil {
			t.Fatal(err)
		}
		tty, err := unix.IoctlGetTermios(int(c.fd(t)), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		// A pseudo-terminal cannot have parity and drops it; the speed it keeps.
		if got := tty.Cflag & unix.CBAUD; got != want&unix.CBAUD {
			t.Errorf("after %+v the port has speed %o, want %o", mode, got, want&unix.CBAUD)
		}
		if got := c.Traits().Char; got != mode.Char() {
			t.Errorf("a character takes %s, want %s", got, mode.Char())
		}
	}
	if err := c.SetMode(Mode{Parity: "mark"}); err == nil {
		t.Error("parity mark accepted")
	}
}

// fd is the descriptor that the bytes go through.
func (s *serialConn) fd(t *testing.T) uintptr {
	t.Helper()
	raw, err := s.lock.(*os.File).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fd uintptr
	if err := raw.Control(func(f uintptr) { fd = f }); err != nil {
		t.Fatal(err)
	}
	return fd
}
