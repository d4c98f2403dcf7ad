package frame

import (
	"fmt"

	"tally/meter"
	"tally/meter/telegram"
)

const (
	mbapHeader = 7 // transaction 2, protocol 2, length 2, unit 1
	mbapMost   = 254
)

// ExplainTCP says what the MBAP frame at the start of b is and what is wrong with it; b may go on behind the frame.
func ExplainTCP(b []byte, o Options) telegram.Report {
	r := telegram.Report{Protocol: TCP}
	if len(b) < mbapHeader+1 {
		r.Fault(telegram.Short(len(b), mbapHeader+1))
		if len(b) >= 4 && u16(b[2:]) == 0 {
			r.Fit = telegram.FitStart
		}
		return r
	}
	r.Frame.Add("transaction", u16(b))
	r.Frame.Add("length", u16(b[4:]))
	n, known := 6+u16(b[4:]), functions[b[7]&^exceptionBit] != "" || makersOwn(b[7])
	if p := mendTCP(b); p != nil {
		r.Length, r.Fit = len(b), telegram.FitMended
		r.Fault(p)
		return r
	}
	if p := mbap(b); p != nil {
		if known && u16(b[2:]) == 0 {
			r.Fit = telegram.FitHeader
		}
		r.Fault(p)
		return r
	}
	r.Length, r.Fit = n, telegram.FitShape
	explain(&r, b[6], b[7:n], mbapHeader, o)
	if known {
		r.Fit = telegram.FitWhole
	}
	return r
}

// mbap checks the header; b has at least eight bytes.
func mbap(b []byte) *telegram.Problem {
	n := u16(b[4:])
	switch {
	case u16(b[2:]) != 0:
		return &telegram.Problem{Code: telegram.Start, Offset: 2, Want: "00 00", Got: telegram.Hex(b[2:4]...), Text: "protocol number is not Modbus", Class: meter.ErrMalformed}
	case n < 2 || n > mbapMost:
		return &telegram.Problem{Code: telegram.Length, Offset: 4, Want: fmt.Sprintf("00 02–00 %02X", mbapMost), Got: telegram.Hex(b[4:6]...), Text: "length is not possible", Class: meter.ErrMalformed}
	case len(b) < 6+n:
		return telegram.Short(len(b), 6+n)
	}
	return nil
}

// mendTCP finds the one byte of the header that is wrong in a frame that ends with b and is none as it is.
func mendTCP(b []byte) *telegram.Problem {
	n := len(b) - 6
	whole := func(b []byte) bool {
		_, p := readings(b[mbapHeader:])
		return mbap(b) == nil && u16(b[4:]) == n && p == nil
	}
	if n > mbapMost || whole(b) {
		return nil
	}
	return telegram.Mend(b, []telegram.Part{
		{At: 2, Code: telegram.Start, Text: "protocol number is not Modbus"},
		{At: 3, Code: telegram.Start, Text: "protocol number is not Modbus"},
		{At: 4, Code: telegram.Length, Text: "length is wrong: with the other one everything fits"},
		{At: 5, Want: byte(n), Code: telegram.Length, Text: "length is wrong: with the other one everything fits"},
	}, whole, meter.ErrMalformed)
}
