package cjt188

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// What a CJ/T 188 meter can do beyond being read; history and valve are beside.
var (
	_ meter.Items         = (*Meter)(nil)
	_ meter.ClockReader   = (*Meter)(nil)
	_ meter.ClockSetter   = (*Meter)(nil)
	_ meter.AddressReader = (*Meter)(nil)
	_ meter.AddressSetter = (*Meter)(nil)
	_ meter.Identifier    = (*Meter)(nil)
	_ meter.Prober        = (*Meter)(nil)
)

// ReadItem reads one item by its identifier: "901F", "8102" (prices), "8103", "8104", "8105", "D120" to "D12B".
func (m *Meter) ReadItem(ctx context.Context, item string) (meter.Reading, error) {
	n, err := strconv.ParseUint(item, 16, 16)
	i := Item(n)
	if err != nil || len(item) != 4 || !i.readable() {
		return meter.Reading{}, fmt.Errorf("read item %q of meter %s: no item of the standard that can be read: %w", item, m.id, meter.ErrUnable)
	}
	d, answer, err := m.decoded(ctx, line.PriorityOf(ctx), i)
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read item %s of meter %s: %w", item, m.id, err)
	}
	return m.reading(answer, d.Values), nil
}

// readable tells whether control code 01 reads the item.
func (i Item) readable() bool { return i.known() && i>>12 != 0xA && i != OwnAddress && i != KeyVersion }

// decoded reads one item under a lease of its own.
func (m *Meter) decoded(ctx context.Context, p line.Priority, i Item) (Decoded, line.Answer, error) {
	lease, err := m.line.Lease(ctx, p)
	if err != nil {
		return Decoded{}, line.Answer{}, err
	}
	defer lease.Release()
	return m.look(ctx, lease, i)
}

// look reads one item and decodes it.
func (m *Meter) look(ctx context.Context, lease *line.Lease, i Item) (Decoded, line.Answer, error) {
	f, answer, err := m.ask(ctx, lease, m.opts.Control, i)
	if err != nil {
		return Decoded{}, answer, err
	}
	d, err := f.Decode(m.opts.Variant)
	return d, answer, err
}

// ReadClock reads the clock that comes with item 901F.
func (m *Meter) ReadClock(ctx context.Context) (shows, at time.Time, err error) {
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err == nil {
		defer lease.Release()
		shows, at, err = m.clock(ctx, lease)
	}
	if err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("read clock of meter %s: %w", m.id, err)
	}
	return shows, at, nil
}

func (m *Meter) clock(ctx context.Context, lease *line.Lease) (shows, at time.Time, err error) {
	d, answer, err := m.look(ctx, lease, Current)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	for _, v := range d.Values {
		if v.Name == "clock" {
			t := v.At // as if it were UTC: the meter does not say where it is
			return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, m.opts.Zone), answer.At, nil
		}
	}
	return time.Time{}, time.Time{}, fmt.Errorf("answer holds no time that a clock can show: %w", meter.ErrImplausible)
}

// clockSlack is how far a clock may be off right after it was set: seconds are cut off twice, and the line takes its time.
const clockSlack = 5 * time.Second

// SetClock writes item A015 once and reads the clock back.
func (m *Meter) SetClock(ctx context.Context, now func() time.Time) error {
	return m.change(ctx, "set clock", func(lease *line.Lease) (sent, done error) {
		data := appendClock(nil, now().In(m.opts.Zone))
		if m.opts.Variant.Clock == HighFirst {
			for i, j := 0, len(data)-1; i < j; i, j = i+1, j-1 {
				data[i], data[j] = data[j], data[i]
			}
		}
		_, _, sent = m.ask(ctx, lease, Write, Clock, data...)
		if errors.Is(sent, meter.ErrException) {
			return sent, nil
		}
		shows, _, err := m.clock(ctx, lease)
		if err == nil && shows.Sub(now()).Abs() > clockSlack {
			err = fmt.Errorf("clock shows %s", shows.Format(time.DateTime))
		}
		return sent, err
	})
}

// ReadAddress asks whoever is on the line for its address. It may be used only where one meter is alone.
func (m *Meter) ReadAddress(ctx context.Context) (string, error) {
	_, a, err := AskAddress(ctx, m.line, m.opts)
	if err != nil {
		return "", fmt.Errorf("read address: %w", err)
	}
	return a.String(), nil
}

// SetAddress writes item A018 once and reads the counter under the new address.
func (m *Meter) SetAddress(ctx context.Context, to string) error {
	a, err := ParseAddress(to)
	switch {
	case err != nil:
		return fmt.Errorf("set address of meter %s: %w: %w", m.id, meter.ErrUnable, err)
	case a == Anyone:
		return fmt.Errorf("set address of meter %s: %s is nobody's: %w", m.id, to, meter.ErrUnable)
	}
	return m.change(ctx, "set address", func(lease *line.Lease) (sent, done error) {
		_, _, sent = m.ask(ctx, lease, WriteAddress, SetAddress, a[:]...)
		if errors.Is(sent, meter.ErrException) {
			return sent, nil
		}
		there := *m
		there.address = a
		_, _, err := there.look(ctx, lease, Current)
		return sent, err
	})
}

// change does something to this meter alone, once. act says what became of the command and whether reading back proves
// that it is done.
func (m *Meter) change(ctx context.Context, what string, act func(*line.Lease) (sent, done error)) error {
	if m.address == Anyone {
		return fmt.Errorf("%s of meter %s: a command is never sent to everybody: %w", what, m.id, meter.ErrUnable)
	}
	lease, err := m.line.Lease(ctx, min(line.PriorityOf(ctx), line.Command))
	if err != nil {
		return fmt.Errorf("%s of meter %s: %w", what, m.id, err) // nothing was sent
	}
	defer lease.Release()
	switch sent, done := act(lease); {
	case errors.Is(sent, meter.ErrException):
		return fmt.Errorf("%s of meter %s: %w", what, m.id, sent)
	case done != nil:
		return fmt.Errorf("%s of meter %s: %w: %w", what, m.id, meter.ErrOutcomeUnknown, errors.Join(sent, done))
	}
	return nil
}

// Identify gives what the frame of a reading says of its sender: what is metered and the address, whose highest four
// digits are the maker's.
func (m *Meter) Identify(ctx context.Context) (meter.Identity, error) {
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return meter.Identity{}, fmt.Errorf("identify meter %s: %w", m.id, err)
	}
	defer lease.Release()
	f, answer, err := m.ask(ctx, lease, m.opts.Control, Current)
	if err != nil {
		return meter.Identity{}, fmt.Errorf("identify meter %s: %w", m.id, err)
	}
	number := f.Address.String()
	return meter.Identity{Maker: number[:4], Medium: f.Kind.String(), Number: number, At: answer.At, Raw: answer.Bytes}, nil
}

// Probe reads item 901F, which every meter answers.
func (m *Meter) Probe(ctx context.Context) error {
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return fmt.Errorf("probe meter %s: %w", m.id, err)
	}
	defer lease.Release()
	if _, _, err := m.ask(ctx, lease, m.opts.Control, Current); err != nil {
		return fmt.Errorf("probe meter %s: %w", m.id, err)
	}
	return nil
}
