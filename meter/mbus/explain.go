package mbus

import (
	"fmt"
	"slices"

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
		if mended := mend(b); mended != nil {
			r.Fit, r.Length, p = telegram.FitMended, len(b), mended
		}
		if n > 0 || r.Fit >= telegram.FitHeader && len(b) > 6 {
			r.Frame = damaged(b)
		}
		r.Fault(p)
		return r
	}
	r.Fit = telegram.FitWhole
	var d Data
	if f.Kind == Control || f.Kind == Long {
		if f.C&0x40 == 0 {
			d, _ = f.decode(f.reply)
		} else {
			d, _ = f.decode(f.command)
		}
	}
	r.Frame = fields(f, d)
	r.Values, r.Problems = d.Values, d.Problems
	date(r.Values)
	if f.Kind != Ack && controlName(f.C) == "" {
		at := 4
		if f.Kind == Short {
			at = 1
		}
		r.Problems = append(r.Problems, &telegram.Problem{
			Code: telegram.Control, Offset: at, Got: telegram.Hex(f.C), Text: "C field is not known", Class: meter.ErrMalformed, Note: true,
		})
	}
	return r
}

// command decodes what a master sends.
func (f Frame) command() (Data, *telegram.Problem) {
	var d Data
	switch {
	case f.CI == ciSend || f.CI == ciSendHi:
		d.records(&reader{b: f.Data, high: f.CI == ciSendHi, toMeter: true})
	case f.CI == ciSelect || f.CI == ciSelectHi:
		if len(f.Data) < 8 {
			return d, telegram.Short(len(f.Data), 8)
		}
		d.choose(f.Data, f.CI == ciSelectHi)
	case f.CI == ciReset && len(f.Data) > 0:
		d.say("reset", telegram.Hex(f.Data...))
	case f.CI == ciReset, f.CI >= 0xB8 && f.CI <= 0xBF:
	default:
		return d, unknownCI(f.CI)
	}
	return d, nil
}

func (d *Data) say(name, text string) {
	d.Values = append(d.Values, telegram.Value{Name: name, Text: text, Function: telegram.Instantaneous})
}

// choose reads what comes behind a selection's eight bytes: an enhanced one goes on with records.
func (d *Data) choose(b []byte, high bool) {
	if len(b) > 8 {
		d.records(&reader{b: b, pos: 8, high: high, toMeter: true})
	}
}

// lowFirst is a secondary address with the low bytes first.
func lowFirst(b []byte, high bool) []byte {
	return slices.Concat(ordered(b[:4], high), ordered(b[4:6], high), b[6:8])
}

// date gives remembered values the time of which the same telegram says that it is theirs: the date or clock of the
// same storage number, if there is exactly one.
func date(values []telegram.Value) {
	stored := map[uint64]telegram.Value{}
	several := map[uint64]bool{}
	for _, v := range values {
		if v.Storage == 0 || v.At.IsZero() || v.Function != telegram.Instantaneous || v.Name != "date" && v.Name != "clock" || v.Tariff != 0 || v.Subunit != 0 {
			continue
		}
		_, has := stored[v.Storage]
		several[v.Storage] = several[v.Storage] || has
		stored[v.Storage] = v
	}
	for i, v := range values {
		if of, ok := stored[v.Storage]; ok && !several[v.Storage] && v.At.IsZero() && v.Function == telegram.Instantaneous {
			values[i].At = of.At
		}
	}
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
	if b[0] == shortHead && len(b) < 9 {
		return link(Frame{Kind: Short, C: b[1], A: b[2]})
	}
	return link(Frame{Kind: Long, C: b[4], A: b[5], CI: b[6]})
}

// mend finds the one byte of the form that is wrong in a frame that ends with b.
func mend(b []byte) *telegram.Problem {
	whole := func(b []byte) bool {
		f, size, p := parse(b)
		return p == nil && size == len(b) && controlName(f.C) != ""
	}
	last := telegram.Part{At: len(b) - 1, Want: stop, Code: telegram.Stop, Text: "frame does not stop here"}
	n := len(b) - 6
	if len(b) == 5 {
		return telegram.Mend(b, []telegram.Part{{At: 0, Want: shortHead, Code: telegram.Start, Text: "no frame starts here"}, last}, whole, meter.ErrChecksum)
	}
	if n < 3 || n > 0xFF {
		return nil
	}
	const wrong = "length is wrong: with the other one the checksum fits"
	parts := []telegram.Part{
		{At: 0, Want: longHead, Code: telegram.Start, Text: "no frame starts here"},
		{At: 1, Want: byte(n), Code: telegram.Length, Text: wrong},
		{At: 2, Want: byte(n), Code: telegram.Length, Text: wrong},
		{At: 3, Want: longHead, Code: telegram.Start, Text: "second start byte is missing"},
		last,
	}
	if p := telegram.Mend(b, parts, whole, meter.ErrChecksum); p != nil || b[1] != b[2] {
		return p
	}
	return telegram.Mend(b, parts[1:2], func(b []byte) bool { // both lengths alike, and wrong
		b[2] = byte(n)
		return whole(b)
	}, meter.ErrChecksum)
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
	ciReset: "application reset", ciSend: "data", ciSendHi: "data, high byte first", ciSelect: "selection", ciSelectHi: "selection, high byte first",
	ciVariable: "variable data", ciVariableHi: "variable data, high byte first",
	ciFixed: "fixed data", ciFixedHi: "fixed data, high byte first", ciError: "application error", ciAlarm: "alarm", ciBare: "data without header",
	ciShort: "data with short header",
	0xB8:    "set 300 baud", 0xB9: "set 600 baud", 0xBA: "set 1200 baud", 0xBB: "set 2400 baud", 0xBC: "set 4800 baud", 0xBD: "set 9600 baud",
	0xBE: "set 19200 baud", 0xBF: "set 38400 baud",
}

// fields lists the parts of an undamaged frame; those of a header only if it is whole.
func fields(f Frame, d Data) telegram.Fields {
	p := link(f)
	if selects := f.CI == ciSelect || f.CI == ciSelectHi; selects && f.C&0x40 != 0 && len(f.Data) >= 8 {
		p.Add("secondary", selectionOf(lowFirst(f.Data, f.CI == ciSelectHi)).String())
	}
	if f.Kind == Ack || f.Kind == Short || f.C&0x40 != 0 || len(f.Data) < headerSize[f.CI] {
		return p
	}
	variable := f.CI == ciVariable || f.CI == ciVariableHi
	if d.Printed != "" {
		p.Add("id", d.Printed)
	}
	if variable {
		p.Add("manufacturer", d.Manufacturer)
		p.Add("version", int(d.Version))
	}
	if d.Printed != "" {
		p.Add("medium", telegram.Hex(d.Medium))
		p.Add("medium_name", MediumName(d.Medium))
	}
	if variable {
		p.Add("secondary", selectionOf(lowFirst(f.Data, f.CI == ciVariableHi)).String())
	}
	if headerSize[f.CI] > 0 {
		p.Add("access_number", int(d.Access))
		p.Add("status", telegram.Hex(d.Status))
		p.Add("status_flags", flags(f.CI, d.Status))
	}
	if variable || f.CI == ciShort {
		p.Add("signature", fmt.Sprintf("%04X", d.Config))
		if len(d.Maker) > 0 {
			p.Add("manufacturer_data", telegram.Hex(d.Maker...))
		}
		p.Add("more", d.More)
	}
	return p
}

// headerSize is how many bytes stand in front of the records.
var headerSize = map[byte]int{ciVariable: longHeader, ciVariableHi: longHeader, ciShort: shortHeader, ciFixed: fixedSizeAll, ciFixedHi: fixedSizeAll}

// flags names what is set in a status byte (EN 13757-3, table of the status field).
func flags(ci, status byte) []string {
	set := []string{}
	if ci == ciFixed || ci == ciFixedHi {
		set = append(set, map[bool]string{true: "binary_counters", false: "bcd_counters"}[status&1 != 0])
		if status&2 != 0 {
			set = append(set, "stored")
		}
	} else {
		set = append(set, [][]string{{}, {"busy"}, {"application_error"}, {"abnormal"}}[status&3]...)
	}
	for bit, name := range map[int]string{2: "power_low", 3: "permanent_error", 4: "temporary_error"} {
		if status>>bit&1 != 0 {
			set = append(set, name)
		}
	}
	slices.Sort(set)
	if status>>5 != 0 {
		set = append(set, fmt.Sprintf("manufacturer_%d", status>>5))
	}
	return set
}
