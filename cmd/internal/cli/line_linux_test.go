package cli_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"tally/cmd/internal/config"
	"tally/cmd/internal/daemon"
	"tally/cmd/internal/devices"
	"tally/meter/metersim"
	"tally/meter/portlist"
)

// TestLineScripts runs testdata/line/*.txtar: the technician's commands as processes of their own, over simulated meters
// on pseudo-terminals that understand one speed only, through a running daemon and without one.
func TestLineScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("silence on a line takes its time")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/line", UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "", RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"meters": startMeters, "daemon": startDaemon, "exits": exits, "mask": mask, "await": await, "commands": commands, "asked": asked, "torn": torn, "talks": talks, "held": held,
		},
		Setup: func(e *testscript.Env) error {
			dir, err := os.MkdirTemp("", "t") // a unix socket's path is short
			if err != nil {
				return err
			}
			e.Defer(func() { _ = os.RemoveAll(dir) })
			for name, value := range map[string]string{"SOCKDIR": dir, "TZ": "UTC", "GORACE": "atexit_sleep_ms=0", "LANG": "en_US.UTF-8",
				"TALLY_BENCH": "real", "TALLY_SOCKET": filepath.Join(dir, "tallyd.sock"), "TALLY_AUDIT": filepath.Join(e.WorkDir, "audit.jsonl")} {
				e.Setenv(name, value)
			}
			e.Values[simsKey{}] = &sims{}
			return nil
		},
	})
}

type simsKey struct{}

// sims are the meters of one script, of each kind the latest.
type sims struct {
	water *metersim.CJT188Meter
	gas   *metersim.Slave
}

// startMeters is `meters PORT BAUD KIND…`: meters on a pseudo-terminal that PORT is a link to; at another speed they hear
// and say garbage.
func startMeters(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: meters PORT BAUD KIND…")
	}
	baud, err := strconv.Atoi(args[1])
	ts.Check(err)
	bus, err := world(ts.Value(simsKey{}).(*sims), args[2:])
	ts.Check(err)
	pty, err := metersim.OpenPTY()
	ts.Check(err)
	ts.Check(os.Symlink(pty.Path, ts.MkAbs(args[0])))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- bus.Serve(ctx, &gated{pty.Wire, baud}) }()
	ts.Defer(func() {
		cancel()
		if err := errors.Join(<-ended, pty.Close()); err != nil {
			ts.Logf("meters: %v", err)
		}
	})
}

// world makes a bus: of one protocol, with faults.
func world(s *sims, kinds []string) (*metersim.Bus, error) {
	bus := metersim.NewBus(metersim.Pacing{})
	water, electricity, mbus := &metersim.CJT188{}, &metersim.DLT645{}, &metersim.MBus{}
	for _, k := range kinds {
		switch k {
		case "modbus":
			s.gas = metersim.NewGasMeter(1284320)
			bus.Attach(1, s.gas)
			bus.Attach(7, metersim.NewGasMeter(7000))
		case "sleeper": // misses the first question; it is the one that is counted
			s.gas = metersim.NewGasMeter(2000)
			s.gas.Next(metersim.Fault{Silent: true})
			bus.Attach(2, s.gas)
		case "cjt188":
			s.water = &metersim.CJT188Meter{Kind: 0x30, Address: [7]byte{0x18, 0x02, 0x12, 0x20, 0x20, 0x00, 0x00}}
			s.water.Turn(123456)
			water.Add(s.water)
			bus.Speech = water
		case "second-water":
			water.Add(&metersim.CJT188Meter{Kind: 0x30, Address: [7]byte{0x77}})
		case "dlt645":
			m := &metersim.DLT645Meter{Address: [6]byte{0x29, 0x25, 0x07, 0x07, 0x21, 0x20}}
			m.Set([]byte{0, 0, 1, 0}, []byte{0x76, 0x17, 0x03, 0x00})
			m.Set([]byte{0, 0, 3, 2}, []byte{0x25, 0x01, 0x00})
			electricity.Add(m)
			bus.Speech = electricity
		case "mbus":
			m := &metersim.MBusMeter{Address: 5, Header: [12]byte{0x78, 0x56, 0x34, 0x12, 0x93, 0x15, 1, 7}}
			m.Set([]byte{0x0C, 0x13, 0x78, 0x56, 0x34, 0x12})
			mbus.Add(m)
			bus.Speech = mbus
		case "echo":
			bus.Echo = true
		case "silent":
			s.faults(metersim.Fault{Silent: true})
		case "damaged":
			s.faults(metersim.Fault{Damage: true})
		case "split":
			s.faults(metersim.Fault{Split: 30 * time.Millisecond, Noise: []byte{0x00}})
		case "exception":
			s.faults(metersim.Fault{Exception: 2})
		case "command-unanswered": // the valve's state, then the command and the reading back without an answer
			s.water.Next(metersim.Fault{}, metersim.Fault{Silent: true}, metersim.Fault{Silent: true})
		case "command-refused":
			s.water.Next(metersim.Fault{}, metersim.Fault{Deaf: true, Exception: 2})
		case "every-third":
			s.gas.Next(metersim.Fault{}, metersim.Fault{Damage: true}, metersim.Fault{}, metersim.Fault{}, metersim.Fault{Silent: true}, metersim.Fault{}, metersim.Fault{}, metersim.Fault{Damage: true})
		default:
			return nil, fmt.Errorf("meters of kind %q", k)
		}
	}
	return bus, nil
}

func (s *sims) faults(f metersim.Fault) {
	if s.water != nil {
		s.water.Always(&f)
	}
	if s.gas != nil {
		s.gas.Always(&f)
	}
}

// gated is the meters' end of a pseudo-terminal that passes bytes on only while the other end is set to the right speed.
// The parity of a pseudo-terminal cannot be seen: Linux takes it away.
type gated struct {
	*os.File
	baud int
}

var speeds = map[uint32]int{unix.B300: 300, unix.B1200: 1200, unix.B2400: 2400, unix.B4800: 4800, unix.B9600: 9600, unix.B19200: 19200, unix.B38400: 38400, unix.B57600: 57600, unix.B115200: 115200}

func (g *gated) right() bool {
	raw, err := g.SyscallConn()
	if err != nil {
		return false
	}
	right := false
	_ = raw.Control(func(fd uintptr) {
		if t, err := unix.IoctlGetTermios(int(fd), unix.TCGETS); err == nil {
			right = speeds[t.Cflag&unix.CBAUD] == g.baud
		}
	})
	return right
}

func garbled(b []byte) {
	for i := range b {
		b[i] = b[i]*5 | 0x81
	}
}

func (g *gated) Read(b []byte) (int, error) {
	n, err := g.File.Read(b)
	if !g.right() {
		garbled(b[:n])
	}
	return n, err
}

func (g *gated) Write(b []byte) (int, error) {
	if !g.right() {
		b = append([]byte(nil), b...)
		garbled(b)
	}
	return g.File.Write(b)
}

// startDaemon is `daemon CONFIG`: a real node in this process, its data in SOCKDIR.
func startDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: daemon CONFIG")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	file := ts.MkAbs("node.toml")
	ts.Check(os.WriteFile(file, []byte(text), 0o600))
	cfg, err := config.LoadNode(file, config.Options{Known: devices.Known()})
	ts.Check(err)
	n, err := daemon.New(context.Background(), cfg, daemon.Parts{Version: "test"}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var once sync.Once
	ts.Defer(func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				ts.Logf("daemon: %v", err)
			}
		})
	})
}

// changing is what is different each time: times, latencies, ports, process ids.
var changing = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( ?[-+]\d\d:\d\d|Z)?`), "TIME"},
	{regexp.MustCompile(`\d\d:\d\d:\d\d(\.\d+)?`), "CLOCK"},
	{regexp.MustCompile(`\d+\.\d+ ms`), "N ms"},
	{regexp.MustCompile(` +\+\d+ms`), " +N"},
	{regexp.MustCompile(`"(min|median|p95|max|gap)_ms": ?[0-9.]+`), `"${1}_ms":N`},
	{regexp.MustCompile(`"spent_s": \d+`), `"spent_s": N`},
	{regexp.MustCompile(` in \d+m?\d*s;`), " in N;"},
	{regexp.MustCompile(`\d+m?\d*s 内`), "N 内"},
	{regexp.MustCompile(`/dev/pts/\d+`), "PTS"},
	{regexp.MustCompile(`process \d+`), "process N"},
	{regexp.MustCompile(`"id":"[0-9a-f]{16}"`), `"id":"ID"`},
	{regexp.MustCompile(`"who":"[^"]*","host":"[^"]*"`), `"who":"WHO","host":"HOST"`},
	{regexp.MustCompile(`after \d+(\.\d+)?m?s`), "after N"},
	// Advice about answers that come unevenly; meter/survey tests when it is given.
	{regexp.MustCompile(`(?m)^check +gateway: .*\n`), ""},
	{regexp.MustCompile(`"advice": \[\s*"gateway"\s*\]`), `"advice": []`},
}

// mask is `mask FROM TO`: a copy of FROM without what is different each time.
func mask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mask FROM TO")
	}
	text := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "WORK")
	for _, c := range changing {
		text = c.re.ReplaceAllString(text, c.with)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// await is `await FILE`: waits until there is such a file.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	until(ts, args[0], func() bool {
		_, err := os.Stat(ts.MkAbs(args[0]))
		return err == nil
	})
}

// until waits for something that comes by itself.
func until(ts *testscript.TestScript, what string, come func() bool) {
	give, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-give.Done():
			ts.Fatalf("%s does not come", what)
		}
	}
}

// commands is `commands N`: the simulated water meter has heard N valve commands.
func commands(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: commands N")
	}
	if n := ts.Value(simsKey{}).(*sims).water.Commands(); fmt.Sprint(n) != args[0] {
		ts.Fatalf("the meter heard %d valve commands, want %s", n, args[0])
	}
}

// asked is `asked N`: waits until the simulated gas meter has been asked N times.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: asked N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	until(ts, "question "+args[0], func() bool { return ts.Value(simsKey{}).(*sims).gas.Asked() >= n })
}

// held is `held PORT`: waits until another process holds the port.
func held(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: held PORT")
	}
	until(ts, "a holder of "+args[0], func() bool {
		return slices.ContainsFunc(portlist.Holders(ts.MkAbs(args[0])), func(p portlist.Process) bool { return p.Locked })
	})
}

// torn is `torn FILE N`: cuts the last N bytes of a file off, as a power cut does.
func torn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: torn FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), info.Size()-int64(n)))
}

// pause waits, and tells whether the script goes on. A listener that gets no turn for as long takes two frames for one burst.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Second):
		return true
	}
}

// talks is `talks PORT BAUD FILE`: a pseudo-terminal on which somebody else says the frames of FILE (hex, one a line; an
// empty line is a pause) again and again.
func talks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: talks PORT BAUD FILE")
	}
	baud, err := strconv.Atoi(args[1])
	ts.Check(err)
	pty, err := metersim.OpenPTY()
	ts.Check(err)
	ts.Check(os.Symlink(pty.Path, ts.MkAbs(args[0])))
	wire := &gated{pty.Wire, baud}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for !wire.right() && pause(ctx) { // until somebody listens
		}
		for pause(ctx) {
			for line := range strings.Lines(ts.ReadFile(args[2])) {
				frame, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(line), " ", ""))
				if err != nil || len(frame) == 0 {
					pause(ctx)
					continue
				}
				if _, err := wire.Write(frame); err != nil {
					return
				}
			}
		}
	})
	ts.Defer(func() {
		cancel()
		_ = pty.Close()
		group.Wait()
	})
}
