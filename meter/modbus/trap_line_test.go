package modbus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/meter/modbus"
	"tally/meter/profile"
)

// TestTrapIllegalAddressInsideABlock: a register between two others that must not be read. With the gap in the model it is
// gone around; without it the meter's refusal is an error, and nothing becomes a zero.
func TestTrapIllegalAddressInsideABlock(t *testing.T) {
	const registers = "[[register]]\nname = \"a\"\naddress = 0\ntype = \"u16\"\n[[register]]\nname = \"b\"\naddress = 2\ntype = \"u16\"\n"
	const head = "model = \"m\"\nsource = \"s\"\nprotocol = \"modbus\"\n[modbus]\nbridge = 4\n"
	for name, c := range map[string]struct {
		text string
		want error
	}{"gap": {head + "gaps = [[1, 1]]\n" + registers, nil}, "no gap": {head + registers, meter.ErrException}} {
		t.Run(name, func(t *testing.T) {
			bus := metersim.NewBus(metersim.Pacing{})
			slave := metersim.NewSlave()
			slave.Set(0, 11)
			slave.Set(2, 22)
			bus.Attach(1, slave)
			p, err := profile.Parse("m", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			m, err := modbus.New(ways["RTU on a pipe"].connect(t, bus, line.Options{Timeout: shortTimeout}), modbus.RTU, 1, p, "1", modbus.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r, err := m.Read(t.Context())
			if !errors.Is(err, c.want) || c.want == nil && (len(r.Values) != 2 || r.Values[1].Number.Unscaled != 22) || c.want != nil && len(r.Values) != 0 {
				t.Errorf("read %v, %v", r.Values, err)
			}
		})
	}
}

// TestTrapOneClientGateway: a gateway that takes one connection at a time. Several meters share it, and after an error the
// old connection is closed before a new one is opened.
func TestTrapOneClientGateway(t *testing.T) {
	t.Parallel() // waits for what does not come
	bus := metersim.NewBus(metersim.Pacing{})
	sick := metersim.NewGasMeter(1)
	bus.Attach(1, sick)
	bus.Attach(2, metersim.NewGasMeter(2))
	ln := listen(t)
	serve(t, func(ctx context.Context) error { return bus.ServeTCP(ctx, ln) })
	gateway := oneClient{dial: line.TCP(ln.Addr().String())}
	l := line.New("test", gateway.open, line.Options{Timeout: shortTimeout})
	defer l.Close()
	for round := range 6 {
		if round%2 == 1 {
			sick.Next(metersim.Fault{Silent: true})
		}
		for unit := byte(1); unit <= 2; unit++ {
			m, err := modbus.New(l, modbus.TCP, unit, builtin(t, "generic-gas-modbus"), "1", modbus.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Read(t.Context()); err != nil && !(round%2 == 1 && unit == 1) {
				t.Errorf("round %d, unit %d: %v", round, unit, err)
			}
		}
	}
	if gateway.opened.Load() < 2 || gateway.turned.Load() != 0 {
		t.Errorf("%d connections, of them %d while another was open", gateway.opened.Load(), gateway.turned.Load())
	}
}

// oneClient is a gateway as the dialling side finds it: who comes while a connection is open is turned away.
type oneClient struct {
	dial           line.Opener
	busy           atomic.Bool
	opened, turned atomic.Int32
}

func (g *oneClient) open(ctx context.Context) (line.Conn, error) {
	if !g.busy.CompareAndSwap(false, true) {
		g.turned.Add(1)
		return nil, syscall.ECONNREFUSED
	}
	g.opened.Add(1)
	c, err := g.dial(ctx)
	if err != nil {
		g.busy.Store(false)
		return nil, err
	}
	return &oneConn{Conn: c, g: g}, nil
}

// oneConn leaves the gateway free when it is closed.
type oneConn struct {
	line.Conn
	g    *oneClient
	once sync.Once
}

// Traits are those of what it wraps: a TCP connection does not outlive an error.
func (c *oneConn) Traits() line.Traits {
	return c.Conn.(interface{ Traits() line.Traits }).Traits()
}

func (c *oneConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.g.busy.Store(false) })
	return err
}

// TestTrapAllDead: nobody answers on the whole line. Every question ends when it should, and when the cable is back so are
// the meters, at once.
func TestTrapAllDead(t *testing.T) {
	model := twenty(t)
	synctest.Test(t, func(t *testing.T) {
		bus := metersim.NewBus(limitPacing)
		var all []*metersim.Slave
		for i := range 10 {
			s := metersim.NewSlave()
			s.Set(0, make([]uint16, 20)...)
			s.Always(&metersim.Fault{Silent: true})
			bus.Attach(byte(i+1), s)
			all = append(all, s)
		}
		l, stop := pacedLine(bus)
		defer stop()
		read := func(i int) error {
			m, err := modbus.New(l, modbus.RTU, byte(i+1), model, meter.ID(fmt.Sprint(i)), modbus.Options{Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Read(t.Context())
			return err
		}
		from := time.Now()
		for i := range all {
			if err := read(i); !errors.Is(err, meter.ErrSilent) {
				t.Errorf("meter %d: %v", i, err)
			}
		}
		if took := time.Since(from); took > 10*1300*time.Millisecond {
			t.Errorf("ten silent meters took %s", took)
		}
		for i, s := range all {
			s.Always(nil)
			if err := read(i); err != nil {
				t.Errorf("meter %d is back: %v", i, err)
			}
		}
	})
}
