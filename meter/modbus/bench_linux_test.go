package modbus_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
	"tally/meter/profile"
)

// registers20 is a model with 20 registers in one block.
func registers20(b *testing.B) *profile.Profile {
	text := "model = \"twenty\"\nsource = \"benchmark\"\nprotocol = \"modbus\"\n"
	for i := range 10 {
		text += fmt.Sprintf("[[register]]\nname = \"r%d\"\naddress = %d\ntype = \"u32\"\n", i, 2*i)
	}
	p, err := profile.Parse("twenty", []byte(text))
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// benchLine is a serial line in real time: a pty behind which another process takes the time that characters take.
func benchLine(b *testing.B, pacing string, meters int) (*line.Line, []*modbus.Meter) {
	p := pacings[pacing]
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchSimulator+"="+pacing)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	path, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	cfg := line.SerialConfig{Path: strings.TrimSpace(path), Baud: p.Baud}
	l := line.New("bench", line.Serial(cfg), line.Options{})
	b.Cleanup(func() {
		l.Close()
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("simulator: %v (requests before t3.5 of silence?)", err)
		}
	})
	model := registers20(b)
	var all []*modbus.Meter
	for i := range meters {
		m, err := modbus.New(l, modbus.RTU, byte(i+1), model, meter.ID(fmt.Sprint(i)), modbus.Options{})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, m)
	}
	if _, err := all[0].Read(b.Context()); err != nil { // opens the port
		b.Fatal(err)
	}
	return l, all
}

// BenchmarkLine reads 32 slaves of 20 registers at 9600 8N1 with 5 ms turnaround as fast as it can. limit_ratio is what
// a perfect master would need, divided by what we need.
func BenchmarkLine(b *testing.B) {
	l, meters := benchLine(b, "9600", 32)
	n, took := readAll(b, meters)
	limit := pacings["9600"].Limit(8, 5+2*20)
	b.ReportMetric(float64(limit)*float64(n)/float64(took), "limit_ratio")
	b.ReportMetric(float64(time.Minute)*float64(n)/float64(took), "meters/min")
	if s := l.Stats(); s.OK != s.Sent {
		b.Errorf("stats = %+v", s)
	}
}

// BenchmarkPoll is one poll on a line without pacing; all it waits for is the silence before a request.
func BenchmarkPoll(b *testing.B) {
	_, meters := benchLine(b, "none", 1)
	b.ReportAllocs()
	readAll(b, meters)
}

// readAll reads one meter after the other, and reports what each costs this process: processor time and how often one
// of its threads was woken.
func readAll(b *testing.B, meters []*modbus.Meter) (n int, took time.Duration) {
	cpu, switches := costs()
	from := time.Now()
	for b.Loop() {
		if _, err := meters[n%len(meters)].Read(b.Context()); err != nil {
			b.Fatal(err)
		}
		n++
	}
	took = time.Since(from)
	cpu2, switches2 := costs()
	b.ReportMetric(float64((cpu2-cpu).Microseconds())/float64(n), "cpu_µs/poll")
	b.ReportMetric(float64(switches2-switches)/float64(n), "wakes/poll")
	return n, took
}

// costs are processor time and voluntary context switches of this process so far.
func costs() (time.Duration, int64) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), int64(u.Nvcsw)
}

// benchSimulator names the variable that makes the test binary a simulator with the pacing it is set to.
const benchSimulator = "TALLY_BENCH_SIMULATOR"

var pacings = map[string]metersim.Pacing{
	"9600": {Baud: 9600, Turnaround: 5 * time.Millisecond},
	"none": {},
}

// simulateForBenchmark serves 32 slaves on a pty until standard input ends. It prints the port, and returns 1 if the
// master was too quick for real meters.
func simulateForBenchmark(pacing string) int {
	bus := metersim.NewBus(pacings[pacing])
	for i := range 32 {
		s := metersim.NewSlave()
		s.Set(0, make([]uint16, 20)...)
		bus.Attach(byte(i+1), s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := bus.ServePTY(ctx, func(path string) { fmt.Println(path) }); err != nil || bus.Rushed() > 0 {
		fmt.Fprintln(os.Stderr, err, bus.Rushed(), "rushed")
		return 1
	}
	return 0
}
