package frame

import (
	"fmt"

	"tally/meter"
	"tally/meter/telegram"
)

// replyOf understands the PDU as an answer.
func replyOf(pdu []byte) (reading, *telegram.Problem) {
	r := reading{direction: "reply", start: -1}
	var p *telegram.Problem
	switch f := pdu[0]; f {
	case ReadCoils, ReadInputs, ReadHolding, ReadInput, ReadWrite:
		p = r.counted(pdu)
	case WriteCoils, WriteRegisters:
		if p = expect(pdu, 5); p == nil {
			p = limit(pdu, 3, most[f])
		}
		if p == nil {
			r.fields.Add("start", u16(pdu[1:]))
			r.fields.Add("count", u16(pdu[3:]))
		}
	case ReadStatus:
		if p = expect(pdu, 2); p == nil {
			r.fields.Add("status", telegram.Hex(pdu[1]))
		}
	case ReportServer:
		p = r.server(pdu)
	case Encapsulated:
		p = r.objects(pdu)
	default:
		p = expect(pdu, 5)
	}
	return r, p
}

// counted takes an answer that says how many bytes it carries.
func (r *reading) counted(pdu []byte) *telegram.Problem {
	if len(pdu) < 2 {
		return telegram.Short(len(pdu), 3)
	}
	n := int(pdu[1])
	registers := pdu[0] != ReadCoils && pdu[0] != ReadInputs
	switch {
	case len(pdu) < 2+n:
		return telegram.Short(len(pdu), 2+n)
	case n == 0 || n > 250 || registers && n%2 != 0, len(pdu) > 2+n:
		return telegram.Wrong(telegram.Length, 1, byte(len(pdu)-2), pdu[1], "byte count is wrong", meter.ErrMalformed)
	}
	r.fields.Add("byte_count", n)
	r.list(pdu[0], pdu[2:], 8*n)
	return nil
}

// server is the answer to function 11: what the maker chose to say, and whether it runs.
func (r *reading) server(pdu []byte) *telegram.Problem {
	if len(pdu) < 3 {
		return telegram.Short(len(pdu), 3)
	}
	n := int(pdu[1])
	if p := expect(pdu, 2+n); p != nil {
		return telegram.Wrong(telegram.Length, 1, byte(len(pdu)-2), pdu[1], "byte count is wrong", meter.ErrMalformed)
	}
	r.fields.Add("data", telegram.Hex(pdu[2:]...))
	r.value("server_id", telegram.ASCII(pdu[2:]))
	return nil
}

func (r *reading) value(name, text string) {
	r.values = append(r.values, telegram.Value{Name: name, Text: text, Function: telegram.Instantaneous})
}

// objectNames are the objects of a device identification (Application Protocol, 6.21, table of objects).
var objectNames = []string{"vendor", "product_code", "revision", "vendor_url", "product", "model", "application"}

// objects is the answer to function 2B with MEI type 0E.
func (r *reading) objects(pdu []byte) *telegram.Problem {
	if p := mei(pdu); p != nil {
		return p
	}
	if len(pdu) < 7 {
		return telegram.Short(len(pdu), 7)
	}
	r.fields.Add("read_code", access[pdu[2]])
	r.fields.Add("conformity", telegram.Hex(pdu[3]))
	r.fields.Add("more", pdu[4] != 0)
	r.fields.Add("next_object", telegram.Hex(pdu[5]))
	at := 7
	for range pdu[6] {
		if len(pdu) < at+2 || len(pdu) < at+2+int(pdu[at+1]) {
			return telegram.Short(len(pdu), at+2)
		}
		id, n := pdu[at], int(pdu[at+1])
		name := fmt.Sprintf("object_%02x", id)
		if int(id) < len(objectNames) {
			name = objectNames[id]
		}
		r.value(name, telegram.ASCII(pdu[at+2:at+2+n]))
		at += 2 + n
	}
	if len(pdu) > at {
		return length(at, at, len(pdu))
	}
	return nil
}
