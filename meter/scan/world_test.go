package scan

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter/line"
	"tally/meter/metersim"
)

// world is a line with meters that understand one setting only: at another one everything is garbled.
type world struct {
	bus   *metersim.Bus
	speed Setting
	hears func([]byte) // what the meters' end gets, as it was sent
}

// open makes the master's end.
func (w *world) open(t *testing.T) line.Opener {
	return func(context.Context) (line.Conn, error) {
		ours, theirs := net.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		var group sync.WaitGroup
		group.Go(func() { _ = w.bus.Serve(ctx, theirs) })
		t.Cleanup(func() { cancel(); ours.Close(); group.Wait() })
		return &port{Conn: ours, world: w}, nil
	}
}

// port is a serial port without hardware.
type port struct {
	net.Conn
	world *world

	mu   sync.Mutex
	mode line.Mode
}

func (p *port) SetMode(m line.Mode) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	return nil
}

func (p *port) Traits() line.Traits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return line.Traits{Char: p.mode.Char()}
}

func (p *port) right() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode == p.world.speed.Mode()
}

// garble is what a receiver at another speed makes of bytes.
func garble(b []byte) []byte {
	var out []byte
	for i := 0; i+1 < len(b); i += 2 {
		out = append(out, b[i]*5^b[i+1]|0x81)
	}
	return out
}

func (p *port) Write(b []byte) (int, error) {
	if p.world.hears != nil {
		p.world.hears(slices.Clone(b))
	}
	out := b
	if !p.right() {
		out = garble(b)
	}
	_, err := p.Conn.Write(out)
	return len(b), err
}

func (p *port) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 && !p.right() {
		return copy(b, garble(b[:n])), err
	}
	return n, err
}

// crowd are meters that all answer at once when more than one is meant.
type crowd []metersim.Speech

func (c crowd) Frame(b []byte) int { return c[0].Frame(b) }

func (c crowd) Hear(f []byte) (metersim.Reply, bool) {
	var all metersim.Reply
	answered := false
	for _, s := range c {
		r, ok := s.Hear(f)
		switch {
		case !ok:
		case !answered:
			all, answered = r, true
		default: // what stays high for one and low for the other is low
			for i := range min(len(all.Bytes), len(r.Bytes)) {
				all.Bytes[i] &= r.Bytes[i]
			}
		}
	}
	return all, answered
}

// run scans the world to its end and returns the state and the events.
func run(t *testing.T, w *world, o Options) (*State, []Event) {
	t.Helper()
	s := New("pipe", o, time.Now())
	l := line.New("pipe", w.open(t), LineOptions())
	defer l.Close()
	var events []Event
	r := Runner{Line: l, Report: func(e Event) { events = append(events, e) }}
	if err := r.Run(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if len(s.Queue) > 0 {
		t.Errorf("%d steps are left", len(s.Queue))
	}
	return s, events
}

// bubble runs a test under a clock that turns by itself.
func bubble(t *testing.T, test func(t *testing.T)) { synctest.Test(t, test) }

func speed(baud int, parity line.Parity) Setting { return Setting{baud, parity, 1} }

func bus(s metersim.Speech) *metersim.Bus {
	return &metersim.Bus{Pacing: metersim.Pacing{Turnaround: 30 * time.Millisecond}, Speech: s}
}

func water(address ...byte) *metersim.CJT188Meter {
	return &metersim.CJT188Meter{Kind: 0x10, Address: [7]byte(address)}
}
