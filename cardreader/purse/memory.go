package purse

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"tally/cardreader"
	"tally/cardreader/profile"
)

// MemoryPurse is a purse on a memory chip. Its methods may be called from one goroutine at a time.
type MemoryPurse struct {
	mem     Memory
	profile *profile.Profile
	home    uint16 // region of cards whose layout has none
}

// New makes a purse of an opened chip and a loaded profile. The purse owns mem from then on.
func New(mem Memory, p *profile.Profile) *MemoryPurse { return &MemoryPurse{mem: mem, profile: p} }

// Read reads and decodes the whole card. Errors of the memory come back wrapped; for the others see Decode.
func (m *MemoryPurse) Read(ctx context.Context) (State, error) {
	if m.mem.Size() < m.profile.Chip.Size {
		return State{}, refuse("read", CodeWrongSize, nil)
	}
	var image []byte
	err := m.mem.Do(ctx, func() (err error) {
		image, err = m.read(ctx, 0, m.profile.Chip.Size)
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("read card: %w", err)
	}
	st, err := m.homed(Decode(m.profile, image))
	return m.receipted(ctx, st, err)
}

// Plan works out an order against a state that was just read; see Make.
func (m *MemoryPurse) Plan(st State, o Order) (Plan, error) {
	pl, err := Make(m.profile, st, o)
	if err == nil && o.Tariff != nil {
		err = pl.withTariff(m.profile, st, *o.Tariff)
	}
	if err == nil {
		err = affordable(m.mem, m.profile, pl)
	}
	return m.planned(pl, err)
}

// Write writes the plan, reading every step back. nil proves that the order is on the plan's card, valid. An error that
// matches cardreader.ErrNotSent proves that no byte of the plan reached a card; it may match ErrOutcomeUnknown too, when
// an exchange before the first write went wrong and the Memory is dead. Any other error proves nothing.
func (m *MemoryPurse) Write(ctx context.Context, p Plan) error {
	p = m.unplanned(p)
	if p.Make != "" {
		return m.make(ctx, p)
	}
	if err := checkPlan(m.profile, p); err != nil {
		return err
	}
	w := &writing{MemoryPurse: m, plan: p}
	err := m.mem.Do(ctx, func() error { return w.run(ctx) })
	if w.proven {
		return nil // what happened to the stamp, or to the end of the transaction, cannot undo it
	}
	return w.outcome(err)
}

// Close closes the memory when that can be closed.
func (m *MemoryPurse) Close() error {
	if c, ok := m.mem.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// read returns exactly n bytes; a memory that gives another number has lost its card.
func (m *MemoryPurse) read(ctx context.Context, addr, n int) ([]byte, error) {
	b, err := m.mem.Read(ctx, addr, n)
	if err == nil && len(b) != n {
		err = &cardreader.Error{Class: cardreader.Unknown, Op: "read", Code: cardreader.CodeShortAnswer}
	}
	return b, err
}

// expect reads len(want) bytes and fails with code when they are others.
func (m *MemoryPurse) expect(ctx context.Context, addr int, want []byte, class cardreader.Class, code string) error {
	got, err := m.read(ctx, addr, len(want))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return &cardreader.Error{Class: class, Op: "compare", Code: code, Err: fmt.Errorf("%d bytes at 0x%02X", len(want), addr)}
	}
	return nil
}
