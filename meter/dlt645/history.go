package dlt645

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// Items of the daily freeze, 2007 edition, table A.4: the lowest byte counts back.
const (
	freezeTime   = 0x05060000 // year, month, day, hour, minute
	freezeEnergy = 0x05060100 // forward active energy, the total first
)

// ReadHistory reads the daily freezes of the 2007 edition, each with the time that the meter says. Each is read under a
// lease of its own. A freeze between its time and its value would give an old time to a new value, so near midnight
// the time is read again.
func (m *Meter) ReadHistory(ctx context.Context, from, to time.Time) ([]meter.Memory, error) {
	if m.opts.Freezes == 0 || m.edition() == Edition1997 {
		return nil, fmt.Errorf("read history of meter %s: its model keeps none: %w", m.id, meter.ErrUnable)
	}
	var list []meter.Memory
	for back := 1; back <= m.opts.Freezes; back++ {
		var v meter.Memory
		err := m.lend(ctx, "read history", line.PriorityOf(ctx), func(lease *line.Lease) (err error) {
			v, err = m.freeze(ctx, lease, back)
			return err
		})
		switch {
		case errors.Is(err, meter.ErrException):
			return list, nil // it has not been in use for longer
		case err != nil:
			return nil, err
		case v.Reading.At.Before(from):
			return list, nil
		case v.Reading.At.Before(to):
			list = append(list, v)
		}
	}
	return list, nil
}

func (m *Meter) freeze(ctx context.Context, lease *line.Lease, back int) (meter.Memory, error) {
	at, asked, err := m.frozenAt(ctx, lease, back)
	if err != nil {
		return meter.Memory{}, err
	}
	w, err := m.ask(ctx, lease, Item{Edition2007, uint32(freezeEnergy + back)})
	if err != nil {
		return meter.Memory{}, err
	}
	if len(w.data) < 4 {
		return meter.Memory{}, telegram.Short(len(w.data), 4)
	}
	n, p := telegram.Digits(w.data[:4])
	if p != nil {
		return meter.Memory{}, p
	}
	if m.nearMidnight(asked) || m.nearMidnight(w.at) {
		if again, _, err := m.frozenAt(ctx, lease, back); err != nil || !again.Equal(at) {
			return meter.Memory{}, fmt.Errorf("meter froze anew while it was read: %w", errors.Join(meter.ErrBusy, err))
		}
	}
	value := meter.Value{Name: "energy_import", Number: quantity.Decimal{Unscaled: n, Scale: 2}, Unit: "kWh"}
	return meter.Memory{Answered: w.at, Reading: meter.Reading{
		Meter: m.id, At: at, Line: m.line.Name(), Values: []meter.Value{value}, Raw: w.raw[:min(len(w.raw), maxRaw)],
	}}, nil
}

// frozenAt reads when the meter froze.
func (m *Meter) frozenAt(ctx context.Context, lease *line.Lease, back int) (frozen, asked time.Time, err error) {
	n, asked, err := m.number(ctx, lease, Item{Edition2007, uint32(freezeTime + back)}, 5)
	if err != nil {
		return time.Time{}, asked, err
	}
	frozen, err = m.instant(n/10_000, n%10_000*100)
	return frozen, asked, err
}

// nearMidnight tells whether the meter may freeze about now; its clock may be off.
func (m *Meter) nearMidnight(t time.Time) bool {
	t = t.In(m.opts.Zone)
	minute := t.Hour()*60 + t.Minute()
	return minute < 30 || minute >= 24*60-30
}
