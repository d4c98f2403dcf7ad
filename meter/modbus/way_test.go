package modbus_test

import (
	"context"
	"net"
	"testing"

	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
	"tally/meter/profile"
)

// way is one way from the driver to simulated meters.
type way struct {
	kind  modbus.Framing
	open  func(t *testing.T, bus *metersim.Bus) line.Opener
	turns bool // without real parts: works under a clock that turns by itself
}

// ways are all of them: a real pseudo-terminal and real sockets.
var ways = map[string]way{
	"RTU on a pty":  {modbus.RTU, onPTY, false},
	"TCP":           {modbus.TCP, onTCP, false},
	"RTU over TCP":  {modbus.RTUOverTCP, onGateway, false},
	"RTU on a pipe": {modbus.RTU, onPipe, true},
}

// connect makes the line. Line and simulator end with the test.
func (w way) connect(t *testing.T, bus *metersim.Bus, o line.Options) *line.Line {
	t.Helper()
	l := line.New("test", w.open(t, bus), o)
	t.Cleanup(func() { l.Close() })
	return l
}

// serve runs a simulator until the test ends.
func serve(t *testing.T, run func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("simulator: %v", err)
		}
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func onTCP(t *testing.T, bus *metersim.Bus) line.Opener {
	ln := listen(t)
	serve(t, func(ctx context.Context) error { return bus.ServeTCP(ctx, ln) })
	return line.TCP(ln.Addr().String())
}

func onGateway(t *testing.T, bus *metersim.Bus) line.Opener {
	ln := listen(t)
	serve(t, func(ctx context.Context) error { return bus.ServeRTUOverTCP(ctx, ln) })
	return line.TCP(ln.Addr().String())
}

func onPipe(t *testing.T, bus *metersim.Bus) line.Opener {
	return func(context.Context) (line.Conn, error) {
		ours, theirs := net.Pipe()
		serve(t, func(ctx context.Context) error { return bus.Serve(ctx, theirs) })
		return ours, nil
	}
}

func onPTY(t *testing.T, bus *metersim.Bus) line.Opener {
	paths := make(chan string, 1)
	serve(t, func(ctx context.Context) error { return bus.ServePTY(ctx, func(path string) { paths <- path }) })
	return line.Serial(line.SerialConfig{Path: <-paths, Baud: 115200})
}

func builtin(t testing.TB, model string) *profile.Profile {
	t.Helper()
	c, err := profile.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Get(model)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
