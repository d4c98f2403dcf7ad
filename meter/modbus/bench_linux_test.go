package modbus_test

import (
	"context"
	"fmt"
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

// benchLine is a serial line in real time: a pty whose simulator takes the time that characters take.
func benchLine(b *testing.B, p metersim.Pacing, meters int) (*line.Line, *metersim.Bus, []*modbus.Meter) {
	bus := metersim.NewBus(p)
	path := make(chan string, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := bus.ServePTY(ctx, func(s string) { path <- s }); err != nil {
			b.Error(err)
		}
	}()
	cfg := line.SerialConfig{Path: <-path, Baud: p.Baud}
	l := line.New("bench", line.Serial(cfg), line.Options{})
	b.Cleanup(func() { l.Close(); cancel(); <-done })
	model := registers20(b)
	var all []*modbus.Meter
	for i := range meters {
		s := metersim.NewSlave()
		s.Set(0, make([]uint16, 20)...)
		bus.Attach(byte(i+1), s)
		m, err := modbus.New(l, modbus.RTU, byte(i+1), model, meter.ID(fmt.Sprint(i)), modbus.Options{})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, m)
	}
	return l, bus, all
}

// BenchmarkLine reads 32 slaves of 20 registers at 9600 8N1 with 5 ms turnaround as fast as it can. limit_ratio is what
// a perfect master would need, divided by what we need.
func BenchmarkLine(b *testing.B) {
	p := metersim.Pacing{Baud: 9600, Turnaround: 5 * time.Millisecond}
	l, bus, meters := benchLine(b, p, 32)
	if _, err := meters[0].Read(b.Context()); err != nil { // opens the port
		b.Fatal(err)
	}
	cpu := cpuTime()
	n := 0
	from := time.Now()
	for b.Loop() {
		if _, err := meters[n%len(meters)].Read(b.Context()); err != nil {
			b.Fatal(err)
		}
		n++
	}
	took := time.Since(from)
	limit := p.Limit(8, 5+2*20)
	b.ReportMetric(float64(limit)*float64(n)/float64(took), "limit_ratio")
	b.ReportMetric(float64(time.Minute)*float64(n)/float64(took), "meters/min")
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(n), "cpu_µs/poll_with_simulator")
	if bus.Rushed() > 0 {
		b.Errorf("%d requests came before the line was silent for t3.5", bus.Rushed())
	}
	if s := l.Stats(); s.OK != s.Sent {
		b.Errorf("stats = %+v", s)
	}
}

// BenchmarkPoll is the processor time of one poll, the simulated meter's part included, on a line without pacing.
func BenchmarkPoll(b *testing.B) {
	_, _, meters := benchLine(b, metersim.Pacing{}, 1)
	b.ReportAllocs()
	cpu := cpuTime()
	n := 0
	for b.Loop() {
		if _, err := meters[0].Read(b.Context()); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(n), "cpu_µs/poll_with_simulator")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
