package modbus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/goburrow/modbus"

	"tally/meter"
	"tally/meter/profile"
)

var (
	_ meter.ClockReader   = (*Meter)(nil)
	_ meter.ClockSetter   = (*Meter)(nil)
	_ meter.AddressSetter = (*Meter)(nil)
)

// ReadClock reads the clock where the model says that it is.
func (m *Meter) ReadClock(ctx context.Context) (shows, at time.Time, err error) {
	c := m.model.Map.Clock
	if c == nil {
		return shows, at, fmt.Errorf("read clock of meter %s: model %s says nothing of one: %w", m.id, m.model.Model, meter.ErrUnable)
	}
	words, at, err := m.ReadRegisters(ctx, c.Function, c.Address, c.Words())
	if err == nil {
		shows, err = c.Time(words, m.opts.Zone)
	}
	if err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("read clock of meter %s: %w", m.id, err)
	}
	return shows, at, nil
}

// clockSlack is how far a clock may be off right after it was set.
const clockSlack = 5 * time.Second

// SetClock writes the clock's registers once and reads them back.
func (m *Meter) SetClock(ctx context.Context, now func() time.Time) error {
	c := m.model.Map.Clock
	if c == nil || !c.Writable {
		return fmt.Errorf("set clock of meter %s: model %s does not say how: %w", m.id, m.model.Model, meter.ErrUnable)
	}
	b := profile.Block{Function: c.Function, Start: c.Address, Count: c.Words()}
	return m.change(ctx, "set clock", func(s *session, client modbus.Client) (sent, done error) {
		if _, err := s.words(client, b); err != nil {
			return nil, fmt.Errorf("%w: read before: %w", errUnsent, err)
		}
		if sent = s.write(client, c.Address, c.Put(now().In(m.opts.Zone))); errors.Is(sent, meter.ErrException) {
			return sent, nil
		}
		words, err := s.words(client, b)
		if err != nil {
			return sent, err
		}
		shows, err := c.Time(words, m.opts.Zone)
		if err == nil && shows.Sub(now()).Abs() > clockSlack {
			err = fmt.Errorf("clock shows %s", shows.Format(time.DateTime))
		}
		return sent, err
	})
}

// SetAddress writes the register of the meter's own address once, and reads it from the new address. An address at which
// somebody answers already is refused: two meters at one address cannot be told apart any more.
func (m *Meter) SetAddress(ctx context.Context, to string) error {
	own := m.model.Map.Own
	unit, err := strconv.ParseUint(to, 10, 8)
	switch {
	case own == nil || m.kind == TCP:
		return fmt.Errorf("set address of meter %s: model %s on this line does not say how: %w", m.id, m.model.Model, meter.ErrUnable)
	case err != nil || unit < 1 || unit > 247:
		return fmt.Errorf("set address of meter %s: %q: 1–247 are possible: %w", m.id, to, meter.ErrUnable)
	}
	r := own.Register
	b := profile.Block{Function: readHolding, Start: r.Address, Count: r.Words}
	there := *m
	there.unit = byte(unit)
	return m.change(ctx, "set address", func(s *session, client modbus.Client) (sent, done error) {
		beyond := there.session(ctx, s.lease)
		theirs := modbus.NewClient2(there.packager(), beyond)
		if _, err := beyond.words(theirs, b); !errors.Is(err, meter.ErrSilent) {
			return nil, fmt.Errorf("%w: somebody answers at address %d: %w", errUnsent, unit, errors.Join(meter.ErrUnable, err))
		}
		beyond.lease.Settle(beyond.peer()) // nobody is there who could owe an answer
		if _, err := s.words(client, b); err != nil {
			return nil, fmt.Errorf("%w: read before: %w", errUnsent, err)
		}
		if sent = s.write(client, r.Address, own.Put(byte(unit))); errors.Is(sent, meter.ErrException) {
			return sent, nil
		}
		_, err := beyond.words(theirs, b)
		return sent, err
	})
}
