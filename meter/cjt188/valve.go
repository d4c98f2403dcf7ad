package cjt188

import (
	"context"
	"errors"
	"fmt"

	"tally/meter"
	"tally/meter/line"
)

var (
	_ meter.Valve       = (*Meter)(nil)
	_ meter.ValveReader = (*Meter)(nil)
)

// SetValve writes item A017 once and reads 901F to see where the valve stands. It refuses the address that everybody
// answers, and a model whose status bytes do not tell.
func (m *Meter) SetValve(ctx context.Context, want meter.ValveState) (meter.ValveState, error) {
	command, ok := map[meter.ValveState]byte{meter.ValveOpen: valveOpen, meter.ValveClosed: valveClose}[want]
	switch {
	case !ok:
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s to %q: open and closed are possible", m.id, want)
	case m.address == Anyone:
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s: a valve command is never sent to everybody", m.id)
	case m.opts.NoValve:
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s: its model has none: %w", m.id, meter.ErrUnable)
	case m.opts.Variant.NoStatus:
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s: its status does not tell where the valve stands: %w", m.id, meter.ErrUnable)
	}
	lease, err := m.line.Lease(ctx, min(line.PriorityOf(ctx), line.Command))
	if err != nil {
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s: %w", m.id, err) // nothing was sent
	}
	defer lease.Release()
	_, _, sent := m.ask(ctx, lease, Write, Valve, command)
	if errors.Is(sent, meter.ErrException) {
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s: %w", m.id, sent)
	}
	// Whatever came of the question, only the meter's own state tells what it did.
	state, err := m.valve(ctx, lease)
	switch {
	case err != nil:
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s: %w: %w", m.id, meter.ErrOutcomeUnknown, errors.Join(sent, err))
	case state != want && sent != nil:
		return state, fmt.Errorf("move valve of meter %s, it reads %s: %w: %w", m.id, state, meter.ErrOutcomeUnknown, sent)
	case state != want:
		return state, fmt.Errorf("move valve of meter %s, it reads %s: %w", m.id, state, meter.ErrOutcomeUnknown)
	}
	return state, nil
}

// ReadValve reads 901F to see where the valve stands. It refuses a model whose status bytes do not tell.
func (m *Meter) ReadValve(ctx context.Context) (meter.ValveState, error) {
	if m.opts.Variant.NoStatus {
		return meter.ValveUnknown, fmt.Errorf("read valve of meter %s, its status does not tell: %w", m.id, meter.ErrUnable)
	}
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return meter.ValveUnknown, fmt.Errorf("read valve of meter %s: %w", m.id, err)
	}
	defer lease.Release()
	state, err := m.valve(ctx, lease)
	if err != nil {
		return meter.ValveUnknown, fmt.Errorf("read valve of meter %s: %w", m.id, err)
	}
	return state, nil
}

// valve reads where the valve stands.
func (m *Meter) valve(ctx context.Context, lease *line.Lease) (meter.ValveState, error) {
	f, _, err := m.ask(ctx, lease, m.opts.Control, Current)
	if err != nil {
		return meter.ValveUnknown, err
	}
	d, err := f.Decode(m.opts.Variant)
	if err != nil {
		return meter.ValveUnknown, err
	}
	for _, v := range d.Values {
		if v.Name == "valve" {
			return meter.ValveState(v.Text), nil
		}
	}
	return meter.ValveUnknown, fmt.Errorf("answer tells nothing of a valve: %w", meter.ErrMalformed)
}
