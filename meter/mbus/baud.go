package mbus

import (
	"context"
	"errors"
	"fmt"

	"tally/meter"
	"tally/meter/line"
)

// bauds are the CI fields that switch a meter's speed, EN 13757-3.
var bauds = map[int]byte{300: 0xB8, 600: 0xB9, 1200: 0xBA, 2400: 0xBB, 4800: 0xBC, 9600: 0xBD, 19200: 0xBE, 38400: 0xBF}

// SetBaud switches the meter to another speed, once, and talks to it there. A meter that is not spoken to at its new speed
// within some minutes goes back to the old one. A nil error proves that it answers at the new speed; ErrException that
// it answers at the old one; ErrOutcomeUnknown that it was heard at neither. The driver keeps talking at the old
// speed: make a new one.
func (m *Meter) SetBaud(ctx context.Context, baud int) error {
	ci, ok := bauds[baud]
	if !ok {
		return fmt.Errorf("switch meter %s to %d baud: the standard has no such speed: %w", m.id, baud, meter.ErrUnable)
	}
	var sent error
	err := m.change(ctx, "switch speed", func(lease *line.Lease) (error, error) {
		sent = m.acknowledged(ctx, lease, Frame{Kind: Control, C: SndUd, A: m.address, CI: ci}, "switch speed")
		return sent, nil
	})
	if err != nil {
		return err
	}
	// The acknowledgement may be lost half way, so both speeds are tried, the new one first.
	there := &Meter{line: m.line.At(line.Mode{Baud: baud, Parity: line.Even}), address: m.address, choice: m.choice, id: m.id, opts: m.opts}
	at := there.Probe(ctx)
	if at == nil {
		return nil
	}
	if back := m.Probe(ctx); back != nil {
		return fmt.Errorf("switch meter %s to %d baud: %w: %w", m.id, baud, meter.ErrOutcomeUnknown, errors.Join(sent, at, back))
	}
	return fmt.Errorf("switch meter %s to %d baud: it still answers at the old speed: %w", m.id, baud, meter.ErrException)
}
