package dlt645

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// Options tune one meter; the zero value is useful.
type Options struct {
	Items    []Item        // what a reading consists of, asked one after the other; none = forward active energy of 2007
	Timeout  time.Duration // how long this meter may think; 0 = the line's
	Preamble int           // FE in front of each request, 0–20; 0 = 4, negative = none

	Codings map[Item]Coding // items that the standard codes differently, or not at all
	Freezes int             // how many daily freezes the model keeps, 0–62; 2007 only
	NoClock bool            // date and time are not in the standard's items
	Zone    *time.Location  // of the meter's clock; nil = the node's
}

// Coding is how a model codes an item: BCD of so many bytes, low byte first.
type Coding struct {
	Name   string // in readings; empty = the standard's
	Bytes  int    // 1–8; 0 = all as the standard says, but for the name
	Scale  uint8
	Unit   quantity.Unit
	Signed bool // the highest bit is the sign
}

// Meter reads one meter. It implements meter.Meter.
type Meter struct {
	line    *line.Line
	address Address
	id      meter.ID
	opts    Options
}

var _ meter.Meter = (*Meter)(nil)

const maxPreamble = 20

// New returns the meter with that address on l. The line is used, not owned.
func New(l *line.Line, a Address, id meter.ID, opts Options) (*Meter, error) {
	if l == nil || opts.Preamble > maxPreamble || a == Everyone {
		return nil, fmt.Errorf("meter %s: a line, an address that somebody answers and at most 20 bytes of preamble are needed", id)
	}
	if len(opts.Items) == 0 {
		opts.Items = []Item{Forward}
	}
	for _, i := range opts.Items {
		if s, ok := shapeOf(i); (!ok || s.tariff != 0 || s.storage != 0) && opts.Codings[i].Name == "" {
			return nil, fmt.Errorf("meter %s: item %s is no current total", id, i)
		}
	}
	if opts.Preamble == 0 {
		opts.Preamble = 4
	}
	opts.Zone = cmp.Or(opts.Zone, time.Local)
	return &Meter{line: l, address: a, id: id, opts: opts}, nil
}

// maxRaw bounds the evidence kept with a reading.
const maxRaw = 512

// Read asks for all items without giving the line away in between.
func (m *Meter) Read(ctx context.Context) (meter.Reading, error) {
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", m.id, err)
	}
	defer lease.Release()
	r := meter.Reading{Meter: m.id, Line: m.line.Name()}
	for _, item := range m.opts.Items {
		w, err := m.ask(ctx, lease, item)
		var values []meter.Value
		if err == nil {
			values, err = m.values(w)
		}
		if err != nil {
			return meter.Reading{}, fmt.Errorf("read meter %s, item %s: %w", m.id, item, err)
		}
		r.At = w.at
		r.Values = append(r.Values, values...)
		r.Raw = append(r.Raw, w.raw...)
	}
	r.Raw = r.Raw[:min(len(r.Raw), maxRaw)]
	return r, nil
}

// AskAddress asks whoever is on the line (2007 edition) for its address. It may be used only where one meter is alone.
func AskAddress(ctx context.Context, l *line.Line, opts Options) (Address, error) {
	m, err := New(l, Anyone, "", opts)
	if err != nil {
		return Address{}, err
	}
	lease, err := l.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return Address{}, err
	}
	defer lease.Release()
	f, _, err := m.exchange(ctx, lease, &judge{request: Frame{Address: Anyone, Control: ReadAddress}}, 6)
	if err != nil {
		return Address{}, err
	}
	if p := length(f.Data, 6); p != nil {
		return Address{}, p
	}
	return Address(f.Data), nil
}

func (m *Meter) exchange(ctx context.Context, lease *line.Lease, j *judge, expected int) (Frame, line.Answer, error) {
	var lead []byte
	for range m.opts.Preamble {
		lead = append(lead, preamble)
	}
	answer, err := lease.Exchange(ctx, line.Exchange{
		Peer:    j.peer,
		Request: j.request.Append(lead), Length: 4 + overhead + expected, Timeout: m.opts.Timeout, Expect: j.expect,
	})
	return j.got, answer, err
}

// judge decides which of the bytes that come are the answer to a question.
type judge struct {
	request Frame
	peer    string // under which name the line remembers that the answer is owed
	before  []byte // data of the part before, of an answer that comes in parts: when it comes again it is a doubled one
	got     Frame
}

func (j *judge) expect(b []byte) (line.Verdict, error) {
	if b[0] != start {
		return line.Verdict{Drop: 1}, nil // preamble, or noise
	}
	if len(b) < header {
		return line.Verdict{Need: header}, nil
	}
	f, n, p := parse(b)
	switch {
	case !f.Answer() || j.request.Address != Anyone && f.Address != j.request.Address:
		return line.Verdict{Drop: 1}, nil // a question, somebody else's answer, or a 68 in noise
	case p != nil && p.Code == telegram.Truncated:
		return line.Verdict{Need: overhead + int(b[9])}, nil
	case p != nil && n == 0:
		return line.Verdict{Drop: 1}, nil
	case p != nil:
		return line.Verdict{Need: n}, p
	}
	j.got = f
	return j.judge(f, n)
}

// judge looks at a whole, undamaged answer of our meter. There is no number to tell old answers by; but an answer says
// what it is about, so it can be old without being another item's.
func (j *judge) judge(f Frame, n int) (line.Verdict, error) {
	whole := line.Verdict{Need: n}
	if f.Control&function != j.request.Control&function {
		return whole, &telegram.Problem{
			Code: telegram.Control, Offset: 8, Want: telegram.Hex(j.request.Control | answerBit), Got: telegram.Hex(f.Control),
			Text: "answer is to another kind of question", Class: meter.ErrMalformed,
		}
	}
	if f.Refusal() {
		return whole, f.refusal()
	}
	if len(j.request.Data) == 0 {
		return whole, nil
	}
	asked, part, _ := itemOf(j.request.Edition(), j.request.Data)
	item, rest, ok := itemOf(f.Edition(), f.Data)
	switch {
	case ok && item != asked:
		return line.Verdict{Drop: n}, nil // the answer to an older question
	case ok && len(part) == 1 && (len(rest) < 2 || rest[len(rest)-1] != part[0]):
		return line.Verdict{Drop: n}, nil // another part of the answer
	case j.before != nil && bytes.Equal(f.Data, j.before):
		return line.Verdict{Drop: n}, nil
	case !ok || len(rest) == 0:
		return whole, &telegram.Problem{Code: telegram.Length, Offset: header, Got: telegram.Hex(f.Data...), Text: "answer carries no value", Class: meter.ErrMalformed}
	}
	return whole, nil
}
