package modbus_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
)

// need returns the first program that works, or ends the test: a skip at a desk, a failure in continuous integration.
func need(t *testing.T, what string, candidates ...[]string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	for _, c := range candidates {
		path, err := exec.LookPath(c[0])
		if err != nil {
			continue
		}
		if len(c) == 1 || exec.Command(path, c[1:]...).Run() == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", what)
	}
	t.Skipf("%s is not installed", what)
	return ""
}

func pythonWithPymodbus(t *testing.T) string {
	probe := []string{"-c", "import pymodbus.framer.rtu_framer"}
	return need(t, "python3-pymodbus 3.0",
		append([]string{"/usr/bin/python3"}, probe...), append([]string{"python3"}, probe...))
}

// start runs a program until the test ends, and returns its output, line by line.
func start(t *testing.T, cmd *exec.Cmd, output func() (io.ReadCloser, error)) *bufio.Scanner {
	t.Helper()
	out, err := output()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return bufio.NewScanner(out)
}

func nextLine(t *testing.T, s *bufio.Scanner, part string) string {
	t.Helper()
	for s.Scan() {
		if strings.Contains(s.Text(), part) {
			return s.Text()
		}
	}
	t.Fatalf("output ended before %q", part)
	return ""
}

// ptyPair links two pseudo-terminals by socat: a null modem.
func ptyPair(t *testing.T) (a, b string) {
	t.Helper()
	socat := need(t, "socat", []string{"socat"})
	dir := t.TempDir()
	a, b = filepath.Join(dir, "master"), filepath.Join(dir, "slave")
	cmd := exec.Command(socat, "-d", "-d", "pty,raw,echo=0,link="+a, "pty,raw,echo=0,link="+b)
	nextLine(t, start(t, cmd, cmd.StderrPipe), "starting data transfer loop")
	return a, b
}

func TestIndependentSlavePymodbusRTU(t *testing.T) {
	python := pythonWithPymodbus(t)
	ours, theirs := ptyPair(t)
	cmd := exec.Command(python, "testdata/slave.py", "rtu", theirs)
	cmd.Stderr = os.Stderr
	nextLine(t, start(t, cmd, cmd.StdoutPipe), "ready")
	checkPymodbus(t, line.Serial(line.SerialConfig{Path: ours, Baud: 9600}), modbus.RTU)
}

func TestIndependentSlavePymodbusTCP(t *testing.T) {
	cmd := exec.Command(pythonWithPymodbus(t), "testdata/slave.py", "tcp")
	cmd.Stderr = os.Stderr
	ready := nextLine(t, start(t, cmd, cmd.StdoutPipe), "ready")
	checkPymodbus(t, line.TCP("127.0.0.1:"+strings.Fields(ready)[1]), modbus.TCP)
}

// checkPymodbus reads the peer's registers again and again, and in between a unit that is not there.
func checkPymodbus(t *testing.T, open line.Opener, kind modbus.Framing) {
	l := line.New("peer", open, line.Options{Timeout: time.Minute})
	defer l.Close()
	p := builtin(t, "generic-gas-modbus")
	m, err := modbus.New(l, kind, 17, p, "4711", modbus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := modbus.New(l, kind, 18, p, "0", modbus.Options{Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		r, err := m.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"volume": "1234.567", "flow": "2.500", "temperature": "18.5", "battery": "3.62"} {
			if v, _ := r.Find(name); v.Number.String() != want {
				t.Errorf("%s = %s, want %s", name, v.Number, want)
			}
		}
	}
	if _, err := nobody.Read(t.Context()); !errors.Is(err, meter.ErrSilent) {
		t.Errorf("unit that is not there: %v, want %v", err, meter.ErrSilent)
	}
	if _, err := m.Read(t.Context()); err != nil {
		t.Errorf("after the silent one: %v", err)
	}
}

func TestIndependentMasterMbpollRTU(t *testing.T) {
	mbpoll := need(t, "mbpoll", []string{"mbpoll"})
	path := make(chan string, 1)
	bus := gasBus(9, 1234567)
	serve(t, func(ctx context.Context) error { return bus.ServePTY(ctx, func(p string) { path <- p }) })
	checkMbpoll(t, mbpoll, "-m", "rtu", "-b", "9600", "-P", "none", "-a", "9", <-path)
}

func TestIndependentMasterMbpollTCP(t *testing.T) {
	mbpoll := need(t, "mbpoll", []string{"mbpoll"})
	ln := listen(t)
	bus := gasBus(9, 1234567)
	serve(t, func(ctx context.Context) error { return bus.ServeTCP(ctx, ln) })
	host, port, _ := strings.Cut(ln.Addr().String(), ":")
	checkMbpoll(t, mbpoll, "-m", "tcp", "-p", port, "-a", "9", host)
}

func gasBus(address byte, litres uint32) *metersim.Bus {
	bus := metersim.NewBus(metersim.Pacing{})
	bus.Attach(address, metersim.NewGasMeter(litres))
	return bus
}

// checkMbpoll polls the simulator once with somebody else's master, reading and writing.
func checkMbpoll(t *testing.T, mbpoll string, args ...string) {
	t.Helper()
	args = append([]string{"-o", "10"}, args...) // seconds for an answer, the most that it takes
	read := append([]string{"-1", "-0", "-B", "-r", "0", "-t", "4:int", "-c", "2"}, args...)
	out, err := exec.Command(mbpoll, read...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1234567") {
		t.Errorf("mbpoll %v: %v\n%s", read, err, out)
	}
	write := append(append([]string{"-1", "-0", "-r", "4", "-t", "4"}, args...), "77", "78")
	if out, err := exec.Command(mbpoll, write...).CombinedOutput(); err != nil || !strings.Contains(string(out), "Written 2 references") {
		t.Errorf("mbpoll %v: %v\n%s", write, err, out)
	}
	illegal := append([]string{"-1", "-0", "-r", "500", "-t", "4"}, args...)
	if out, _ := exec.Command(mbpoll, illegal...).CombinedOutput(); !strings.Contains(string(out), "Illegal data address") {
		t.Errorf("mbpoll %v:\n%s", illegal, out)
	}
}

// TestTrapUnpluggedAndFoundAgain: the adapter vanishes between two reads and comes back under the same name.
func TestTrapUnpluggedAndFoundAgain(t *testing.T) {
	byID := filepath.Join(t.TempDir(), "usb-adapter")
	plug := func() (pull func()) {
		path, done := make(chan string, 1), make(chan error, 1)
		ctx, cancel := context.WithCancel(context.Background())
		bus := gasBus(1, 1234)
		go func() { done <- bus.ServePTY(ctx, func(p string) { path <- p }) }()
		if err := os.Symlink(<-path, byID); err != nil {
			t.Fatal(err)
		}
		return func() {
			os.Remove(byID)
			cancel()
			<-done
		}
	}
	pull := plug()
	l := line.New("test", line.Serial(line.SerialConfig{Path: byID}), line.Options{OpenMin: 20 * time.Millisecond, OpenMax: 50 * time.Millisecond, Quiet: time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- l.Run(ctx) }()
	m, err := modbus.New(l, modbus.RTU, 1, builtin(t, "generic-gas-modbus"), "1", modbus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, m, 1234)
	pull()
	if _, err := m.Read(t.Context()); !errors.Is(err, meter.ErrLine) {
		t.Errorf("Read of an unplugged adapter: %v, want %v", err, meter.ErrLine)
	}
	pull = plug()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for tries := 0; ; tries++ {
		if _, err := m.Read(t.Context()); err == nil {
			break
		} else if tries > 6000 {
			t.Fatalf("not found again: %v", err)
		}
		<-tick.C
	}
	cancel()
	if err := <-running; err != nil {
		t.Errorf("Run: %v", err)
	}
	pull()
}
