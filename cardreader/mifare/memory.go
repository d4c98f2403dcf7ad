package mifare

import (
	"context"
	"errors"
	"fmt"

	"tally/cardreader"
	"tally/cardreader/exchange"
	"tally/cardreader/space"
)

// Memory is the card as one run of bytes, as a card profile lays it out. A write is one block, which the card stores whole.
type Memory struct {
	*Chip
	areas []space.Area
}

// NewMemory takes the Chip over.
func NewMemory(c *Chip, areas []space.Area) (*Memory, error) {
	for _, a := range areas {
		if _, err := a.Check("mifare"); err != nil {
			return nil, fmt.Errorf("area %q: %w", a.Name, err)
		}
	}
	if len(areas) == 0 {
		return nil, errors.New("a layout without areas")
	}
	return &Memory{c, areas}, nil
}

// Size is the length of the run.
func (m *Memory) Size() int { return space.Size(m.areas) }

// Read returns n bytes from addr.
func (m *Memory) Read(ctx context.Context, addr, n int) ([]byte, error) {
	parts, err := space.Split(m.areas, addr, n)
	if err != nil {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, "read", err)
	}
	out := make([]byte, 0, n)
	for _, p := range parts {
		for at := p.Off; at < p.Off+p.Len; {
			b, err := m.ReadBlock(ctx, p.Area.From+at/BlockSize)
			if err != nil {
				return nil, err
			}
			take := min(BlockSize-at%BlockSize, p.Off+p.Len-at)
			out = append(out, b[at%BlockSize:][:take]...)
			at += take
		}
	}
	return out, nil
}

// Unlock opens the first sector with the key that writes; each other is opened when it is written.
func (m *Memory) Unlock(ctx context.Context) error {
	return m.enter(ctx, "unlock", m.areas[0].From, keyB)
}

// Write stores one block.
func (m *Memory) Write(ctx context.Context, addr int, data []byte) error {
	parts, err := space.Split(m.areas, addr, len(data))
	if err == nil && (len(parts) != 1 || len(data) != BlockSize || parts[0].Off%BlockSize != 0) {
		err = errors.New("a write is one whole block")
	}
	if err != nil {
		return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, "write", err)
	}
	return m.WriteBlock(ctx, parts[0].Area.From+parts[0].Off/BlockSize, data)
}
