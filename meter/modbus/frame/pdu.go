package frame

import (
	"encoding/binary"
	"fmt"

	"tally/meter"
	"tally/meter/telegram"
)

// Function codes (Application Protocol, 6).
const (
	ReadCoils      byte = 0x01
	ReadInputs     byte = 0x02
	ReadHolding    byte = 0x03
	ReadInput      byte = 0x04
	WriteCoil      byte = 0x05
	WriteRegister  byte = 0x06
	ReadStatus     byte = 0x07
	Diagnostics    byte = 0x08
	WriteCoils     byte = 0x0F
	WriteRegisters byte = 0x10
	ReportServer   byte = 0x11
	MaskWrite      byte = 0x16
	ReadWrite      byte = 0x17
	Encapsulated   byte = 0x2B

	exceptionBit byte = 0x80
)

var functions = map[byte]string{
	ReadCoils: "read coils", ReadInputs: "read discrete inputs", ReadHolding: "read holding registers", ReadInput: "read input registers",
	WriteCoil: "write single coil", WriteRegister: "write single register", ReadStatus: "read exception status", Diagnostics: "diagnostics",
	WriteCoils: "write multiple coils", WriteRegisters: "write multiple registers", ReportServer: "report server id",
	MaskWrite: "mask write register", ReadWrite: "read/write multiple registers", Encapsulated: "read device identification",
}

// exceptions by their code (Application Protocol, 7).
var exceptions = map[byte]string{
	1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "server device failure", 5: "acknowledge",
	6: "server device busy", 7: "negative acknowledge", 8: "memory parity error", 0x0A: "gateway path unavailable",
	0x0B: "gateway target device failed to respond",
}

// reading is one way to understand a PDU.
type reading struct {
	direction string // request, reply, exception
	fields    telegram.Fields
	values    []telegram.Value
	data      []byte // bytes of registers
	start     int    // first register; −1 if the PDU does not say
}

// readings are all ways in which the PDU's form allows it to be understood. The problem is what keeps it from having
// any; its offset counts from the function code.
func readings(pdu []byte) ([]reading, *telegram.Problem) {
	if len(pdu) == 0 {
		return nil, telegram.Short(0, 1)
	}
	f := pdu[0]
	if f&exceptionBit != 0 {
		return exception(pdu)
	}
	if _, known := functions[f]; !known {
		return nil, &telegram.Problem{Code: telegram.Control, Got: telegram.Hex(f), Text: "function code is not known", Class: meter.ErrMalformed}
	}
	var all []reading
	request, wrongRequest := requestOf(pdu)
	if wrongRequest == nil {
		all = append(all, request)
	}
	reply, wrongReply := replyOf(pdu)
	if wrongReply == nil && !echoed(f) {
		all = append(all, reply)
	}
	if len(all) > 0 {
		return all, nil
	}
	return nil, nearer(wrongRequest, wrongReply)
}

// echoed tells whether an answer is a copy of its question.
func echoed(f byte) bool {
	return f == WriteCoil || f == WriteRegister || f == Diagnostics || f == MaskWrite
}

// nearer chooses the complaint of the form that the PDU comes closer to: not that of a question, whose length is fixed,
// when there is more than that; else the one that finds its fault later.
func nearer(request, reply *telegram.Problem) *telegram.Problem {
	if request == nil || reply != nil && (request.Text == wrongLength || reply.Offset >= request.Offset) {
		return reply
	}
	return request
}

func exception(pdu []byte) ([]reading, *telegram.Problem) {
	f := pdu[0] &^ exceptionBit
	switch {
	case functions[f] == "":
		return nil, &telegram.Problem{Code: telegram.Control, Got: telegram.Hex(pdu[0]), Text: "function code is not known", Class: meter.ErrMalformed}
	case len(pdu) < 2:
		return nil, telegram.Short(len(pdu), 2)
	case len(pdu) > 2:
		return nil, length(2, 2, len(pdu))
	}
	r := reading{direction: "exception", start: -1}
	r.fields.Add("exception", telegram.Hex(pdu[1]))
	if name := exceptions[pdu[1]]; name != "" {
		r.fields.Add("exception_name", name)
	}
	return []reading{r}, nil
}

const wrongLength = "the function's data have another length"

// length says that the PDU is longer or shorter than its form asks for.
func length(offset, want, got int) *telegram.Problem {
	return &telegram.Problem{
		Code: telegram.Length, Offset: offset, Want: fmt.Sprintf("%d bytes", want), Got: fmt.Sprintf("%d bytes", got),
		Text: wrongLength, Class: meter.ErrMalformed,
	}
}

func u16(b []byte) int { return int(binary.BigEndian.Uint16(b)) }

// expect checks the PDU's whole length.
func expect(pdu []byte, want int) *telegram.Problem {
	switch {
	case len(pdu) < want:
		return telegram.Short(len(pdu), want)
	case len(pdu) > want:
		return length(want, want, len(pdu))
	}
	return nil
}

// limit checks a quantity.
func limit(pdu []byte, at, most int) *telegram.Problem {
	if n := u16(pdu[at:]); n < 1 || n > most {
		return &telegram.Problem{
			Code: telegram.Content, Offset: at, Want: fmt.Sprintf("1–%d", most), Got: fmt.Sprint(n), Text: "quantity is not possible", Class: meter.ErrMalformed,
		}
	}
	return nil
}
