package frame

import (
	"errors"
	"fmt"

	"tally/meter"
	"tally/meter/profile"
	"tally/meter/telegram"
)

// registers gives the values of a model's registers that the frame carries, data beginning at offset at. An answer does
// not say which registers it is about: they are those that the caller names, those that the question before it asked for,
// or those of the one request of the model's plan that asks for as many.
func registers(r *telegram.Report, f byte, d reading, at int, o Options) {
	if o.Profile == nil || len(d.data) == 0 || f == ReadWrite {
		return
	}
	if f == WriteRegister || f == WriteRegisters {
		f = ReadHolding
	}
	block := profile.Block{Function: f, Count: len(d.data) / 2}
	switch {
	case o.HasFrom && d.direction == "reply":
		block.Start = uint16(o.From)
	case d.start >= 0:
		block.Start = uint16(d.start)
	default:
		start, p := planned(o.Profile, block)
		if p != nil {
			r.Problems = append(r.Problems, p.At(at))
			return
		}
		block.Start = start
		r.Frame.Add("start", int(start))
	}
	for _, reg := range o.Profile.Map.Registers {
		if i, ok := block.Contains(reg); ok {
			register(r, reg, d.data[2*i:2*(i+reg.Words)], at+2*i)
		}
	}
}

func register(r *telegram.Report, reg profile.Register, b []byte, at int) {
	n, err := reg.Decode(b)
	if err != nil {
		p := &telegram.Problem{Code: telegram.Content, Offset: at, Got: telegram.Hex(b...), Text: "registers of " + reg.Name + " hold no number", Class: meter.ErrImplausible}
		if errors.Is(err, meter.ErrMalformed) {
			p.Class = meter.ErrMalformed
		}
		r.Fault(p)
		return
	}
	r.Values = append(r.Values, telegram.Value{Name: reg.Name, Number: n, Unit: reg.Unit, Function: telegram.Instantaneous})
}

// planned finds the request of the model's plan that such an answer belongs to.
func planned(m *profile.Profile, b profile.Block) (uint16, *telegram.Problem) {
	var starts []uint16
	for _, planned := range m.Map.Plan() {
		if planned.Function == b.Function && planned.Count == b.Count {
			starts = append(starts, planned.Start)
		}
	}
	switch len(starts) {
	case 1:
		return starts[0], nil
	case 0:
		return 0, &telegram.Problem{
			Code: telegram.Unknown, Got: fmt.Sprintf("%d registers", b.Count), Text: "no request of the model asks for so many registers: say with which the answer begins",
			Class: meter.ErrMalformed, Note: true,
		}
	}
	return 0, &telegram.Problem{
		Code: telegram.Ambiguous, Got: fmt.Sprint(starts), Text: "several requests of the model ask for so many registers: say with which the answer begins",
		Class: meter.ErrMalformed, Note: true,
	}
}
