package line

import (
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"context"

	"tally/meter"
)

// speedy is a pipe with a speed that can be changed.
type speedy struct {
	net.Conn
	mu    sync.Mutex
	modes []Mode
	at    []time.Time
	fails error
}

func (s *speedy) SetMode(m Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes, s.at = append(s.modes, m), append(s.at, time.Now())
	return s.fails
}

func (s *speedy) Traits() Traits {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.modes); n > 0 {
		return Traits{Char: s.modes[n-1].Char()}
	}
	return Traits{Char: Mode{}.Char()}
}

// TestSpeedOfEachMeter: two meters at different speeds on one line, each asked at its own; nobody switches without need.
func TestSpeedOfEachMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var acts []act
		for range 6 {
			acts = append(acts, answerAfter(0, "A1234"))
		}
		_, open := play(t, acts...)
		var wire *speedy
		l := New("x", func(ctx context.Context) (Conn, error) {
			c, err := open(ctx)
			if err != nil {
				return nil, err
			}
			wire = &speedy{Conn: c.(net.Conn)}
			return wire, nil
		}, Options{})
		defer l.Close()
		slow, own := Mode{Baud: 2400, Parity: Even}, Mode{}
		a, b := l.For("a", slow), l.For("b", own)
		for _, who := range []*Line{b, a, a, b, b, a} {
			expectAnswer(t, who, "A1234")
		}
		if want := []Mode{slow, own, slow}; !slices.Equal(wire.modes, want) {
			t.Errorf("speeds %v, want %v", wire.modes, want)
		}
		stats := l.MeterStats()
		if stats["a"].OK != 3 || stats["b"].OK != 3 || l.Stats().OK != 6 || stats["a"].Busy <= 0 {
			t.Errorf("stats %+v", stats)
		}
	})
}

// TestTrapLineWithoutSpeed: a gateway's speed is its own; nothing is sent at a wrong one.
func TestTrapLineWithoutSpeed(t *testing.T) {
	bubble(t, Options{}, []act{answerAfter(0, "A1234")}, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l.For("a", Mode{Baud: 300}), meter.ErrLine)
		expectAnswer(t, l, "A1234")
	})
}

func TestTrapSpeedCannotBeSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		l := New("x", func(context.Context) (Conn, error) {
			opened++
			ours, theirs := net.Pipe()
			t.Cleanup(func() { theirs.Close() })
			return &speedy{Conn: ours, fails: errors.New("input/output error")}, nil
		}, Options{})
		defer l.Close()
		expectError(t, l.For("a", Mode{Baud: 300}), meter.ErrLine)
		if opened == 0 || l.Stats().Up {
			t.Errorf("opened %d times, still up %v", opened, l.Stats().Up)
		}
	})
}

// TestSerialPortChangesItsSpeed: what the library was told is what the port then has.
func TestSerialPortChangesItsSpeed(t *testing.T) {
	cfg := SerialConfig{Baud: 9600}.withDefaults()
	for mode, want := range map[Mode]SerialConfig{
		{}:                         {Baud: 9600, Parity: None, DataBits: 8, StopBits: 1},
		{Baud: 2400, Parity: Even}: {Baud: 2400, Parity: Even, DataBits: 8, StopBits: 1},
		{StopBits: 2}:              {Baud: 9600, Parity: None, DataBits: 8, StopBits: 2},
	} {
		want.Direction = DirectionAuto
		if got := cfg.with(mode); got != want {
			t.Errorf("with %+v = %+v, want %+v", mode, got, want)
		}
	}
}
