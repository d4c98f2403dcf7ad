package cardtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// vpcdDriver is where Debian's and Ubuntu's vsmartcard-vpcd puts the driver of the virtual reader.
const vpcdDriver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"

// socketEnv tells libpcsclite (1.9 and later) where the service listens. It looks once in a process's life.
const socketEnv = "PCSCLITE_CSOCK_NAME"

// One service at a time in a process, always at the same socket, for libpcsclite's sake.
var (
	pcscdMu    sync.Mutex
	socketOnce = sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "tally-pcscd")
		if err != nil {
			return "", err
		}
		socket := filepath.Join(dir, "pcscd.comm")
		return socket, os.Setenv(socketEnv, socket)
	})
)

// PCSCD is a PC/SC service that belongs to one test: own configuration, own socket, own virtual readers. A service of
// the machine is left alone.
type PCSCD struct {
	Readers []VirtualReader
	Socket  string // for other processes: environment PCSCLITE_CSOCK_NAME

	t       testing.TB
	confDir string
	cmd     *exec.Cmd
	log     *logBuffer
	done    chan struct{}
}

// StartPCSCD starts a real pcscd with two virtual readers, "name 00 00" and "name 00 01", and makes this process use it;
// without a name they are called [DefaultReader]. It ends with the test; a second
// test in this process waits for it. Without pcscd, its driver vpcd or a directory for its process id the test is skipped, or fails when CI=true.
func StartPCSCD(t testing.TB, names ...string) *PCSCD {
	t.Helper()
	NeedPCSCD(t)
	pcscdMu.Lock()
	t.Cleanup(pcscdMu.Unlock)
	socket, err := socketOnce()
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		names = []string{DefaultReader}
	}
	p := &PCSCD{t: t, Socket: socket}
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(socket)) }) // made again by the next start
	t.Cleanup(p.Kill)
	for range 5 { // a free port may be taken by somebody else before pcscd has it
		p.configure(names)
		if err = p.start(); err == nil {
			return p
		}
		if strings.Contains(err.Error(), "cannot create /run/pcscd") {
			missing(t, "directory /run/pcscd, where pcscd keeps its process id (make it, or test as root),")
		}
	}
	t.Fatalf("start pcscd: %v", err)
	return nil
}

// NeedPCSCD skips or fails a test for want of what StartPCSCD needs.
func NeedPCSCD(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	if _, err := exec.LookPath("pcscd"); err != nil {
		missing(t, "pcscd (Debian package pcscd)")
	}
	if _, err := os.Stat(vpcdDriver); err != nil {
		missing(t, "virtual reader driver (Debian package vsmartcard-vpcd)")
	}
}

func (p *PCSCD) configure(names []string) {
	p.t.Helper()
	p.confDir, p.Readers = p.t.TempDir(), nil
	for i, name := range names {
		port := freePortPair(p.t)
		conf := fmt.Sprintf("FRIENDLYNAME %q\nDEVICENAME /dev/null:0x%X\nLIBPATH %s\nCHANNELID 0x%X\n", name, port, vpcdDriver, port)
		if err := os.WriteFile(filepath.Join(p.confDir, fmt.Sprintf("vpcd%d", i)), []byte(conf), 0o600); err != nil {
			p.t.Fatal(err)
		}
		for slot := range 2 {
			p.Readers = append(p.Readers, VirtualReader{
				Name: fmt.Sprintf("%s %02X %02X", name, i, slot), Addr: fmt.Sprintf("127.0.0.1:%d", port+slot),
			})
		}
	}
}

// Ports are taken from below those that a system hands out by itself (net.ipv4.ip_local_port_range), downwards, and apart
// from those of test binaries that run side by side: others would be gone now and then before pcscd has them, or has them
// again after it was killed.
const lowestPort, ports = 10240, 32768 - 10240

var lastPort = ports - os.Getpid()*61%ports // guarded by pcscdMu

// freePortPair finds two neighbouring ports: slot 1 of the driver listens one above slot 0.
func freePortPair(t testing.TB) int {
	t.Helper()
	free := func(port int) bool {
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err == nil {
			l.Close()
		}
		return err == nil
	}
	for range ports / 2 {
		lastPort = (lastPort + ports - 2) % ports
		if port := lowestPort + lastPort; free(port) && free(port+1) {
			return port
		}
	}
	t.Fatal("no two neighbouring free ports")
	return 0
}

// Start starts the service again after Kill: with the same readers at the same addresses, or with others when names are
// given.
func (p *PCSCD) Start(names ...string) {
	p.t.Helper()
	if len(names) > 0 {
		p.configure(names)
	}
	if err := p.start(); err != nil {
		p.t.Fatalf("start pcscd again: %v", err)
	}
}

// start hands the service a listening socket as systemd would, which is the only way to give it one of our own.
func (p *PCSCD) start() error {
	if err := os.MkdirAll(filepath.Dir(p.Socket), 0o700); err != nil {
		return err
	}
	os.Remove(p.Socket)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: p.Socket, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	f, err := l.File()
	if err != nil {
		return err
	}
	defer f.Close()
	// LISTEN_PID must be the process's own id, which only it knows.
	p.cmd = exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec pcscd --foreground --info --config "$0"`, p.confDir)
	p.cmd.Env = append(os.Environ(), "LISTEN_FDS=1")
	p.cmd.ExtraFiles = []*os.File{f}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.cmd.Stderr = p.cmd.Stdout
	p.log, p.done = newLogBuffer(), make(chan struct{})
	started := make(chan error, 1)
	go run(p.cmd, p.log, out, started, p.done)
	if err := <-started; err != nil {
		return err
	}
	return p.ready()
}

// run keeps its thread: Pdeathsig strikes when the thread that started the process ends, and threads do end here, those
// of the package under test.
func run(cmd *exec.Cmd, log *logBuffer, out io.Reader, started chan<- error, done chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(done)
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	log.read(bufio.NewScanner(out))
	_ = cmd.Wait()
}

func (p *PCSCD) ready() error {
	select {
	case <-p.log.up:
		return nil
	case <-p.log.broken:
	case <-p.done:
	case <-time.After(patience):
	}
	p.Kill()
	return fmt.Errorf("pcscd did not come up:\n%s", p.log.tail())
}

// Kill ends the service at once, as a crash does.
func (p *PCSCD) Kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
	p.cmd = nil
	os.Remove(p.Socket)
	if p.t.Failed() {
		p.t.Logf("last lines of pcscd:\n%s", p.log.tail())
	}
}

// AwaitRemovals waits until the service has noticed so many removals in all its slots since it was started. It looks into
// them every 400 ms; a card that is back sooner was never out for it.
func (p *PCSCD) AwaitRemovals(n int) {
	p.t.Helper()
	after := time.After(patience)
	for {
		removed, more := p.log.removals()
		if removed >= n {
			return
		}
		select {
		case <-more:
		case <-after:
			p.t.Fatalf("pcscd noticed %d removals, want %d:\n%s", removed, n, p.log.tail())
		}
	}
}

// logBuffer keeps the last lines, counts removals, and notices when all is up. The driver says so for every slot that it cannot open.
type logBuffer struct {
	mu    sync.Mutex
	lines []string
	up    chan struct{}

	broken chan struct{} // closed when a slot could not be opened

	removed int
	more    chan struct{} // closed with the next removal
}

func newLogBuffer() *logBuffer {
	return &logBuffer{up: make(chan struct{}), broken: make(chan struct{}), more: make(chan struct{})}
}

func (b *logBuffer) removals() (n int, more <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.removed, b.more
}

func (b *logBuffer) read(s *bufio.Scanner) {
	broken := false
	for s.Scan() {
		line := s.Text()
		if !broken && (strings.Contains(line, "Open Port") && strings.Contains(line, "Failed") || strings.Contains(line, "Could not initialize")) {
			broken = true
			close(b.broken)
		}
		if strings.Contains(line, "daemon ready") && !broken {
			close(b.up)
		}
		b.mu.Lock()
		b.lines = append(b.lines[max(0, len(b.lines)-30):], line)
		if strings.Contains(line, "Card Removed From") {
			b.removed++
			close(b.more)
			b.more = make(chan struct{})
		}
		b.mu.Unlock()
	}
}

func (b *logBuffer) tail() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "\n")
}
