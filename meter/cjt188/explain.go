package cjt188

import (
	"errors"
	"fmt"

	"tally/meter"
	"tally/meter/telegram"
)

// Explain says what the frame at the start of b is and what is wrong with it; b may go on behind the frame.
func Explain(b []byte, v Variant) telegram.Report {
	r := telegram.Report{Protocol: "cjt188"}
	f, n, p := frame(b)
	switch r.Length = n; {
	case p == nil:
		r.Fit = telegram.FitWhole
		r.Frame = fields(f, b)
		if !knownControl(f.Control) {
			r.Problems = append(r.Problems, unknownControl(f.Control))
		}
		if !f.Kind.known() {
			r.Problems = append(r.Problems, &telegram.Problem{
				Code: telegram.Unknown, Offset: 1, Got: telegram.Hex(byte(f.Kind)), Text: "kind of meter is not known", Class: meter.ErrMalformed, Note: true,
			})
		}
		content(&r, f, v)
		return r
	case len(b) >= overhead-2:
		r.Frame = fields(f, b)
	}
	if mended := mend(b); mended != nil {
		r.Fit, r.Length = telegram.FitMended, len(b)
		r.Fault(mended)
		return r
	}
	r.Fit = fit(f, b, n, p)
	r.Fault(p)
	return r
}

// frame reads a frame whatever its control code.
func frame(b []byte) (Frame, int, *telegram.Problem) {
	if len(b) < overhead-2 {
		return parse(b)
	}
	if b[0] != start {
		f := header(b)
		_, _, p := parse(b)
		return f, 0, p
	}
	return body(b)
}

// fit rates how much of the form of a damaged frame holds.
func fit(f Frame, b []byte, n int, p *telegram.Problem) telegram.Fit {
	kind := f.Kind.known()
	switch {
	case len(b) == 0 || b[0] != start:
		return telegram.FitNothing
	case p.Code == telegram.Checksum && b[n-1] == stop && kind:
		return telegram.FitShape
	case kind && knownControl(f.Control) && len(b) >= overhead-2:
		return telegram.FitHeader
	}
	return telegram.FitStart
}

// mend finds the one byte of the form that is wrong in a frame that ends with b. A damaged length shows as a wrong
// checksum, or as a frame that ends too early or too late.
func mend(b []byte) *telegram.Problem {
	n := len(b) - overhead
	if n < 1 || n > maxData {
		return nil
	}
	whole := func(b []byte) bool {
		f, size, p := frame(b)
		return p == nil && size == len(b) && f.Kind.known() && knownControl(f.Control)
	}
	return telegram.Mend(b, []telegram.Part{
		{At: 0, Want: start, Code: telegram.Start, Text: "frame does not start here"},
		{At: 10, Want: byte(n), Code: telegram.Length, Text: "length of the data is wrong: with the other one the checksum fits"},
		{At: len(b) - 1, Want: stop, Code: telegram.Stop, Text: "frame does not stop here"},
	}, whole, meter.ErrChecksum)
}

// unknownControl tells the makers' own codes from nonsense.
func unknownControl(c byte) *telegram.Problem {
	p := &telegram.Problem{Code: telegram.Control, Offset: 9, Got: telegram.Hex(c), Text: "control code is not known", Class: meter.ErrMalformed}
	if c&^(answerBit|refusalBit) >= 0x20 { // the standard reserves these for makers
		p.Text, p.Note = "control code is the maker's own", true
	}
	return p
}

var controls = map[byte]string{
	Read: "read", ReadAddress: "read address", Write: "write", ReadKey: "read key version", WriteAddress: "write address",
	WriteCounter: "set counter", MakersRead: "read",
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

// fields lists the parts of a frame whose header is in b.
func fields(f Frame, b []byte) telegram.Fields {
	var p telegram.Fields
	p.Add("address", f.Address.String())
	p.Add("type", telegram.Hex(byte(f.Kind)))
	if f.Kind.known() {
		p.Add("type_name", f.Kind.String())
	}
	p.Add("control", telegram.Hex(f.Control))
	if name, ok := controls[f.Control&^(answerBit|refusalBit)]; ok {
		p.Add("function", name)
	}
	p.Add("direction", direction(f))
	p.Add("length", int(b[10]))
	if !f.Refusal() && len(f.Data) >= 2 {
		item, swapped := itemOf(f.Data)
		p.Add("di", item.String())
		if name := item.name(); name != "" {
			p.Add("item", name)
		}
		if swapped {
			p.Add("di_swapped", true)
		}
	}
	if at := map[bool]int{true: 0, false: 2}[f.Refusal()]; len(f.Data) > at {
		p.Add("serial", int(f.Data[at]))
	}
	if f.Refusal() && len(f.Data) == 3 {
		p.Add("status", telegram.Hex(f.Data[1:]...))
	}
	if item, _ := f.item(); item != SetKey {
		p.Add("data", telegram.Hex(f.Data...))
	}
	return p
}

// item is the identifier of a frame that has one.
func (f Frame) item() (Item, bool) {
	if f.Refusal() || len(f.Data) < 2 {
		return 0, false
	}
	i, _ := itemOf(f.Data)
	return i, true
}

// content decodes the data of an undamaged frame.
func content(r *telegram.Report, f Frame, v Variant) {
	d, err := f.decode(v, true)
	r.Values = d.Values
	problems := d.Problems
	var p *telegram.Problem
	if errors.As(err, &p) && len(problems) == 0 {
		problems = append(problems, p)
	}
	for _, p := range problems {
		moved := p.At(overhead - 2)
		switch {
		case p.Code == telegram.Refused:
			moved.Note = true
			moved.Text = fmt.Sprintf("meter refuses to %s", controls[f.Control&^(answerBit|refusalBit)])
		case p.Code == telegram.Unknown && !d.Item.known():
			moved.Note = true // the frame is good, its content the maker's
		}
		r.Problems = append(r.Problems, moved)
	}
}
