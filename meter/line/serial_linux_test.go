package line

import (
	"bytes"
	"errors"
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

func TestTrapReadTimeoutIsNoData(t *testing.T) {
	wire, cfg := port(t)
	c := openPort(t, cfg)
	buf := make([]byte, 16)
	c.SetReadDeadline(time.Now().Add(20 * ms))
	if n, err := c.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read on a silent port = %d, %v", n, err)
	}
	if _, err := wire.Write([]byte{0, 0xFF, 0x0D, 0x0A, 0x03, 0x11}); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := c.Read(buf)
	if err != nil || !bytes.Equal(buf[:n], []byte{0, 0xFF, 0x0D, 0x0A, 0x03, 0x11}) {
		t.Errorf("Read = % X, %v, want the six bytes unchanged", buf[:n], err)
	}
}

func TestTrapUnpluggedAdapter(t *testing.T) {
	wire, cfg := port(t)
	c := openPort(t, cfg)
	wire.Close()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read of an unplugged adapter: %v, want an error that is no timeout", err)
	}
}

func TestTrapPortMissingAtStart(t *testing.T) {
	l := New("x", Serial(SerialConfig{Path: "/dev/serial/by-id/usb-none"}), Options{})
	defer l.Close()
	if _, err := ask(t, l); !errors.Is(err, meter.ErrLine) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
}

// TestTrapDescriptorTooHigh: the library's select(2) panics on descriptors from 1024 on.
func TestTrapDescriptorTooHigh(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Max < 1200 {
		t.Skipf("no room for 1024 descriptors: %v, limit %d", err, limit.Max)
	}
	_, cfg := port(t)
	for range 1100 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Skipf("open descriptors: %v", err)
		}
		defer f.Close()
	}
	c, err := Serial(cfg)(t.Context())
	if err == nil {
		c.Close()
		t.Error("port opened with a descriptor that cannot be read")
	}
}

func TestBadSerialSettings(t *testing.T) {
	_, cfg := port(t)
	for name, bad := range map[string]func(*SerialConfig){
		"parity":    func(c *SerialConfig) { c.Parity = "mark" },
		"stop bits": func(c *SerialConfig) { c.StopBits = 3 },
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
