package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"tally/cmd/internal/config"
	"tally/meter"
	"tally/meter/metersim"
)

// The remote meters of the demo: two that answer and one that never does.
const (
	meterModel  = "generic-gas-modbus"
	pollEvery   = 5 * time.Second
	flowSeconds = 7 // each meter lets one litre through in so many seconds
)

type remoteMeter struct {
	id    string
	unit  byte
	start uint32 // litres at the first start of the demo
	dead  bool
}

var remoteMeters = []remoteMeter{
	{id: "30260001", unit: 1, start: 1_284_310},
	{id: "30260002", unit: 2, start: 77_052},
	{id: "30260003", unit: 3, dead: true},
}

// wire is one simulated line on a pseudo-terminal, or behind a TCP gateway where there is none.
type wire struct {
	bus    *metersim.Bus
	flow   func() // lets one litre through every meter
	line   config.Line
	pty    *metersim.PTY
	tcp    net.Listener
	closed sync.Once
}

// newGasRiser makes the line of Modbus gas meters at 9600 baud on what openPTY opens, metersim.OpenPTY but for tests.
func newGasRiser(born, now time.Time, openPTY func() (*metersim.PTY, error)) (*wire, error) {
	w := &wire{
		bus:  metersim.NewBus(metersim.Pacing{Baud: 9600, CharBits: 10, Turnaround: 20 * time.Millisecond}),
		line: config.Line{Name: "riser-1", Protocol: config.ModbusRTU, Baud: 9600, Parity: config.ParityNone, DataBits: 8, StopBits: 1},
	}
	var slaves []*metersim.Slave
	for _, m := range remoteMeters {
		w.line.Meters = append(w.line.Meters, config.Meter{
			ID: meter.ID(m.id), Unit: m.unit, Model: meterModel, Every: pollEvery, Timeout: 300 * time.Millisecond,
		})
		if m.dead {
			continue
		}
		s := metersim.NewGasMeter(litres(m.start, born, now))
		w.bus.Attach(m.unit, s)
		slaves = append(slaves, s)
	}
	w.flow = func() {
		for _, s := range slaves {
			s.Consume(1, flowSeconds*time.Second)
		}
	}
	return w, w.open(openPTY, config.ModbusTCP)
}

// open takes a pseudo-terminal, or a port behind which the same meters answer with the given protocol.
func (w *wire) open(openPTY func() (*metersim.PTY, error), behindTCP string) (err error) {
	if w.pty, err = openPTY(); err == nil {
		w.line.Kind, w.line.Port = config.KindSerial, w.pty.Path
		return nil
	}
	var listenErr error
	if w.tcp, listenErr = net.Listen("tcp", "127.0.0.1:0"); listenErr != nil {
		return fmt.Errorf("make the meters' line: %w", errors.Join(err, listenErr))
	}
	w.line.Kind, w.line.Protocol, w.line.Address = config.KindTCP, behindTCP, w.tcp.Addr().String()
	return nil
}

// litres is what a meter's counter shows at a time: it flows evenly since the demo's first start, so a counter never
// goes back when the demo is started again.
func litres(start uint32, born, now time.Time) uint32 {
	return start + uint32(max(0, now.Sub(born)/(flowSeconds*time.Second)))
}

// config is the line as a node's config would describe it.
func (w *wire) config() config.Line { return w.line }

// Run answers on the line and lets gas and water flow until ctx ends.
func (w *wire) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		if w.pty != nil {
			ended <- w.bus.Serve(ctx, w.pty.Wire)
			return
		}
		if w.line.Protocol != config.ModbusTCP {
			ended <- w.bus.ServeRTUOverTCP(ctx, w.tcp)
			return
		}
		ended <- w.bus.ServeTCP(ctx, w.tcp)
	}()
	tick := time.NewTicker(flowSeconds * time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return errors.Join(err, w.Close())
		case <-tick.C:
			w.flow()
		}
	}
}

// Close gives the line up. It may be called twice.
func (w *wire) Close() (err error) {
	w.closed.Do(func() {
		if w.pty != nil {
			err = w.pty.Close()
			return
		}
		if err = w.tcp.Close(); errors.Is(err, net.ErrClosed) {
			err = nil
		}
	})
	return err
}
