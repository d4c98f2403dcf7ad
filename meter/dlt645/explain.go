package dlt645

import (
	"errors"
	"fmt"

	"tally/meter"
	"tally/meter/telegram"
)

// Explain says what the frame at the start of b is and what is wrong with it; b may go on behind the frame.
// Items in own are coded or named as it says, the others as the standard does.
func Explain(b []byte, own map[Item]Coding) telegram.Report {
	r := telegram.Report{Protocol: "dlt645"}
	if len(b) < header || b[0] != start || b[7] != start {
		_, _, p := parse(b)
		r.Fault(p)
		if len(b) > 0 && b[0] == start {
			r.Fit = telegram.FitStart
		}
		return r
	}
	f, n, p := body(b)
	r.Length = n
	r.Frame = fields(f, b, p == nil)
	r.Fit = fit(b, n, p)
	if p != nil {
		r.Fault(blame(b, p))
		return r
	}
	if !f.knownControl() {
		r.Fault(unknownControl(f.Control))
		return r
	}
	content(&r, f, own)
	return r
}

// fit rates how much of the form holds; two start bytes at their places are as good as a header.
func fit(b []byte, n int, p *telegram.Problem) telegram.Fit {
	switch {
	case p == nil:
		return telegram.FitWhole
	case p.Code == telegram.Checksum && b[n-1] == stop:
		return telegram.FitShape
	}
	return telegram.FitHeader
}

// blame finds the byte that is really wrong: a damaged length shows as a wrong checksum, or as a frame that ends too
// early or too late.
func blame(b []byte, p *telegram.Problem) *telegram.Problem {
	if n := len(b) - overhead; n >= 0 && n <= maxData && telegram.LengthInstead(b, 0, b[9], byte(n), 1) {
		return telegram.Wrong(telegram.Length, 9, byte(n), b[9], "length of the data is wrong: with the other one the checksum fits", meter.ErrMalformed)
	}
	return p
}

var controls = map[byte]string{
	Read97: "read", Next97: "read on", 0x03: "read again", Write97: "write", BroadcastTime: "broadcast time", 0x0A: "write address",
	0x0C: "change baud rate", 0x0F: "change password", 0x10: "clear demand", Read07: "read", Next07: "read on",
	ReadAddress: "read address", Write07: "write", WriteAddress: "write address", Freeze: "freeze", 0x17: "change baud rate",
	0x18: "change password", 0x19: "clear demand", 0x1A: "clear meter", 0x1B: "clear events", Relay: "relay", 0x1D: "set output",
}

func direction(f Frame) string {
	switch {
	case f.Refusal():
		return "refusal"
	case f.Answer():
		return "reply"
	}
	return "request"
}

// secretive tells whether a question carries a password, which nobody needs to see.
func secretive(f Frame) bool {
	if f.Answer() {
		return false
	}
	switch f.Control & function {
	case Write97, 0x0F, 0x10, Write07, 0x18, 0x19, 0x1A, 0x1B, Relay, 0x1D:
		return true
	}
	return false
}

// fields lists the parts of a frame whose header is in b.
func fields(f Frame, b []byte, whole bool) telegram.Fields {
	var p telegram.Fields
	p.Add("address", f.Address.String())
	if e := f.Edition(); e > 0 {
		p.Add("edition", int(e))
	}
	p.Add("control", telegram.Hex(f.Control))
	if name, ok := controls[f.Control&function]; ok {
		p.Add("function", name)
	}
	p.Add("direction", direction(f))
	p.Add("length", int(b[9]))
	if f.Answer() && !f.Refusal() {
		p.Add("more", f.More())
	}
	if !whole {
		return p
	}
	if item, _, ok := f.item(); ok {
		p.Add("di", item.String())
	}
	if f.Refusal() {
		p.Add("error", telegram.Hex(f.Data...))
	}
	if !secretive(f) {
		p.Add("data", telegram.Hex(f.Data...))
	}
	return p
}

// content decodes the data of an undamaged frame.
func content(r *telegram.Report, f Frame, own map[Item]Coding) {
	d, err := f.Decode()
	if coding, ok := own[d.Item]; ok && f.Answer() && !f.Refusal() && !f.More() {
		d.Values, err = coding.apply(d, f, err)
	}
	r.Values = d.Values
	var p *telegram.Problem
	if errors.As(err, &p) {
		moved := p.At(header)
		moved.Note = p.Code == telegram.Refused || p.Code == telegram.Unknown
		r.Problems = append(r.Problems, moved)
	}
	if f.More() && err == nil {
		r.Problems = append(r.Problems, &telegram.Problem{
			Code: telegram.More, Offset: 8, Got: telegram.Hex(f.Control), Text: "more follows; ask with " + fmt.Sprintf("%02X", next(f)), Class: meter.ErrMalformed, Note: true,
		})
	}
}

// apply reads an item as a model codes it, or gives its only value the model's name.
func (c Coding) apply(d Decoded, f Frame, err error) ([]telegram.Value, error) {
	if c.Bytes == 0 {
		if len(d.Values) == 1 {
			d.Values[0].Name = c.Name
		}
		return d.Values, err
	}
	at := len(d.Item.bytes())
	v, err := c.decode(f.Data[at:])
	var p *telegram.Problem
	if errors.As(err, &p) {
		return nil, p.At(at)
	}
	return []telegram.Value{{Name: v.Name, Number: v.Number, Unit: v.Unit, Function: telegram.Instantaneous}}, err
}

// next is the control code that asks for the rest.
func next(f Frame) byte {
	if f.Edition() == Edition1997 {
		return Next97
	}
	return Next07
}
