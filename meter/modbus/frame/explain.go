package frame

import (
	"tally/meter"
	"tally/meter/profile"
	"tally/meter/telegram"
)

// Names of the two ways in which Modbus frames are wrapped.
const (
	RTU = "modbus-rtu"
	TCP = "modbus-tcp"
)

// Options say what is known beside the frame; the zero value is nothing.
type Options struct {
	Profile *profile.Profile // model whose registers the frame carries; nil if unknown
	From    int              // register that an answer begins with, as on the wire (0–65535); only if HasFrom
	HasFrom bool
	Asked   *Question // that may have gone before; nil if unknown
}

// explain understands an undamaged PDU that begins at offset at.
func explain(r *telegram.Report, unit byte, pdu []byte, at int, o Options) {
	f := pdu[0]
	r.Frame.Add("address", int(unit))
	r.Frame.Add("function", int(f&^exceptionBit))
	if name := functions[f&^exceptionBit]; name != "" {
		r.Frame.Add("function_name", name)
	}
	all, p := readings(pdu)
	if p != nil {
		p = p.At(at)
		p.Note = p.Code == telegram.Control && makersOwn(f)
		if p.Note {
			p.Text = "function code is the maker's own"
		}
		r.Fault(p)
		r.Frame.Add("data", telegram.Hex(pdu[1:]...))
		return
	}
	chosen := all[0]
	last := all[len(all)-1]
	answers := last.direction == "reply" && len(pdu) > 2 && o.Asked.answeredBy(unit, f, transaction(r), len(pdu)-2)
	switch {
	case answers:
		chosen = last
		chosen.start = o.Asked.Start
		chosen.fields = append(telegram.Fields{{Name: "start", Value: chosen.start}}, chosen.fields...)
	case len(all) > 1:
		r.Problems = append(r.Problems, &telegram.Problem{
			Code: telegram.Ambiguous, Offset: at, Text: "can be a request or a reply; read as a request", Class: meter.ErrMalformed, Note: true,
		})
	}
	r.Frame.Add("direction", chosen.direction)
	r.Frame = append(r.Frame, chosen.fields...)
	r.Values = chosen.values
	if chosen.direction == "exception" {
		r.Problems = append(r.Problems, refused(pdu[1], at+1))
		return
	}
	registers(r, f, chosen, at+len(pdu)-len(chosen.data), o)
}

// transaction is the number of a TCP frame, −1 of an RTU one.
func transaction(r *telegram.Report) int {
	if n, ok := r.Frame.Get("transaction").(int); ok {
		return n
	}
	return -1
}

// makersOwn tells user-defined function codes (Application Protocol, 4.1).
func makersOwn(f byte) bool {
	f &^= exceptionBit
	return f >= 65 && f <= 72 || f >= 100 && f <= 110
}

func refused(code byte, at int) *telegram.Problem {
	p := &telegram.Problem{Code: telegram.Refused, Offset: at, Got: telegram.Hex(code), Text: "meter refuses", Class: meter.ErrException, Note: true}
	if name := exceptions[code]; name != "" {
		p.Text += ": " + name
	}
	if code == 5 || code == 6 {
		p.Class = meter.ErrBusy
	}
	return p
}
