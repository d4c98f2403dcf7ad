package dlt645

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// whole is an item's data, put together from all frames of the answer.
type whole struct {
	item  Item
	first Frame
	data  []byte // behind the identifier
	raw   []byte
	at    time.Time // when the last frame's last byte was there
}

// mostParts bounds an answer that comes in parts: the part number of 2007 has one byte, and no item is that long.
const mostParts = 32

// ask reads one item. Where the answer says that more follows, the rest is asked for: in 2007 by its number, which comes
// back; in 1997 without one, so that a part which comes twice in a row is taken for a doubled answer.
func (m *Meter) ask(ctx context.Context, lease *line.Lease, item Item) (whole, error) {
	read, next := Read07, Next07
	if item.Edition == Edition1997 {
		read, next = Read97, Next97
	}
	if err := m.settle(ctx, lease, item); err != nil {
		return whole{}, err
	}
	id := item.bytes()
	f, answer, err := m.question(ctx, lease, read, item)
	if err != nil {
		return whole{}, err
	}
	w := whole{item: item, first: f, raw: answer.Bytes, at: answer.At, data: f.Data[len(id):]}
	for part := byte(1); f.More(); part++ {
		if part > mostParts {
			return w, fmt.Errorf("answer has more than %d parts: %w", mostParts, meter.ErrMalformed)
		}
		question := append([]byte(nil), id...)
		if next == Next07 {
			question = append(question, part)
		}
		f, answer, err = m.exchange(ctx, lease, &judge{request: Frame{Address: m.address, Control: next, Data: question}, before: f.Data}, maxData)
		if err != nil {
			return w, fmt.Errorf("part %d: %w", part, err)
		}
		rest := f.Data[len(id):]
		w.data = append(w.data[:len(w.data):len(w.data)], rest[:len(rest)-(len(question)-len(id))]...)
		w.raw = append(w.raw[:len(w.raw):len(w.raw)], answer.Bytes...)
		w.at = answer.At
	}
	return w, nil
}

// question asks for an item's first or only frame.
func (m *Meter) question(ctx context.Context, lease *line.Lease, control byte, item Item) (Frame, line.Answer, error) {
	s, _ := shapeOf(item)
	id := item.bytes()
	j := &judge{request: Frame{Address: m.address, Control: control, Data: id}, peer: m.peer(item)}
	return m.exchange(ctx, lease, j, len(id)+max(s.bytes, m.opts.Codings[item].Bytes))
}

// peer names one item of this meter among all that is asked on the line.
func (m *Meter) peer(item Item) string { return "645 " + m.address.String() + " " + item.String() }

// settle makes sure that no old answer about the item can be taken for the one to come: an answer says what it is about,
// but not which question it belongs to. After a missing answer another item goes first. Meters answer in order, so
// once its answer is there the old ones are past.
func (m *Meter) settle(ctx context.Context, lease *line.Lease, item Item) error {
	if !lease.Owes(m.peer(item)) {
		return nil
	}
	read, others := Read07, []Item{Time, Forward, Reverse}
	if item.Edition == Edition1997 {
		read, others = Read97, []Item{{Edition1997, 0xC011}, Forward97, {Edition1997, 0x9020}}
	}
	for _, other := range others {
		if other == item || lease.Owes(m.peer(other)) {
			continue
		}
		_, _, err := m.question(ctx, lease, read, other)
		switch {
		case err == nil:
			lease.Settle(m.peer(item))
			return nil
		case !errors.Is(err, meter.ErrException): // a refusal does not say what it is about: it proves nothing
			return fmt.Errorf("meter owes an answer, settle that first: %w", err)
		}
	}
	// It answers nothing else. Several silent spells of the line have passed since, or it is still at the old question.
	for _, other := range others {
		lease.Settle(m.peer(other))
	}
	lease.Settle(m.peer(item))
	return fmt.Errorf("meter owes an answer about item %s and answers nothing else: %w", item, meter.ErrForeign)
}

// values decodes an item as the model codes it.
func (m *Meter) values(w whole) ([]meter.Value, error) {
	own, named := m.opts.Codings[w.item]
	if own.Bytes > 0 {
		v, err := own.decode(w.data)
		return []meter.Value{v}, err
	}
	f := w.first
	f.Control &^= moreBit
	f.Data = append(w.item.bytes(), w.data...)
	d, err := f.Decode()
	if err != nil {
		return nil, err
	}
	var values []meter.Value
	for _, v := range d.Values {
		if !v.At.IsZero() || v.Text != "" && v.Unit == "" && v.Number == (quantity.Decimal{}) {
			continue
		}
		if named {
			v.Name = own.Name
		}
		values = append(values, meter.Value{Name: v.Name, Number: v.Number, Unit: v.Unit})
	}
	return values, nil
}

func (c Coding) decode(b []byte) (meter.Value, error) {
	if p := length(b, c.Bytes); p != nil {
		return meter.Value{}, p
	}
	digits := append([]byte(nil), b...)
	negative := c.Signed && digits[c.Bytes-1]&0x80 != 0
	if negative {
		digits[c.Bytes-1] &^= 0x80
	}
	n, p := telegram.Digits(digits)
	if p != nil {
		return meter.Value{}, p
	}
	if negative {
		n = -n
	}
	return meter.Value{Name: c.Name, Number: quantity.Decimal{Unscaled: n, Scale: c.Scale}, Unit: c.Unit}, nil
}
