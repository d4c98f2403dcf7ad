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
	f, n, p := frame(b)
	r.Length = n
	if len(b) >= header && (b[0] == start || b[7] == start) {
		r.Frame = fields(f, b, p == nil)
	}
	if p == nil {
		r.Fit = telegram.FitWhole
		if !f.knownControl() {
			r.Fault(unknownControl(f.Control))
			return r
		}
		content(&r, f, own)
		return r
	}
	if mended := mend(b); mended != nil {
		r.Fit, r.Length = telegram.FitMended, len(b)
		r.Fault(mended)
		return r
	}
	r.Fit = fit(b, n, p)
	r.Fault(p)
	return r
}

// frame reads a frame whatever its control code.
func frame(b []byte) (Frame, int, *telegram.Problem) {
	if len(b) < header || b[0] != start || b[7] != start {
		_, _, p := parse(b)
		if len(b) >= header {
			return lead(b), 0, p
		}
		return Frame{}, 0, p
	}
	return body(b)
}

// fit rates how much of the form of a damaged frame holds; two start bytes at their places are as good as a header.
func fit(b []byte, n int, p *telegram.Problem) telegram.Fit {
	switch {
	case len(b) == 0 || b[0] != start:
		return telegram.FitNothing
	case len(b) < header || b[7] != start:
		return telegram.FitStart
	case p.Code == telegram.Checksum && b[n-1] == stop:
		return telegram.FitShape
	}
	return telegram.FitHeader
}

// mend finds the one byte of the form that is wrong in a frame that ends with b. A damaged length shows as a wrong
// checksum, or as a frame that ends too early or too late.
func mend(b []byte) *telegram.Problem {
	n := len(b) - overhead
	if n < 0 || n > maxData {
		return nil
	}
	whole := func(b []byte) bool {
		f, size, p := frame(b)
		return p == nil && size == len(b) && f.knownControl()
	}
	return telegram.Mend(b, []telegram.Part{
		{At: 0, Want: start, Code: telegram.Start, Text: "frame does not start here"},
		{At: 7, Want: start, Code: telegram.Start, Text: "second start byte is missing"},
		{At: 9, Want: byte(n), Code: telegram.Length, Text: "length of the data is wrong: with the other one the checksum fits"},
		{At: len(b) - 1, Want: stop, Code: telegram.Stop, Text: "frame does not stop here"},
	}, whole, meter.ErrChecksum)
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
