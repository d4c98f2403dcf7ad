package line

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.bug.st/serial"
)

// modemPort is a port that notes what happens to it, in order.
type modemPort struct {
	serial.Port
	log   []string
	fails string // this act fails
}

var errAct = errors.New("act failed")

func (p *modemPort) act(what string) error {
	p.log = append(p.log, what)
	if what == p.fails {
		return errAct
	}
	return nil
}

func (p *modemPort) SetRTS(on bool) error {
	if on {
		return p.act("rts on")
	}
	return p.act("rts off")
}

func (p *modemPort) Write(b []byte) (int, error) { return len(b), p.act("write") }
func (p *modemPort) Drain() error                { return p.act("drain") }

// TestAdapterWithoutAutomaticDirection: it sends while RTS says so, and until the last bit is out, not longer.
func TestAdapterWithoutAutomaticDirection(t *testing.T) {
	for _, c := range []struct {
		direction Direction
		fails     string
		want      string
	}{
		{DirectionAuto, "", "write"},
		{DirectionRTS, "", "rts on, write, drain, rts off"},
		{DirectionInverted, "", "rts off, write, drain, rts on"},
		{DirectionRTS, "drain", "rts on, write, drain, rts off"}, // it must not go on sending
		{DirectionRTS, "rts off", "rts on, write, drain, rts off"},
		{DirectionRTS, "rts on", "rts on"},
	} {
		t.Run(string(c.direction)+c.fails, func(t *testing.T) {
			p := &modemPort{fails: c.fails}
			s := &serialConn{port: p, data: &timed{port: p}, cfg: SerialConfig{Direction: c.direction}.withDefaults()}
			_, err := s.Write([]byte("abc"))
			err = errors.Join(err, s.Drain())
			if got := strings.Join(p.log, ", "); got != c.want || (err != nil) != (c.fails != "") {
				t.Errorf("%s, error %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestDirectionListensFirst(t *testing.T) {
	for direction, rts := range map[Direction]bool{DirectionRTS: false, DirectionInverted: true} {
		mode, err := SerialConfig{Direction: direction}.withDefaults().mode()
		if err != nil || mode.InitialStatusBits == nil || mode.InitialStatusBits.RTS != rts || !mode.InitialStatusBits.DTR {
			t.Errorf("%s opens with %+v, %v", direction, mode.InitialStatusBits, err)
		}
	}
	if !slices.Contains([]Direction{DirectionAuto}, SerialConfig{}.withDefaults().Direction) {
		t.Error("automatic is not the default")
	}
}
