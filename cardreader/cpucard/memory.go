package cpucard

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"tally/cardreader"
	"tally/cardreader/exchange"
	"tally/cardreader/space"
)

// Layout is what a card profile says of a card beside its application.
type Layout struct {
	Areas    []space.Area
	SerialAt int  // where in the run the serial lies that the keys are diversified by; negative: nowhere
	LoadKey  byte // number of the key of the card's own purse, where an area has it
	Terminal Terminal
	Now      func() time.Time
}

// Memory is the card's files as one run of bytes. Each write is one command under line protection, which the card carries
// out whole or not at all; a write that would take two is refused. What is written to the purse's area is the balance and
// the load counter that a load of the difference leaves.
type Memory struct {
	*Chip
	layout Layout
	known  bool                 // the serial
	single bool                 // the card reads records one by one only
	purse  [space.PurseLen]byte // as last read
	tac    TAC
}

// NewMemory takes the Chip over.
func NewMemory(c *Chip, l Layout) (*Memory, error) {
	for _, a := range l.Areas {
		if _, err := a.Check("cpu"); err != nil {
			return nil, fmt.Errorf("area %q: %w", a.Name, err)
		}
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	return &Memory{Chip: c, layout: l}, nil
}

// Size is the length of the run.
func (m *Memory) Size() int { return space.Size(m.layout.Areas) }

// TAC is the card's receipt of the load that Write made last.
func (m *Memory) TAC() TAC { return m.tac }

// Receipt is the card's receipt of the load that brought its counter to seq, MAC and TAC; empty when it has none.
func (m *Memory) Receipt(ctx context.Context, seq uint16) ([]byte, error) {
	mac, tac, ok, err := m.Proof(ctx, TradeLoad, seq-1)
	if err != nil || !ok {
		return nil, err
	}
	return append(mac[:], tac[:]...), nil
}

// Read returns n bytes from addr.
func (m *Memory) Read(ctx context.Context, addr, n int) ([]byte, error) {
	parts, err := space.Split(m.layout.Areas, addr, n)
	if err != nil {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, "read", err)
	}
	out := make([]byte, 0, n)
	for _, p := range parts {
		data, err := m.part(ctx, p)
		if err != nil {
			return nil, err
		}
		out = append(out, data...)
	}
	if at := m.layout.SerialAt; !m.known && at >= addr && at+len(Serial{}) <= addr+n {
		m.SetSerial(Serial(out[at-addr:]))
		m.known = true
	}
	return out, nil
}

func (m *Memory) part(ctx context.Context, p space.Part) ([]byte, error) {
	switch p.Area.Kind {
	case space.Binary:
		return m.ReadBinary(ctx, byte(p.Area.File), p.Area.From+p.Off, p.Len)
	case space.Purse:
		err := m.readPurse(ctx)
		return m.purse[p.Off:][:p.Len], err
	}
	return m.records(ctx, p)
}

// records reads the records that a part touches, as many at a time as the card gives.
func (m *Memory) records(ctx context.Context, p space.Part) ([]byte, error) {
	size := p.Area.Record
	first, last := p.Off/size, (p.Off+p.Len-1)/size
	out := make([]byte, 0, (last-first+1)*size)
	for i := first; i <= last; {
		n := min(max(p.Area.Bulk, 1), last-i+1)
		data, err := m.some(ctx, p.Area, i, n)
		if err != nil {
			return nil, err
		}
		out = append(out, data...)
		i += len(data) / size
	}
	return out[p.Off-first*size:][:p.Len], nil
}

// some reads n records, or one where the card cannot give more at a time.
func (m *Memory) some(ctx context.Context, a space.Area, i, n int) ([]byte, error) {
	number := a.From + i + 1
	if n > 1 && !m.single {
		data, ok, err := m.ReadRecords(ctx, byte(a.File), number, n, a.Record)
		if ok || err != nil {
			return data, err
		}
		m.single = true
	}
	return m.ReadRecord(ctx, byte(a.File), number, a.Record)
}

// readPurse asks for a load of one unit that is never made: the answer is balance and load counter.
func (m *Memory) readPurse(ctx context.Context) error {
	l, err := m.BeginLoad(ctx, m.load(1))
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(m.purse[:], l.Balance)
	binary.BigEndian.PutUint16(m.purse[4:], l.Seq)
	return nil
}

func (m *Memory) load(amount uint32) Load {
	return Load{Key: m.layout.LoadKey, Amount: amount, Trade: TradeLoad, Terminal: m.layout.Terminal, At: StampOf(m.layout.Now())}
}

// Unlock authenticates by the card's own key, which takes its serial.
func (m *Memory) Unlock(ctx context.Context) error {
	if m.layout.SerialAt >= 0 && !m.known {
		if _, err := m.Read(ctx, m.layout.SerialAt, len(Serial{})); err != nil {
			return err
		}
	}
	return m.Chip.Unlock(ctx)
}

var (
	errParts  = errors.New("a write reaches into more than one record or file")
	errCyclic = errors.New("a cyclic file is written by the card's own side")
	errTaken  = errors.New("a load only adds, and counts by one")
)

// Write carries out one command. An error that matches cardreader.ErrNotSent proves that nothing was changed.
func (m *Memory) Write(ctx context.Context, addr int, data []byte) error {
	parts, err := space.Split(m.layout.Areas, addr, len(data))
	if err == nil && len(parts) != 1 {
		err = errParts
	}
	if err != nil {
		return badWrite(err)
	}
	p := parts[0]
	switch {
	case p.Area.Kind == space.Binary:
		return m.UpdateBinary(ctx, byte(p.Area.File), p.Area.From+p.Off, data)
	case p.Area.Kind == space.Cyclic:
		return badWrite(errCyclic)
	case p.Len != p.Area.Unit() || p.Off%p.Len != 0:
		return badWrite(errParts)
	case p.Area.Kind == space.Purse:
		return m.credit(ctx, data)
	}
	return m.UpdateRecord(ctx, byte(p.Area.File), p.Area.From+p.Off/p.Len+1, data)
}

func (m *Memory) credit(ctx context.Context, data []byte) error {
	balance, seq := binary.BigEndian.Uint32(m.purse[:]), binary.BigEndian.Uint16(m.purse[4:])
	to := binary.BigEndian.Uint32(data)
	if to <= balance || binary.BigEndian.Uint16(data[4:]) != seq+1 {
		return badWrite(errTaken)
	}
	tac, err := m.Credit(ctx, m.load(to-balance), balance, seq)
	if err == nil {
		m.tac, m.purse = tac, [space.PurseLen]byte(data)
	}
	return err
}

func badWrite(err error) error {
	return exchange.Fail(cardreader.Permanent, cardreader.CodeBadCommand, "write", err)
}
