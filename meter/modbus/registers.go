package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/goburrow/modbus"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/profile"
)

var (
	_ meter.RegisterReader = (*Meter)(nil)
	_ meter.RegisterWriter = (*Meter)(nil)
	_ meter.Prober         = (*Meter)(nil)
)

// Most registers of one request (Application Protocol V1.1b3, 6.3 and 6.12).
const (
	mostRead  = 125
	mostWrite = 123
)

// lend runs f with the line.
func (m *Meter) lend(ctx context.Context, what string, p line.Priority, f func(*session, modbus.Client) error) error {
	lease, err := m.line.Lease(ctx, p)
	if err == nil {
		defer lease.Release()
		s := m.session(ctx, lease)
		err = f(s, modbus.NewClient2(m.packager(), s))
	}
	if err != nil {
		return fmt.Errorf("%s of meter %s: %w", what, m.id, err)
	}
	return nil
}

// ReadRegisters reads up to 125 registers of a table in one request.
func (m *Meter) ReadRegisters(ctx context.Context, table byte, start uint16, count int) (words []uint16, at time.Time, err error) {
	if table != readHolding && table != readInput || count < 1 || count > mostRead || int(start)+count > 0x10000 {
		return nil, at, fmt.Errorf("read %d registers from %d of table %d: %w", count, start, table, meter.ErrUnable)
	}
	err = m.lend(ctx, "read registers", line.PriorityOf(ctx), func(s *session, c modbus.Client) error {
		words, err = s.words(c, profile.Block{Function: table, Start: start, Count: count})
		at = s.last.At
		return err
	})
	return words, at, err
}

// words reads one block as it is.
func (s *session) words(c modbus.Client, b profile.Block) ([]uint16, error) {
	if err := s.settle(c, b); err != nil {
		return nil, err
	}
	data, err := s.ask(c, b.Function, b.Start, b.Count)
	if err != nil {
		return nil, err
	}
	s.lease.Settle(s.peer())
	words := make([]uint16, b.Count)
	for i := range words {
		words[i] = binary.BigEndian.Uint16(data[2*i:])
	}
	return words, nil
}

// WriteRegisters writes holding registers, one with function 06 and several with 10, and reads them back. They are read
// before, too: what cannot be read cannot be proven, and the answer to function 06 looks like an adapter's echo.
func (m *Meter) WriteRegisters(ctx context.Context, start uint16, words []uint16) error {
	if len(words) < 1 || len(words) > mostWrite || int(start)+len(words) > 0x10000 {
		return fmt.Errorf("write %d registers from %d: %w", len(words), start, meter.ErrUnable)
	}
	b := profile.Block{Function: readHolding, Start: start, Count: len(words)}
	return m.change(ctx, "write registers", func(s *session, c modbus.Client) (sent, done error) {
		if _, err := s.words(c, b); err != nil {
			return nil, fmt.Errorf("%w: read before: %w", errUnsent, err)
		}
		if sent = s.write(c, start, words); errors.Is(sent, meter.ErrException) {
			return sent, nil
		}
		now, err := s.words(c, b)
		if err == nil && !slices.Equal(now, words) {
			err = fmt.Errorf("registers hold % X", now)
		}
		return sent, err
	})
}

// errUnsent marks a change that ended before anything was sent that changes the meter.
var errUnsent = errors.New("nothing was written")

// write sends one write.
func (s *session) write(c modbus.Client, start uint16, words []uint16) error {
	if len(words) == 1 {
		_, err := c.WriteSingleRegister(start, words[0])
		return classifyOrNil(err)
	}
	data := make([]byte, 0, 2*len(words))
	for _, w := range words {
		data = binary.BigEndian.AppendUint16(data, w)
	}
	_, err := c.WriteMultipleRegisters(start, uint16(len(words)), data)
	return classifyOrNil(err)
}

func classifyOrNil(err error) error {
	if err == nil {
		return nil
	}
	return classify(err)
}

// change does something to this meter, once. act says what became of the command and whether reading back proves that it
// is done.
func (m *Meter) change(ctx context.Context, what string, act func(*session, modbus.Client) (sent, done error)) error {
	return m.lend(ctx, what, min(line.PriorityOf(ctx), line.Command), func(s *session, c modbus.Client) error {
		switch sent, done := act(s, c); {
		case errors.Is(done, errUnsent):
			return done
		case errors.Is(sent, meter.ErrException):
			return sent
		case done != nil:
			return fmt.Errorf("%w: %w", meter.ErrOutcomeUnknown, errors.Join(sent, done))
		}
		return nil
	})
}

// Probe reads the first block of the model.
func (m *Meter) Probe(ctx context.Context) error {
	return m.lend(ctx, "probe", line.PriorityOf(ctx), func(s *session, c modbus.Client) error {
		_, err := s.words(c, m.blocks[0])
		return err
	})
}
