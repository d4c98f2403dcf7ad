package modbus_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
	"tally/meter/poll"
	"tally/meter/profile"
)

// pacedPipe is a serial line without a machine: its times are those of the pacing, and nothing else takes any.
type pacedPipe struct {
	net.Conn
	char time.Duration
}

func (p pacedPipe) Traits() line.Traits { return line.Traits{Char: p.char} }

// pacedLine connects a line to a bus in a bubble of synctest; stop ends both.
func pacedLine(bus *metersim.Bus) (l *line.Line, stop func()) {
	ours, theirs := net.Pipe()
	var serving sync.WaitGroup
	serving.Go(func() { _ = bus.Serve(context.Background(), theirs) })
	l = line.New("limit", func(context.Context) (line.Conn, error) { return pacedPipe{ours, bus.Pacing.Char()}, nil }, line.Options{})
	return l, func() {
		l.Close()
		theirs.Close()
		serving.Wait()
	}
}

// twenty is a model with 20 registers in one block.
func twenty(t testing.TB) *profile.Profile {
	text := "model = \"twenty\"\nsource = \"benchmark\"\nprotocol = \"modbus\"\n"
	for i := range 10 {
		text += fmt.Sprintf("[[register]]\nname = \"r%d\"\naddress = %d\ntype = \"u32\"\n", i, 2*i)
	}
	p, err := profile.Parse("twenty", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var limitPacing = metersim.Pacing{Baud: 9600, Turnaround: 5 * time.Millisecond}

// slaves puts n slaves with 20 registers on the bus; silent tells which never answer.
func slaves(bus *metersim.Bus, n int, silent func(i int) bool) {
	for i := range n {
		s := metersim.NewSlave()
		s.Set(0, make([]uint16, 20)...)
		if silent(i) {
			s.Always(&metersim.Fault{Silent: true})
		}
		bus.Attach(byte(i+1), s)
	}
}

// TestLineLimit: 32 slaves of 20 registers at 9600 8N1 with 5 ms turnaround, read one after the other on a line where only
// the wire takes time: what the driver adds of its own is what is missing to 1.
func TestLineLimit(t *testing.T) {
	model := twenty(t)
	synctest.Test(t, func(t *testing.T) {
		bus := metersim.NewBus(limitPacing)
		slaves(bus, 32, func(int) bool { return false })
		l, stop := pacedLine(bus)
		defer stop()
		var from time.Time
		const rounds = 10
		for n := range 32 * (rounds + 1) {
			m, err := modbus.New(l, modbus.RTU, byte(n%32+1), model, "1", modbus.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n == 31 {
				from = time.Now() // the first round opens the port
			}
		}
		limit := limitPacing.Limit(8, 5+2*20) * 32 * rounds
		ratio := float64(limit) / float64(time.Since(from))
		if t.Logf("%.4f of the line's limit", ratio); ratio < 0.97 || ratio > 1.001 {
			t.Errorf("%.4f of the line's limit, want at least 0.97", ratio)
		}
		if bus.Rushed() > 0 {
			t.Errorf("%d requests came too early for real meters", bus.Rushed())
		}
	})
}

// count is a Sink that counts readings.
type count struct {
	mu sync.Mutex
	n  int
}

func (c *count) Keep(context.Context, meter.Reading) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return nil
}

func (c *count) Fail(context.Context, meter.Failure) error { return nil }

func (c *count) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = 0
	return n
}

// TestTrapThirtyPercentDead and its kin: a line that is read as fast as it goes, with none, a tenth and a third of its
// meters dead. Once they are known, the round of the others grows by no more than a tenth.
func TestTrapThirtyPercentDead(t *testing.T) {
	model := twenty(t)
	round := func(t *testing.T, dead func(i int) bool) (perMeter time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			bus := metersim.NewBus(limitPacing)
			slaves(bus, 30, dead)
			l, stop := pacedLine(bus)
			defer stop()
			sink := &count{}
			p := poll.New(sink, poll.Options{})
			for i := range 30 {
				m, err := modbus.New(l, modbus.RTU, byte(i+1), model, meter.ID(fmt.Sprint(i)), modbus.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Add(poll.Target{ID: meter.ID(fmt.Sprint(i)), Line: "limit", Meter: m, Every: time.Second}); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- p.Run(ctx) }()
			time.Sleep(4 * time.Minute) // the bubble's clock: until the dead ones are known
			sink.take()
			const watched = 90 * time.Second
			time.Sleep(watched) // the bubble's clock
			perMeter = watched / time.Duration(max(sink.take(), 1))
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return perMeter
	}
	all := round(t, func(int) bool { return false })
	for share, dead := range map[string]func(int) bool{
		"10 %": func(i int) bool { return i%10 == 9 },
		"30 %": func(i int) bool { return i%10 >= 7 },
	} {
		if some := round(t, dead); float64(some) > 1.1*float64(all) {
			t.Errorf("%s dead: %s for each reading instead of %s", share, some, all)
		} else {
			t.Logf("%s dead: %.3f of the time for each reading", share, float64(some)/float64(all))
		}
	}
}
