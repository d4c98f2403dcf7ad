package cjt188

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/telegram"
)

// Options tune one meter; the zero value is useful.
type Options struct {
	Variant  Variant
	Timeout  time.Duration // how long this meter may think; 0 = the line's
	Preamble int           // FE in front of each request, 0–20; 0 = 4, negative = none
	Unserial bool          // the meter does not give the serial number back
	Control  byte          // control code of a read; 0 = Read
	NoValve  bool          // the model has no valve that can be moved
	Months   int           // how many months of history the model keeps, 0–12

	Zone *time.Location // of the meter's clock and settlement days; nil = the node's
}

// Meter reads one meter. It implements meter.Meter.
type Meter struct {
	line    *line.Line
	kind    Kind
	address Address
	id      meter.ID
	opts    Options
}

var _ meter.Meter = (*Meter)(nil)

// maxPreamble is more than any meter wants.
const maxPreamble = 20

// New returns the meter of that kind and address on l. The line is used, not owned.
func New(l *line.Line, k Kind, a Address, id meter.ID, opts Options) (*Meter, error) {
	switch {
	case l == nil:
		return nil, fmt.Errorf("meter %s: a line is needed", id)
	case opts.Preamble > maxPreamble:
		return nil, fmt.Errorf("meter %s: %d bytes of preamble, 20 are possible", id, opts.Preamble)
	}
	if opts.Preamble == 0 {
		opts.Preamble = 4
	}
	opts.Control = cmp.Or(opts.Control, Read)
	opts.Zone = cmp.Or(opts.Zone, time.Local)
	return &Meter{line: l, kind: k, address: a, id: id, opts: opts}, nil
}

// Read asks for item 901F.
func (m *Meter) Read(ctx context.Context) (meter.Reading, error) {
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", m.id, err)
	}
	defer lease.Release()
	f, answer, err := m.ask(ctx, lease, m.opts.Control, Current)
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", m.id, err)
	}
	d, err := f.Decode(m.opts.Variant)
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", m.id, err)
	}
	r := meter.Reading{Meter: m.id, At: answer.At, Line: m.line.Name(), Values: telegram.Kept(d.Values), Raw: answer.Bytes}
	for _, p := range d.Problems {
		if errors.Is(p, meter.ErrImplausible) { // only the clock may be wrong in a reading that counts
			r.Quality = append(r.Quality, meter.BadClock)
			break
		}
	}
	return r, nil
}

// AskAddress asks whoever is on the line for kind and address. It may be used only where one meter is alone.
func AskAddress(ctx context.Context, l *line.Line, opts Options) (Kind, Address, error) {
	m, err := New(l, AnyKind, Anyone, "", opts)
	if err != nil {
		return 0, Address{}, err
	}
	lease, err := l.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return 0, Address{}, err
	}
	defer lease.Release()
	f, _, err := m.ask(ctx, lease, ReadAddress, OwnAddress)
	return f.Kind, f.Address, err
}

// ask exchanges one question, after what may still be owed.
func (m *Meter) ask(ctx context.Context, lease *line.Lease, control byte, item Item, data ...byte) (Frame, line.Answer, error) {
	if err := m.settle(ctx, lease, item); err != nil {
		return Frame{}, line.Answer{}, err
	}
	return m.exchange(ctx, lease, control, item, data...)
}

// exchange exchanges one question. Its serial number is new on this line, so that the answer to an older one is known as
// such.
func (m *Meter) exchange(ctx context.Context, lease *line.Lease, control byte, item Item, data ...byte) (Frame, line.Answer, error) {
	request := Request(m.kind, m.address, control, item, byte(lease.Next()), m.opts.Variant, data...)
	var bytes []byte
	for range m.opts.Preamble {
		bytes = append(bytes, preamble)
	}
	j := &judge{request: request, unserial: m.opts.Unserial}
	if item == SetAddress {
		j.also = (*Address)(data)
	}
	answer, err := lease.Exchange(ctx, line.Exchange{
		Peer:    m.peer(item),
		Request: request.Append(bytes), Length: 4 + overhead + 22, Timeout: m.opts.Timeout, Expect: j.expect,
	})
	return j.got, answer, err
}

// judge decides which of the bytes that come are the answer to a question.
type judge struct {
	request  Frame
	unserial bool
	also     *Address // the answer may come from here too: the address that the question gives the meter
	got      Frame
}

func (j *judge) expect(b []byte) (line.Verdict, error) {
	if b[0] != start {
		return line.Verdict{Drop: 1}, nil // preamble, or noise
	}
	if len(b) < overhead-2 {
		return line.Verdict{Need: overhead - 2}, nil
	}
	f, n, p := parse(b)
	switch {
	case !f.Answer() || !j.from(f):
		return line.Verdict{Drop: 1}, nil // a question, somebody else's answer, or a 68 in noise
	case p != nil && p.Code == telegram.Truncated:
		return line.Verdict{Need: overhead + int(b[10])}, nil
	case p != nil && n == 0:
		return line.Verdict{Drop: 1}, nil
	case p != nil:
		return line.Verdict{Need: n}, p
	}
	j.got = f
	return j.judge(f, n)
}

// from tells whether the frame's sender is who was asked.
func (j *judge) from(f Frame) bool {
	anyone := j.request.Address == Anyone
	return (anyone || f.Address == j.request.Address || j.also != nil && f.Address == *j.also) && (anyone || j.request.Kind == AnyKind || f.Kind == j.request.Kind)
}

// judge looks at a whole, undamaged answer of our meter.
func (j *judge) judge(f Frame, n int) (line.Verdict, error) {
	whole := line.Verdict{Need: n}
	if len(f.Data) < 3 {
		return whole, telegram.Short(len(f.Data), 3).At(overhead - 2)
	}
	serialAt := 2
	if f.Refusal() {
		serialAt = 0
	}
	if serial := j.request.Data[2]; f.Data[serialAt] != serial && !j.unserial {
		return line.Verdict{Drop: n}, nil // the answer to an older question
	}
	if f.Control&^refusalBit != j.request.Control|answerBit {
		return whole, &telegram.Problem{
			Code: telegram.Control, Offset: 9, Want: telegram.Hex(j.request.Control | answerBit), Got: telegram.Hex(f.Control),
			Text: "answer is to another kind of question", Class: meter.ErrMalformed,
		}
	}
	if f.Refusal() {
		_, err := f.refusal()
		return whole, err
	}
	asked, _ := itemOf(j.request.Data)
	if item, _ := itemOf(f.Data); item != asked {
		return whole, &telegram.Problem{
			Code: telegram.Content, Offset: overhead - 2, Want: asked.String(), Got: item.String(), Text: "answer is about another item", Class: meter.ErrMalformed,
		}
	}
	return whole, nil
}
