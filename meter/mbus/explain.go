package mbus

import (
	"encoding/binary"
	"fmt"

	"tally/meter"
	"tally/meter/telegram"
)

// Explain says what the frame at the start of b is and what is wrong with it; b may go on behind the frame.
func Explain(b []byte) telegram.Report {
	r := telegram.Report{Protocol: "mbus"}
	f, n, p := parse(b)
	r.Length = n
	if p != nil {
		r.Fit = fit(b, n, p)
		if n > 0 || r.Fit >= telegram.FitHeader && len(b) > 6 {
			r.Frame = damaged(b)
		}
		r.Fault(blame(b, p))
		return r
	}
	r.Fit = telegram.FitWhole
	d, err := f.Decode()
	r.Frame = fields(f, d)
	r.Values, r.Problems = d.Values, d.Problems
	if err != nil && len(r.Problems) == 0 {
		r.Fault(&telegram.Problem{Code: telegram.Content, Offset: f.dataPos, Text: err.Error(), Class: meter.ErrMalformed})
	}
	return r
}

// fit rates how much of the form holds.
func fit(b []byte, n int, p *telegram.Problem) telegram.Fit {
	switch {
	case len(b) == 0 || b[0] != longHead && b[0] != shortHead:
		return telegram.FitNothing
	case p.Code == telegram.Checksum && b[n-1] == stop:
		return telegram.FitShape
	case b[0] == longHead && len(b) >= 4 && b[3] == longHead && (b[1] == b[2] || p.Code == telegram.Length):
		return telegram.FitHeader
	}
	return telegram.FitStart
}

// damaged lists the parts of a frame that cannot be trusted.
func damaged(b []byte) telegram.Fields {
	f := Frame{Kind: Short, C: b[1], A: b[2]}
	if b[0] == longHead {
		f = Frame{Kind: Long, C: b[4], A: b[5], CI: b[6]}
	}
	return link(f)
}

// blame finds the byte that is really wrong: a damaged length shows as a wrong checksum, or as a frame that ends too
// early or too late.
func blame(b []byte, p *telegram.Problem) *telegram.Problem {
	n := len(b) - 6
	if len(b) < 9 || n > 0xFF || b[0] != longHead || b[n+5] != stop || telegram.Sum(b[4:n+4]) != b[n+4] {
		return p
	}
	for i := 1; i <= 2; i++ { // everything else holds: it is one of the lengths, or both
		if b[i] != byte(n) {
			return telegram.Wrong(telegram.Length, i, byte(n), b[i], "length is wrong: with the other one the checksum fits", meter.ErrMalformed)
		}
	}
	return p
}

// link lists what the link layer says.
func link(f Frame) telegram.Fields {
	var p telegram.Fields
	p.Add("type", string(f.Kind))
	if f.Kind == Ack {
		return p
	}
	p.Add("c", telegram.Hex(f.C))
	if name := controlName(f.C); name != "" {
		p.Add("function", name)
	}
	p.Add("direction", map[bool]string{true: "reply", false: "request"}[f.C&0x40 == 0])
	p.Add("address", int(f.A))
	if f.Kind != Short {
		p.Add("ci", telegram.Hex(f.CI))
		if name := ciNames[f.CI]; name != "" {
			p.Add("content", name)
		}
	}
	return p
}

// controlName names a C field without its counting bits.
func controlName(c byte) string {
	switch {
	case c == SndNke:
		return "SND_NKE"
	case c&^fcb == SndUd:
		return "SND_UD"
	case c&^fcb == ReqUd2:
		return "REQ_UD2"
	case c&^fcb == 0x5A:
		return "REQ_UD1"
	case c&rspMask == rspUd:
		return "RSP_UD"
	}
	return ""
}

// ciNames say what follows a CI field.
var ciNames = map[byte]string{
	ciReset: "application reset", ciSend: "data", ciSelect: "selection", ciVariable: "variable data", ciVariableHi: "variable data, high byte first",
	ciFixed: "fixed data", ciFixedHi: "fixed data, high byte first", ciError: "application error", 0x71: "alarm", 0x78: "data without header",
	0x7A: "data with short header",
	0xB8: "set 300 baud", 0xB9: "set 600 baud", 0xBA: "set 1200 baud", 0xBB: "set 2400 baud", 0xBC: "set 4800 baud", 0xBD: "set 9600 baud",
	0xBE: "set 19200 baud", 0xBF: "set 38400 baud",
}

// fields lists the parts of an undamaged frame.
func fields(f Frame, d Data) telegram.Fields {
	p := link(f)
	if f.Kind == Ack || f.Kind == Short {
		return p
	}
	if len(f.Data) >= 8 && (f.CI == ciVariable || f.CI == ciSelect) {
		p.Add("id", fmt.Sprintf("%02X%02X%02X%02X", f.Data[3], f.Data[2], f.Data[1], f.Data[0]))
		p.Add("manufacturer", manufacturer(binary.LittleEndian.Uint16(f.Data[4:])))
		p.Add("version", int(f.Data[6]))
		p.Add("medium", telegram.Hex(f.Data[7]))
		p.Add("medium_name", MediumName(f.Data[7]))
	}
	_ = d
	return p
}
