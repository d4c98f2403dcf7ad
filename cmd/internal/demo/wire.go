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

// wire is the simulated line: Modbus RTU at 9600 baud on a pseudo-terminal, or Modbus TCP where there is none.
type wire struct {
	bus    *metersim.Bus
	slaves map[string]*metersim.Slave
	pty    *metersim.PTY
	tcp    net.Listener
	closed sync.Once
}

// newWire makes the line on what openPTY opens, metersim.OpenPTY but for tests.
func newWire(born, now time.Time, openPTY func() (*metersim.PTY, error)) (*wire, error) {
	w := &wire{
		bus:    metersim.NewBus(metersim.Pacing{Baud: 9600, CharBits: 10, Turnaround: 20 * time.Millisecond}),
		slaves: map[string]*metersim.Slave{},
	}
	for _, m := range remoteMeters {
		if m.dead {
			continue
		}
		s := metersim.NewGasMeter(m.litres(born, now))
		w.bus.Attach(m.unit, s)
		w.slaves[m.id] = s
	}
	var err error
	if w.pty, err = openPTY(); err == nil {
		return w, nil
	}
	var listenErr error
	if w.tcp, listenErr = net.Listen("tcp", "127.0.0.1:0"); listenErr != nil {
		return nil, fmt.Errorf("make the meters' line: %w", errors.Join(err, listenErr))
	}
	return w, nil
}

// litres is what a meter's counter shows at a time: gas flows evenly since the demo's first start, so a counter never
// goes back when the demo is started again.
func (m remoteMeter) litres(born, now time.Time) uint32 {
	return m.start + uint32(max(0, now.Sub(born)/(flowSeconds*time.Second)))
}

// config is the line as a node's config would describe it.
func (w *wire) config() config.Line {
	l := config.Line{Name: "riser-1", Kind: config.KindSerial, Protocol: config.ModbusRTU, Baud: 9600, Parity: config.ParityNone, DataBits: 8, StopBits: 1}
	if w.pty != nil {
		l.Port = w.pty.Path
	} else {
		l.Kind, l.Protocol, l.Address = config.KindTCP, config.ModbusTCP, w.tcp.Addr().String()
	}
	for _, m := range remoteMeters {
		l.Meters = append(l.Meters, config.Meter{
			ID: meter.ID(m.id), Unit: m.unit, Model: meterModel, Every: pollEvery, Timeout: 300 * time.Millisecond,
		})
	}
	return l
}

// Run answers on the line and lets gas flow until ctx ends.
func (w *wire) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		if w.pty != nil {
			ended <- w.bus.Serve(ctx, w.pty.Wire)
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
			for _, s := range w.slaves {
				s.Consume(1, flowSeconds*time.Second)
			}
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
