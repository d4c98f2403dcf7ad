package at88sc102

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tally/cardreader"
	"tally/cardreader/exchange"
	"tally/cardreader/space"
)

// Memory is the chip as one run of bytes, as a card profile lays it out. An area's From is an address of the chip. A zone
// is erased by writing FF over the whole of it; any other write clears bits.
type Memory struct {
	*Chip
	areas []space.Area
}

// NewMemory takes the Chip over. Areas that the chip does not have, or that reach its codes, keys or counters, are an
// error.
func NewMemory(c *Chip, areas []space.Area) (*Memory, error) {
	for _, a := range areas {
		if _, err := a.Check("at88sc102"); err != nil {
			return nil, fmt.Errorf("area %q: %w", a.Name, err)
		}
	}
	return &Memory{Chip: c, areas: areas}, nil
}

// Size is the length of the run.
func (m *Memory) Size() int { return space.Size(m.areas) }

// together is the widest gap that is read over rather than read around: the codes and counters in it are few, and the
// chip does not show its codes.
const together = 16

// Read returns n bytes from addr, in as few commands as the chip's own order of areas allows.
func (m *Memory) Read(ctx context.Context, addr, n int) ([]byte, error) {
	parts, err := space.Split(m.areas, addr, n)
	if err != nil {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, "read", err)
	}
	out := make([]byte, 0, n)
	for len(parts) > 0 {
		run := neighbours(parts)
		from, last := start(parts[0]), parts[run-1]
		raw, err := m.Chip.Read(ctx, from, start(last)+last.Len-from)
		if err != nil {
			return nil, err
		}
		for _, p := range parts[:run] {
			out = append(out, raw[start(p)-from:][:p.Len]...)
		}
		parts = parts[run:]
	}
	return out, nil
}

func start(p space.Part) int { return p.Area.From + p.Off }

// neighbours is how many of the first parts lie near enough to be read with one command.
func neighbours(parts []space.Part) int {
	for i, p := range parts[1:] {
		gap := start(p) - (start(parts[i]) + parts[i].Len)
		if gap < 0 || gap > together {
			return i + 1
		}
	}
	return len(parts)
}

// Write clears bits, or erases a zone when data is FF over the whole of it. It takes one command, so that an error that
// matches cardreader.ErrNotSent proves that nothing happened; data that reaches into two areas is refused.
func (m *Memory) Write(ctx context.Context, addr int, data []byte) error {
	const op = "write"
	parts, err := space.Split(m.areas, addr, len(data))
	if err == nil && len(parts) != 1 {
		err = errors.New("a write reaches into more than one area")
	}
	if err != nil {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, op, err)
	}
	p := parts[0]
	if p.Area.Kind == space.Zone && p.Whole() && !slices.ContainsFunc(data, func(b byte) bool { return b != 0xFF }) {
		return m.erase(ctx, zoneAt(p.Area.From))
	}
	return m.Chip.Write(ctx, start(p), data)
}

func zoneAt(from int) Zone {
	if from == Zone2.Addr() {
		return Zone2
	}
	return Zone1
}
