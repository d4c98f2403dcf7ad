package cjt188

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

var _ meter.History = (*Meter)(nil)

// ReadHistory reads the counter at the settlement days of past months, items D120 to D12B. The meter gives no dates with
// them: a value's time is the midnight with which its settlement day began, reckoned from item 8103, or zero if the meter
// does not tell that day. Each item is asked under a lease of its own, so that whoever is in a hurry comes between.
func (m *Meter) ReadHistory(ctx context.Context, from, to time.Time) ([]meter.Memory, error) {
	if m.opts.Months == 0 {
		return nil, fmt.Errorf("read history of meter %s: its model keeps none: %w", m.id, meter.ErrUnable)
	}
	day, err := m.settlementDay(ctx)
	if err != nil {
		return nil, fmt.Errorf("read history of meter %s: %w", m.id, err)
	}
	var list []meter.Memory
	for back := 1; back <= m.opts.Months; back++ {
		v, err := m.month(ctx, back, day)
		at := v.Reading.At
		switch {
		case errors.Is(err, meter.ErrException):
			return list, nil // it has not been in use for longer
		case err != nil:
			return nil, fmt.Errorf("read history of meter %s, %d months back: %w", m.id, back, err)
		case !at.IsZero() && at.Before(from), at.IsZero() && v.Answered.AddDate(0, -back, 0).Before(from):
			return list, nil
		case at.IsZero() || at.Before(to):
			list = append(list, v)
		}
	}
	return list, nil
}

// settlementDay asks on which day of the month the meter settles, 0 if it does not tell.
func (m *Meter) settlementDay(ctx context.Context) (int, error) {
	r, err := m.ReadItem(ctx, SettlementDay.String())
	switch {
	case errors.Is(err, meter.ErrException), errors.Is(err, meter.ErrMalformed), errors.Is(err, meter.ErrImplausible):
		return 0, nil
	case err != nil:
		return 0, err
	}
	v, _ := r.Find("settlement_day")
	if day := int(v.Number.Unscaled); day >= 1 && day <= 28 {
		return day, nil
	}
	return 0, nil // 29 to 31 are not in every month, and makers differ in what they then do
}

// month reads one month of the history.
func (m *Meter) month(ctx context.Context, back, day int) (meter.Memory, error) {
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return meter.Memory{}, err
	}
	defer lease.Release()
	f, answer, err := m.ask(ctx, lease, m.opts.Control, History1+Item(back-1))
	if err != nil {
		return meter.Memory{}, err
	}
	d, err := f.Decode(m.opts.Variant)
	if err != nil {
		return meter.Memory{}, err
	}
	v := meter.Memory{Back: back, Answered: answer.At, Reading: m.reading(answer, d.Values)}
	v.Reading.At = settled(answer.At.In(m.opts.Zone), back, day)
	return v, nil
}

// settled is the back-th settlement day before now, as its midnight; the zero time when the day is not known.
func settled(now time.Time, back, day int) time.Time {
	if day == 0 {
		return time.Time{}
	}
	if now.Day() < day {
		back++
	}
	return time.Date(now.Year(), now.Month()-time.Month(back-1), day, 0, 0, 0, 0, now.Location())
}

// reading keeps the numbers among values, remembered ones too.
func (m *Meter) reading(answer line.Answer, values []telegram.Value) meter.Reading {
	r := meter.Reading{Meter: m.id, At: answer.At, Line: m.line.Name(), Raw: answer.Bytes}
	for _, v := range values {
		if v.At.IsZero() && (v.Text == "" || v.Unit != "" || v.Number != (quantity.Decimal{})) {
			r.Values = append(r.Values, meter.Value{Name: v.Name, Number: v.Number, Unit: v.Unit})
		}
	}
	return r
}
