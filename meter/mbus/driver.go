package mbus

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// Wildcards of a selection.
const (
	AnyManufacturer uint16 = 0xFFFF
	AnyByte         byte   = 0xFF
)

// Selection is a secondary address; parts may be wildcards. The zero value selects nobody.
type Selection struct {
	ID           string // eight digits as printed on the meter, F for any
	Manufacturer uint16
	Version      byte
	Medium       byte
}

// bytes writes the selection as CI 52 wants it.
func (s Selection) bytes() ([]byte, error) {
	if len(s.ID) != 8 {
		return nil, fmt.Errorf("identification %q: eight digits", s.ID)
	}
	b := make([]byte, 4, 8)
	for i := range b {
		for _, c := range s.ID[6-2*i : 8-2*i] {
			switch {
			case c >= '0' && c <= '9':
				b[i] = b[i]<<4 | byte(c-'0')
			case c == 'F':
				b[i] = b[i]<<4 | 0x0F
			default:
				return nil, fmt.Errorf("identification %q: digits, F for any", s.ID)
			}
		}
	}
	return append(binary.LittleEndian.AppendUint16(b, s.Manufacturer), s.Version, s.Medium), nil
}

// Options tune one meter; the zero value is useful.
type Options struct {
	Timeout   time.Duration // how long this meter may think; 0 = 2 s: real meters need more than the standard allows
	Select    *Selection    // secondary address; nil = the primary one
	Telegrams int           // most telegrams of one reading; 0 = 8
	Picks     []Pick        // what a reading keeps; none = everything that is current

	Zone *time.Location // of the meter's clock and dates; nil = the node's
}

// Pick chooses one value by what the meter says of it.
type Pick struct {
	From     string        // name by VIF
	As       string        // name in readings
	Unit     quantity.Unit // empty = any
	Storage  uint64
	Tariff   uint64
	Subunit  uint64
	Function telegram.Function // empty = instantaneous
}

// kept chooses among a telegram's values.
func (o Options) kept(values []telegram.Value) []meter.Value {
	if len(o.Picks) == 0 {
		return telegram.Kept(values)
	}
	var kept []meter.Value
	for _, p := range o.Picks {
		for _, v := range values {
			if v.Name == p.From && v.Storage == p.Storage && v.Tariff == p.Tariff && v.Subunit == p.Subunit &&
				v.Function == cmp.Or(p.Function, telegram.Instantaneous) && (p.Unit == "" || p.Unit == v.Unit) {
				kept = append(kept, meter.Value{Name: p.As, Number: v.Number, Unit: v.Unit})
				break
			}
		}
	}
	return kept
}

// Meter reads one meter. It implements meter.Meter.
type Meter struct {
	line    *line.Line
	address byte
	id      meter.ID
	opts    Options
	choice  []byte // selection on the wire

	mu     sync.Mutex
	toggle bool   // frame count bit of the next request
	synced bool   // the meter knows it
	before []byte // the telegram that came last
}

var _ meter.Meter = (*Meter)(nil)

// New returns the meter with a primary address (0–250) or, with Options.Select, any. The line is used, not owned.
func New(l *line.Line, address byte, id meter.ID, opts Options) (*Meter, error) {
	m := &Meter{line: l, address: address, id: id, opts: opts}
	if opts.Timeout <= 0 {
		m.opts.Timeout = 2 * time.Second
	}
	if opts.Telegrams <= 0 {
		m.opts.Telegrams = 8
	}
	m.opts.Zone = cmp.Or(opts.Zone, time.Local)
	switch {
	case l == nil:
		return nil, fmt.Errorf("meter %s: a line is needed", id)
	case opts.Select != nil:
		choice, err := opts.Select.bytes()
		if err != nil {
			return nil, fmt.Errorf("meter %s: %w", id, err)
		}
		m.address, m.choice = Secondary, choice
	case address > 250:
		return nil, fmt.Errorf("meter %s: address %d: 0–250 are possible", id, address)
	}
	return m, nil
}

const maxRaw = 512

// Read asks for the meter's data, all telegrams of it.
func (m *Meter) Read(ctx context.Context) (meter.Reading, error) {
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", m.id, err)
	}
	defer lease.Release()
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.read(ctx, lease)
	if err != nil {
		m.synced = false
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", m.id, err)
	}
	return r, nil
}

func (m *Meter) read(ctx context.Context, lease *line.Lease) (meter.Reading, error) {
	r := meter.Reading{Meter: m.id, Line: m.line.Name()}
	telegrams, err := m.telegrams(ctx, lease)
	if err != nil {
		return r, err
	}
	var values []telegram.Value
	for _, t := range telegrams {
		r.At = t.at
		r.Raw = append(r.Raw, t.raw...)
		values = append(values, t.Values...)
		if err := usable(t.Data, &r); err != nil {
			return r, err
		}
	}
	r.Values = m.opts.kept(values)
	r.Raw = r.Raw[:min(len(r.Raw), maxRaw)]
	return r, nil
}

// told is one telegram as it came.
type told struct {
	Data
	raw []byte
	at  time.Time
}

// telegrams asks for all that the meter says.
func (m *Meter) telegrams(ctx context.Context, lease *line.Lease) ([]told, error) {
	if err := m.reach(ctx, lease); err != nil {
		return nil, err
	}
	var all []told
	for {
		d, answer, err := m.ask(ctx, lease)
		if err == nil && bytes.Equal(answer.Bytes, m.before) {
			d, answer, err = m.afresh(ctx, lease, len(all))
		}
		if err != nil {
			return nil, err
		}
		m.before = answer.Bytes
		all = append(all, told{d, answer.Bytes, answer.At})
		if !d.More {
			return all, nil
		}
		m.synced = false // the next reading begins with the first telegram again
		if len(all) == m.opts.Telegrams {
			return nil, fmt.Errorf("more than %d telegrams: %w", m.opts.Telegrams, meter.ErrMalformed)
		}
	}
}

// afresh is called when a telegram is, with its access number, the same as the one before it. It may be the old one sent
// again, because somebody else has talked to the meter and it knows our frame count bit already: an old value must not
// get a new time. As the first of a reading it is asked for once more, behind a reset; within one it is an error.
func (m *Meter) afresh(ctx context.Context, lease *line.Lease, n int) (Data, line.Answer, error) {
	if n > 0 {
		return Data{}, line.Answer{}, fmt.Errorf("meter sends the same telegram again: %w", meter.ErrMalformed)
	}
	m.synced = false
	if err := m.reach(ctx, lease); err != nil {
		return Data{}, line.Answer{}, err
	}
	return m.ask(ctx, lease)
}

// usable decides what the telegram's problems mean for the reading. A clock that is wrong is marked, what the standard
// does not know is passed over; a value that should be there and cannot be read spoils the reading.
func usable(d Data, r *meter.Reading) error {
	for _, p := range d.Problems {
		switch p.Code {
		case telegram.Unknown:
		case telegram.Clock:
			if !slices.Contains(r.Quality, meter.BadClock) {
				r.Quality = append(r.Quality, meter.BadClock)
			}
		default:
			return p
		}
	}
	return nil
}

// reach selects the meter and sets its frame count bit to a known state. SND_NKE also makes it start again with its
// first telegram. An answer that is owed is behind the acknowledgement: meters answer in order.
func (m *Meter) reach(ctx context.Context, lease *line.Lease) error {
	if m.choice != nil {
		// Whoever was selected before lets go first; nobody has to answer that.
		if err := m.acknowledged(ctx, lease, Frame{Kind: Long, C: SndUd, A: Secondary, CI: ciSelect, Data: m.choice}, "select"); err != nil {
			return err
		}
		m.toggle, m.synced = true, true
		return nil
	}
	if m.synced && !lease.Owes(m.peer()) {
		return nil
	}
	if err := m.acknowledged(ctx, lease, Frame{Kind: Short, C: SndNke, A: m.address}, "reset the link"); err != nil {
		return err
	}
	m.toggle, m.synced = true, true
	lease.Settle(m.peer())
	return nil
}

func (m *Meter) peer() string { return fmt.Sprintf("mbus %d % x", m.address, m.choice) }

// acknowledged sends a frame that is answered by E5. Frames that come instead are older answers.
func (m *Meter) acknowledged(ctx context.Context, lease *line.Lease, f Frame, what string) error {
	_, err := lease.Exchange(ctx, line.Exchange{
		Peer: m.peer(), Request: f.Append(nil), Length: 1, Timeout: m.opts.Timeout,
		Expect: func(b []byte) (line.Verdict, error) {
			if b[0] == ack {
				return line.Verdict{Need: 1}, nil
			}
			if f, n, p := parse(b); p == nil && f.Kind != Short {
				return line.Verdict{Drop: n}, nil
			} else if p != nil && p.Code == telegram.Truncated {
				return line.Verdict{Need: len(b) + 1}, nil
			}
			return line.Verdict{Drop: 1}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// ask sends REQ_UD2 and decodes the answer.
func (m *Meter) ask(ctx context.Context, lease *line.Lease) (Data, line.Answer, error) {
	f, answer, err := m.frame(ctx, lease)
	if err != nil {
		return Data{}, answer, err
	}
	d, err := f.Decode()
	if err == nil && m.choice != nil {
		err = m.isChosen(f, d)
	}
	return d, answer, err
}

// frame sends REQ_UD2 with the next frame count bit.
func (m *Meter) frame(ctx context.Context, lease *line.Lease) (Frame, line.Answer, error) {
	c := ReqUd2
	if m.toggle {
		c |= fcb
	}
	j := &judge{address: m.address}
	answer, err := lease.Exchange(ctx, line.Exchange{
		Peer: m.peer(), Request: Frame{Kind: Short, C: c, A: m.address}.Append(nil), Length: 261, Timeout: m.opts.Timeout, Expect: j.expect,
	})
	if err != nil {
		return Frame{}, answer, err
	}
	m.toggle = !m.toggle
	return j.got, answer, nil
}

// isChosen checks that the answer is of the meter that was selected: after an E5 of two meters at once it need not be.
func (m *Meter) isChosen(f Frame, d Data) error {
	if f.CI == ciFixed || f.CI == ciFixedHi {
		for i, want := range selectionOf(m.choice).ID {
			if want != 'F' && (i >= len(d.Printed) || d.Printed[i] != byte(want)) {
				return fmt.Errorf("answer is of meter %s, selected was %s: %w", d.Printed, selectionOf(m.choice).ID, meter.ErrForeign)
			}
		}
	}
	if f.CI != ciVariable || len(f.Data) < 8 {
		return nil
	}
	for i, want := range m.choice {
		got := f.Data[i]
		same := want == got || want == AnyByte
		if i < 4 { // digits
			same = (want>>4 == 0xF || want>>4 == got>>4) && (want&0xF == 0xF || want&0xF == got&0xF)
		}
		if !same {
			return &telegram.Problem{Code: telegram.Content, Offset: f.dataPos + i, Want: telegram.Hex(want), Got: telegram.Hex(got), Text: "answer is from another meter than the selected one", Class: meter.ErrForeign}
		}
	}
	return nil
}

// judge decides which of the bytes that come are a meter's data.
type judge struct {
	address byte
	got     Frame
}

func (j *judge) expect(b []byte) (line.Verdict, error) {
	if b[0] != longHead {
		return line.Verdict{Drop: 1}, nil // noise, or an acknowledgement that came late
	}
	f, n, p := parse(b)
	switch {
	case p != nil && p.Code == telegram.Truncated && len(b) < 4:
		return line.Verdict{Need: 4}, nil
	case p != nil && p.Code == telegram.Truncated:
		return line.Verdict{Need: int(b[1]) + 6}, nil
	case p != nil && n == 0:
		return line.Verdict{Drop: 1}, nil // a 68 in noise
	case p != nil:
		return line.Verdict{Need: n}, p
	case f.C&rspMask != rspUd:
		return line.Verdict{Need: n}, &telegram.Problem{Code: telegram.Control, Offset: 4, Want: telegram.Hex(rspUd), Got: telegram.Hex(f.C), Text: "is not a meter's data", Class: meter.ErrMalformed}
	case j.address != Secondary && j.address != everybody && f.A != j.address:
		return line.Verdict{Drop: n}, nil
	}
	j.got = f
	if f.CI == ciError {
		_, err := f.Decode()
		return line.Verdict{Need: n}, err
	}
	return line.Verdict{Need: n}, nil
}
