package modbus_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
)

// benchLines are serial lines in real time: pseudo-terminals behind which another process takes the time that characters
// take. Each has the given number of meters.
func benchLines(b *testing.B, pacing string, lines, meters int) (all []*line.Line, drivers [][]*modbus.Meter) {
	p := pacings[pacing]
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchSimulator+"="+pacing, benchCount+"="+strconv.Itoa(lines))
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
	b.Cleanup(func() {
		for _, l := range all {
			l.Close()
		}
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("simulator: %v (requests before t3.5 of silence?)", err)
		}
	})
	paths, model := bufio.NewReader(out), twenty(b)
	for range lines {
		path, err := paths.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		l := line.New("bench", line.Serial(line.SerialConfig{Path: strings.TrimSpace(path), Baud: p.Baud}), line.Options{})
		all = append(all, l)
		var on []*modbus.Meter
		for i := range meters {
			m, err := modbus.New(l, modbus.RTU, byte(i+1), model, meter.ID(fmt.Sprint(i)), modbus.Options{})
			if err != nil {
				b.Fatal(err)
			}
			on = append(on, m)
		}
		if _, err := on[0].Read(b.Context()); err != nil { // opens the port
			b.Fatal(err)
		}
		drivers = append(drivers, on)
	}
	return all, drivers
}

// benchLine is one of them.
func benchLine(b *testing.B, pacing string, meters int) (*line.Line, []*modbus.Meter) {
	lines, drivers := benchLines(b, pacing, 1, meters)
	return lines[0], drivers[0]
}

// BenchmarkLines64 is the same on 64 lines at once, b.N polls on each. worst_ratio is that of the slowest line.
func BenchmarkLines64(b *testing.B) {
	const lines = 64
	_, drivers := benchLines(b, "9600", lines, 32)
	took := make([]time.Duration, lines)
	cpu, switches := costs()
	b.ResetTimer()
	var group sync.WaitGroup
	for i, meters := range drivers {
		group.Go(func() {
			from := time.Now()
			for n := range b.N {
				if _, err := meters[n%len(meters)].Read(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
			took[i] = time.Since(from)
		})
	}
	group.Wait()
	b.StopTimer()
	cpu2, switches2 := costs()
	limit := float64(pacings["9600"].Limit(8, 5+2*20)) * float64(b.N)
	var sum time.Duration
	for _, t := range took {
		sum += t
	}
	b.ReportMetric(limit/float64(slices.Max(took)), "worst_ratio")
	b.ReportMetric(limit*lines/float64(sum), "mean_ratio")
	b.ReportMetric(float64((cpu2-cpu).Microseconds())/float64(b.N*lines), "cpu_µs/poll")
	b.ReportMetric(float64(switches2-switches)/float64(b.N*lines), "wakes/poll")
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

// benchCount names the variable with the number of lines.
const benchCount = "TALLY_BENCH_LINES"

// simulateForBenchmark serves 32 slaves on each of some ptys until standard input ends. It prints their ports, and returns
// 1 if a master was too quick for real meters.
func simulateForBenchmark(pacing string) int {
	lines, err := strconv.Atoi(os.Getenv(benchCount))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var group sync.WaitGroup
	var failed atomic.Int32
	for range lines {
		bus := metersim.NewBus(pacings[pacing])
		slaves(bus, 32, func(int) bool { return false })
		group.Go(func() {
			if err := bus.ServePTY(ctx, func(path string) { fmt.Println(path) }); err != nil || bus.Rushed() > 0 {
				fmt.Fprintln(os.Stderr, err, bus.Rushed(), "rushed")
				failed.Add(1)
			}
		})
	}
	group.Wait()
	return int(failed.Load())
}
