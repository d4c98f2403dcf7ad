package line

import (
	"context"
	"fmt"

	"tally/meter"
)

// tunable is a connection whose speed can be changed while it is open. The zero Mode is the one it was opened with.
type tunable interface {
	SetMode(Mode) error
	Traits() Traits
}

// tune sets the port to the speed and parity that a meter wants. The line has been silent when it is called; afterwards it
// has to be silent again, in the new speed's terms: what a neighbour's late answer looks like at another speed is noise.
func (l *core) tune(ctx context.Context, mode Mode) error {
	if mode == l.mode {
		return nil
	}
	port, ok := l.conn.(tunable)
	if !ok {
		return fmt.Errorf("set line %s to %d baud: its connection has no speed of its own: %w", l.name, mode.Baud, meter.ErrLine)
	}
	if err := port.SetMode(mode); err != nil {
		return fmt.Errorf("%w: set to %d baud: %w", errGone, mode.Baud, err)
	}
	l.mode, l.traits = mode, port.Traits()
	return l.silence(ctx)
}
