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
// is erased by writing FF over the whole of it, words by writing FF FF over one; any other write clears bits.
type Memory struct {
	*Chip
	areas []space.Area
	left  int // erasures of zone 2, known when zone 2 was read
	known bool
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
		end := start(last) + last.Len
		counts := end == erasuresAt-len(Keys{}.Zone2) // the counter lies right behind: it costs no command
		if counts {
			end = Size
		}
		raw, err := m.Chip.Read(ctx, from, end-from)
		if err != nil {
			return nil, err
		}
		if counts {
			m.left, m.known = ones(raw[erasuresAt-from:]), true
		}
		for _, p := range parts[:run] {
			out = append(out, raw[start(p)-from:][:p.Len]...)
		}
		parts = parts[run:]
	}
	return out, nil
}

// ErasuresLeft is how often an area can be erased: zone 2 has a counter, where the issuer has enabled it.
func (m *Memory) ErasuresLeft(a space.Area) (int, bool) {
	return m.left, m.known && m.secret.Counted && a.Kind == space.Zone && a.From == Zone2.Addr()
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
	p, rise := parts[0], !slices.ContainsFunc(data, func(b byte) bool { return b != 0xFF })
	switch {
	case rise && p.Area.Kind == space.Zone && p.Whole() && m.fresh:
		return m.eraseFresh(ctx, zoneAt(p.Area.From))
	case rise && p.Area.Kind == space.Zone && p.Whole():
		return m.erase(ctx, zoneAt(p.Area.From))
	case rise && p.Area.Kind == space.Words && len(data) == space.WordLen:
		return m.EraseWord(ctx, start(p))
	}
	return m.Chip.Write(ctx, start(p), data)
}

func zoneAt(from int) Zone {
	if from == Zone2.Addr() {
		return Zone2
	}
	return Zone1
}
