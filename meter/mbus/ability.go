package mbus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/telegram"
)

// What an M-Bus meter can do beyond being read.
var (
	_ meter.History       = (*Meter)(nil)
	_ meter.ClockReader   = (*Meter)(nil)
	_ meter.ClockSetter   = (*Meter)(nil)
	_ meter.AddressReader = (*Meter)(nil)
	_ meter.AddressSetter = (*Meter)(nil)
	_ meter.Identifier    = (*Meter)(nil)
	_ meter.Prober        = (*Meter)(nil)
)

// lend runs f with the line, and with the frame count bit to itself.
func (m *Meter) lend(ctx context.Context, what string, p line.Priority, f func(*line.Lease) error) error {
	lease, err := m.line.Lease(ctx, p)
	if err == nil {
		defer lease.Release()
		m.mu.Lock()
		defer m.mu.Unlock()
		if err = f(lease); err != nil {
			m.synced = false
		}
	}
	if err != nil {
		return fmt.Errorf("%s of meter %s: %w", what, m.id, err)
	}
	return nil
}

// all reads all telegrams.
func (m *Meter) all(ctx context.Context, what string) (list []told, err error) {
	err = m.lend(ctx, what, line.PriorityOf(ctx), func(lease *line.Lease) (err error) {
		list, err = m.telegrams(ctx, lease)
		return err
	})
	return list, err
}

// ReadHistory gives what the meter's telegrams carry under storage numbers above 0: values with the date of the same
// storage number, if there is one. The meter is read once.
func (m *Meter) ReadHistory(ctx context.Context, from, to time.Time) ([]meter.Memory, error) {
	telegrams, err := m.all(ctx, "read history")
	if err != nil {
		return nil, err
	}
	stores := map[uint64]*meter.Memory{}
	var order []uint64
	for _, t := range telegrams {
		for _, v := range t.Values {
			if v.Storage == 0 || v.Tariff != 0 || v.Subunit != 0 || v.Function != telegram.Instantaneous {
				continue
			}
			s := stores[v.Storage]
			if s == nil {
				s = &meter.Memory{Back: int(v.Storage), Answered: t.at, Reading: meter.Reading{
					Meter: m.id, Line: m.line.Name(), Raw: t.raw[:min(len(t.raw), maxRaw)],
				}}
				stores[v.Storage] = s
				order = append(order, v.Storage)
			}
			if !v.At.IsZero() {
				s.Reading.At = m.local(v.At)
				continue
			}
			s.Reading.Values = append(s.Reading.Values, meter.Value{Name: v.Name, Number: v.Number, Unit: v.Unit})
		}
	}
	slices.Sort(order)
	var list []meter.Memory
	for _, n := range order {
		s := *stores[n]
		at := s.Reading.At
		if len(s.Reading.Values) > 0 && (at.IsZero() || !at.Before(from) && at.Before(to)) {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b meter.Memory) int { return b.Reading.At.Compare(a.Reading.At) })
	return list, nil
}

// local says in the meter's zone what the codec gives as if it were UTC.
func (m *Meter) local(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, m.opts.Zone)
}

// ReadClock reads the date and time that comes with the meter's data.
func (m *Meter) ReadClock(ctx context.Context) (shows, at time.Time, err error) {
	err = m.lend(ctx, "read clock", line.PriorityOf(ctx), func(lease *line.Lease) (err error) {
		shows, at, err = m.clock(ctx, lease)
		return err
	})
	return shows, at, err
}

func (m *Meter) clock(ctx context.Context, lease *line.Lease) (shows, at time.Time, err error) {
	telegrams, err := m.telegrams(ctx, lease)
	if err != nil {
		return shows, at, err
	}
	for _, t := range telegrams {
		for _, v := range t.Values {
			if v.Name == "clock" && v.Storage == 0 && !v.At.IsZero() {
				return m.local(v.At), t.at, nil
			}
		}
	}
	return shows, at, fmt.Errorf("its telegrams hold no clock: %w", meter.ErrUnable)
}

// clockSlack is how far a clock may be off right after it was set: type F knows minutes only.
const clockSlack = 90 * time.Second

// SetClock sends date and time (VIF 6D, type F) once and reads the clock back.
func (m *Meter) SetClock(ctx context.Context, now func() time.Time) error {
	return m.change(ctx, "set clock", func(lease *line.Lease) (sent, done error) {
		if sent = m.send(ctx, lease, append([]byte{0x04, 0x6D}, typeFBytes(now().In(m.opts.Zone))...)); errors.Is(sent, meter.ErrException) {
			return sent, nil
		}
		shows, _, err := m.clock(ctx, lease)
		if err == nil && shows.Sub(now()).Abs() > clockSlack {
			err = fmt.Errorf("clock shows %s", shows.Format(time.DateTime))
		}
		return sent, err
	})
}

// typeFBytes writes date and time as EN 13757-3, annex A, type F.
func typeFBytes(t time.Time) []byte {
	year := t.Year() % 100
	return []byte{byte(t.Minute()), byte(t.Hour()), byte(t.Day() | year&7<<5), byte(int(t.Month()) | year>>3<<4)}
}

// send writes records to the meter (SND_UD, CI 51); it acknowledges with E5.
func (m *Meter) send(ctx context.Context, lease *line.Lease, records []byte) error {
	return m.acknowledged(ctx, lease, Frame{Kind: Long, C: SndUd, A: m.address, CI: ciSend, Data: records}, "send")
}

// change does something to this meter alone, once. act says what became of the command and whether reading back proves
// that it is done.
func (m *Meter) change(ctx context.Context, what string, act func(*line.Lease) (sent, done error)) error {
	return m.lend(ctx, what, min(line.PriorityOf(ctx), line.Command), func(lease *line.Lease) error {
		if m.choice != nil && selectionOf(m.choice).wild() {
			return fmt.Errorf("address %s fits more than one meter: %w", selectionOf(m.choice), meter.ErrUnable)
		}
		if err := m.reach(ctx, lease); err != nil {
			return err // nothing that changes anything was sent
		}
		switch sent, done := act(lease); {
		case errors.Is(sent, meter.ErrException), errors.Is(sent, meter.ErrUnable):
			return sent
		case done != nil:
			return fmt.Errorf("%w: %w", meter.ErrOutcomeUnknown, errors.Join(sent, done))
		}
		return nil
	})
}

// wild tells whether digits of the number are left open: then several meters may be selected at once.
func (s Selection) wild() bool {
	for _, c := range s.ID {
		if c == 'F' {
			return true
		}
	}
	return false
}

// ReadAddress asks whoever is on the line for its primary address. It may be used only where one meter is alone.
func (m *Meter) ReadAddress(ctx context.Context) (string, error) {
	one := &Meter{line: m.line, address: everybody, id: m.id, opts: m.opts}
	var address byte
	err := one.lend(ctx, "read address", line.PriorityOf(ctx), func(lease *line.Lease) error {
		if err := one.reach(ctx, lease); err != nil {
			return err
		}
		f, _, err := one.frame(ctx, lease)
		address = f.A
		return err
	})
	return strconv.Itoa(int(address)), err
}

// everybody answers address 254.
const everybody byte = 254

// SetAddress gives the meter another primary address (VIF 7A), once, and reads it there. An address at which somebody
// answers already is refused: two meters at one address cannot be told apart any more.
func (m *Meter) SetAddress(ctx context.Context, to string) error {
	primary, selection, err := ParseAddress(to)
	if err != nil || selection != nil || primary == 0 {
		return fmt.Errorf("set address of meter %s: %q is no primary address from 1 to 250: %w", m.id, to, meter.ErrUnable)
	}
	there := &Meter{line: m.line, address: primary, id: m.id, opts: m.opts}
	return m.change(ctx, "set address", func(lease *line.Lease) (sent, done error) {
		err := there.reach(ctx, lease)
		if !errors.Is(err, meter.ErrSilent) {
			return fmt.Errorf("somebody answers at address %d: %w", primary, errors.Join(meter.ErrUnable, err)), nil
		}
		before, _, err := m.again(ctx, lease)
		if err != nil {
			return nil, err
		}
		if sent = m.send(ctx, lease, []byte{0x01, 0x7A, primary}); errors.Is(sent, meter.ErrException) {
			return sent, nil
		}
		after, _, err := there.again(ctx, lease)
		if err == nil && after.Identity != before.Identity {
			err = fmt.Errorf("at address %d answers meter %s: %w", primary, after.Printed, meter.ErrForeign)
		}
		return sent, err
	})
}

// again reaches the meter anew and asks for its first telegram.
func (m *Meter) again(ctx context.Context, lease *line.Lease) (Data, line.Answer, error) {
	m.synced = false
	if err := m.reach(ctx, lease); err != nil {
		return Data{}, line.Answer{}, err
	}
	return m.ask(ctx, lease)
}

// Identify gives what the header of the meter's data says.
func (m *Meter) Identify(ctx context.Context) (meter.Identity, error) {
	var id meter.Identity
	err := m.lend(ctx, "identify", line.PriorityOf(ctx), func(lease *line.Lease) error {
		d, answer, err := m.again(ctx, lease)
		id = meter.Identity{
			Maker: d.Manufacturer, Medium: MediumName(d.Medium), Number: d.Printed, At: answer.At,
			Version: fmt.Sprintf("%02X", d.Version), Raw: answer.Bytes[:min(len(answer.Bytes), maxRaw)],
		}
		return err
	})
	if err != nil {
		return meter.Identity{}, err
	}
	return id, nil
}

// Probe resets the link, or selects the meter; it acknowledges.
func (m *Meter) Probe(ctx context.Context) error {
	return m.lend(ctx, "probe", line.PriorityOf(ctx), func(lease *line.Lease) error {
		m.synced = false
		return m.reach(ctx, lease)
	})
}
