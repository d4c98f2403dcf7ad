package frame

import (
	"tally/meter"
	"tally/meter/telegram"
)

// most is the largest quantity that one request may ask for (Application Protocol, 6.1–6.17).
var most = map[byte]int{ReadCoils: 2000, ReadInputs: 2000, ReadHolding: 125, ReadInput: 125, WriteCoils: 1968, WriteRegisters: 123}

// requestOf understands the PDU as a question. Answers that are copies of their question are understood here too.
func requestOf(pdu []byte) (reading, *telegram.Problem) {
	r := reading{direction: "request", start: -1}
	var p *telegram.Problem
	switch f := pdu[0]; f {
	case ReadCoils, ReadInputs, ReadHolding, ReadInput:
		if p = expect(pdu, 5); p == nil {
			p = limit(pdu, 3, most[f])
		}
		if p == nil {
			r.start = u16(pdu[1:])
			r.fields.Add("start", r.start)
			r.fields.Add("count", u16(pdu[3:]))
		}
	case WriteCoil, WriteRegister:
		p = r.single(pdu)
	case WriteCoils, WriteRegisters:
		p = r.multiple(pdu)
	case ReadStatus, ReportServer:
		p = expect(pdu, 1)
	case Diagnostics:
		p = r.words(pdu, "subfunction", "value")
	case MaskWrite:
		p = r.words(pdu, "register", "and_mask", "or_mask")
	case ReadWrite:
		p = r.readWrite(pdu)
	case Encapsulated:
		p = r.identification(pdu)
	}
	return r, p
}

// words takes a PDU of 16-bit words.
func (r *reading) words(pdu []byte, names ...string) *telegram.Problem {
	if p := expect(pdu, 1+2*len(names)); p != nil {
		return p
	}
	r.direction = "request or reply"
	for i, name := range names {
		r.fields.Add(name, u16(pdu[1+2*i:]))
	}
	return nil
}

func (r *reading) single(pdu []byte) *telegram.Problem {
	if p := expect(pdu, 5); p != nil {
		return p
	}
	r.direction = "request or reply"
	value := u16(pdu[3:])
	if pdu[0] == WriteRegister {
		r.start, r.data = u16(pdu[1:]), pdu[3:5]
		r.fields.Add("register", r.start)
		r.fields.Add("value", value)
		return nil
	}
	if value != 0 && value != 0xFF00 {
		return &telegram.Problem{Code: telegram.Content, Offset: 3, Want: "00 00 or FF 00", Got: telegram.Hex(pdu[3:5]...), Text: "coil is neither on nor off", Class: meter.ErrMalformed}
	}
	r.fields.Add("coil", u16(pdu[1:]))
	r.fields.Add("on", value != 0)
	return nil
}

func (r *reading) multiple(pdu []byte) *telegram.Problem {
	if len(pdu) < 6 {
		return telegram.Short(len(pdu), 6)
	}
	if p := limit(pdu, 3, most[pdu[0]]); p != nil {
		return p
	}
	count := u16(pdu[3:])
	want := 2 * count
	if pdu[0] == WriteCoils {
		want = (count + 7) / 8
	}
	if int(pdu[5]) != want {
		return telegram.Wrong(telegram.Length, 5, byte(want), pdu[5], "byte count does not fit the quantity", meter.ErrMalformed)
	}
	if p := expect(pdu, 6+want); p != nil {
		return p
	}
	r.start = u16(pdu[1:])
	r.fields.Add("start", r.start)
	r.fields.Add("count", count)
	r.list(pdu[0], pdu[6:], count)
	return nil
}

func (r *reading) readWrite(pdu []byte) *telegram.Problem {
	if len(pdu) < 10 {
		return telegram.Short(len(pdu), 10)
	}
	count := u16(pdu[7:])
	for _, p := range []*telegram.Problem{limit(pdu, 3, 125), limit(pdu, 7, 121)} {
		if p != nil {
			return p
		}
	}
	if int(pdu[9]) != 2*count {
		return telegram.Wrong(telegram.Length, 9, byte(2*count), pdu[9], "byte count does not fit the quantity", meter.ErrMalformed)
	}
	if p := expect(pdu, 10+2*count); p != nil {
		return p
	}
	r.fields.Add("start", u16(pdu[1:]))
	r.fields.Add("count", u16(pdu[3:]))
	r.fields.Add("write_start", u16(pdu[5:]))
	r.fields.Add("write_count", count)
	r.list(WriteRegisters, pdu[10:], count)
	return nil
}

// identification is function 2B with MEI type 0E (Application Protocol, 6.21).
func (r *reading) identification(pdu []byte) *telegram.Problem {
	if p := mei(pdu); p != nil {
		return p
	}
	if p := expect(pdu, 4); p != nil {
		return p
	}
	r.fields.Add("read_code", access[pdu[2]])
	r.fields.Add("object", telegram.Hex(pdu[3]))
	return nil
}

var access = map[byte]string{1: "basic", 2: "regular", 3: "extended", 4: "one object"}

// mei checks what questions and answers of function 2B begin with.
func mei(pdu []byte) *telegram.Problem {
	switch {
	case len(pdu) < 3:
		return telegram.Short(len(pdu), 4)
	case pdu[1] != 0x0E:
		return telegram.Wrong(telegram.Unknown, 1, 0x0E, pdu[1], "MEI type is not device identification", meter.ErrMalformed)
	case access[pdu[2]] == "":
		return &telegram.Problem{Code: telegram.Content, Offset: 2, Want: "01–04", Got: telegram.Hex(pdu[2]), Text: "kind of access is not known", Class: meter.ErrMalformed}
	}
	return nil
}

// list adds coils or registers.
func (r *reading) list(f byte, b []byte, count int) {
	switch f {
	case ReadCoils, ReadInputs, WriteCoils:
		bits := make([]int, 0, 8*len(b))
		for i := range min(count, 8*len(b)) {
			bits = append(bits, int(b[i/8]>>(i%8)&1))
		}
		r.fields.Add("coils", bits)
	default:
		words := make([]int, 0, len(b)/2)
		for i := 0; i+1 < len(b); i += 2 {
			words = append(words, u16(b[i:]))
		}
		r.data = b
		r.fields.Add("registers", words)
	}
}
