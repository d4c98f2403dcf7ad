package scan

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tally/meter/cjt188"
	"tally/meter/dlt645"
	"tally/meter/mbus"
	"tally/meter/modbus/frame"
)

// question is one request and how a right answer to it is recognised.
type question struct {
	request []byte
	length  int           // of a usual answer, to allow for its time on the wire
	timeout time.Duration // how long the meter may think
	address string        // who is asked; empty for everybody

	// known looks for a whole answer at the start of b. It returns its length and what it says; 0 for none.
	known func(b []byte) (int, Find)
}

// Patience by protocol. Answers come within 500 ms by DL/T 645-2007, 5.2.3, and meters of CJ/T 188 take as long; M-Bus
// meters acknowledge within 330 bit times and 50 ms (EN 13757-2), data takes them up to two seconds.
const (
	modbusPatience = 250 * time.Millisecond
	meterPatience  = 500 * time.Millisecond
	mbusPatience   = 200 * time.Millisecond
	mbusData       = 2500 * time.Millisecond
)

// questionOf makes the question of a step; address counts within a range.
func questionOf(s Step, address int, o Options, serial byte) (question, error) {
	var q question
	var err error
	switch s.Protocol {
	case CJT188:
		q, err = ask188(s, serial)
	case DLT645:
		q, err = ask645(s)
	case MBus:
		q, err = askMBus(s, address)
	case ModbusRTU, RTUOverTCP:
		q = askRTU(byte(address))
	case ModbusTCP:
		q = askTCP(byte(address), serial)
	default:
		err = fmt.Errorf("protocol %q is not known", s.Protocol)
	}
	if o.Timeout > 0 {
		q.timeout = o.Timeout
	}
	return q, err
}

const fe4 = "\xFE\xFE\xFE\xFE"

func ask188(s Step, serial byte) (question, error) {
	to, kind := cjt188.Anyone, cjt188.AnyKind
	control, item, variant := cjt188.Read, cjt188.Current, cjt188.Variant{}
	switch s.Ask {
	case askAddress:
		control, item = cjt188.ReadAddress, cjt188.OwnAddress
	case askSwapped:
		variant.SwappedItem = true
	case askNumber:
		a, err := cjt188.ParseAddress(s.Pattern)
		if err != nil {
			return question{}, err
		}
		to = a
	}
	request := cjt188.Request(kind, to, control, item, serial, variant)
	return question{
		request: request.Append([]byte(fe4)), length: 40, timeout: meterPatience, address: s.Pattern,
		known: func(b []byte) (int, Find) {
			if len(b) < 13 || b[0] != 0x68 {
				return 0, Find{}
			}
			n := 13 + int(b[10])
			if len(b) < n {
				return 0, Find{}
			}
			f, err := cjt188.Parse(b[:n])
			if err != nil || !f.Answer() {
				return 0, Find{}
			}
			return n, Find{Address: f.Address.String(), Number: f.Address.String(), Kind: f.Kind.String(), Refused: f.Refusal()}
		},
	}, nil
}

// address645 reads digits behind which A stands for any, as the standard's shortened addresses do.
func address645(pattern string) (dlt645.Address, error) {
	var a dlt645.Address
	if len(pattern) != 12 || strings.Trim(pattern, "0123456789A") != "" {
		return a, fmt.Errorf("address %q: 12 digits, A for any", pattern)
	}
	for i := range a {
		v, err := strconv.ParseUint(pattern[10-2*i:12-2*i], 16, 8)
		if err != nil {
			return a, fmt.Errorf("address %q: %w", pattern, err)
		}
		a[i] = byte(v)
	}
	return a, nil
}

func ask645(s Step) (question, error) {
	pattern := s.Pattern
	if s.Ask == askNumber {
		a, err := dlt645.ParseAddress(s.Pattern)
		if err != nil {
			return question{}, err
		}
		pattern = a.String()
	}
	to, err := address645(pattern)
	if err != nil {
		return question{}, err
	}
	request := dlt645.Frame{Address: to, Control: dlt645.ReadAddress}
	if s.Ask == askRead { // total forward energy of the edition of 1997, which cannot tell its address
		request = dlt645.Frame{Address: to, Control: dlt645.Read97, Data: []byte{0x10, 0x90}}
	}
	return question{
		request: request.Append([]byte(fe4)), length: 22, timeout: meterPatience, address: s.Pattern,
		known: func(b []byte) (int, Find) {
			if len(b) < 12 || b[0] != 0x68 || b[7] != 0x68 {
				return 0, Find{}
			}
			n := 12 + int(b[9])
			if len(b) < n {
				return 0, Find{}
			}
			f, err := dlt645.Parse(b[:n])
			if err != nil || !f.Answer() {
				return 0, Find{}
			}
			find := Find{Address: f.Address.String(), Number: f.Address.String(), Refused: f.Refusal(), Kind: "electricity"}
			switch f.Edition() {
			case dlt645.Edition1997:
				find.Edition = "1997"
			case dlt645.Edition2007:
				find.Edition = "2007"
			}
			if s.Ask != askRead && !f.Refusal() && len(f.Data) == 6 { // what it says, not what it may have repeated
				own := dlt645.Address(f.Data).String()
				find.Address, find.Number = own, own
			}
			return n, find
		},
	}, nil
}

// selects is the CI field of a selection.
const selects = 0x52

func askMBus(s Step, address int) (question, error) {
	q := question{length: 1, timeout: mbusPatience, known: acknowledged}
	if s.Baud > 0 {
		q.timeout += 330 * time.Second / time.Duration(s.Baud)
	}
	switch s.Ask {
	case askAll:
		q.request = mbus.Frame{Kind: mbus.Short, C: mbus.SndNke, A: mbus.Everyone}.Append(nil)
	case askRange:
		q.address = strconv.Itoa(address)
		q.request = mbus.Frame{Kind: mbus.Short, C: mbus.SndNke, A: byte(address)}.Append(nil)
	default:
		id, err := selection(s.Pattern)
		if err != nil {
			return q, err
		}
		q.address = s.Pattern
		q.request = mbus.Frame{Kind: mbus.Long, C: mbus.SndUd, A: mbus.Secondary, CI: selects, Data: append(id, 0xFF, 0xFF, 0xFF, 0xFF)}.Append(nil)
	}
	return q, nil
}

// selection writes eight digits, F for any, as a selection has them.
func selection(pattern string) ([]byte, error) {
	if len(pattern) != 8 || strings.Trim(pattern, "0123456789F") != "" {
		return nil, fmt.Errorf("identification %q: eight digits, F for any", pattern)
	}
	id := make([]byte, 4)
	for i := range id {
		v, err := strconv.ParseUint(pattern[6-2*i:8-2*i], 16, 8)
		if err != nil {
			return nil, fmt.Errorf("identification %q: %w", pattern, err)
		}
		id[i] = byte(v)
	}
	return id, nil
}

func acknowledged(b []byte) (int, Find) {
	if b[0] == 0xE5 {
		return 1, Find{}
	}
	return 0, Find{}
}

// dataOf asks an M-Bus meter that has acknowledged for its data, which say who it is.
func dataOf(address byte, o Options) question {
	q := question{
		request: mbus.Frame{Kind: mbus.Short, C: mbus.ReqUd2, A: address}.Append(nil), length: 100, timeout: mbusData,
		known: func(b []byte) (int, Find) {
			if len(b) < 6 || b[0] != 0x68 || len(b) < int(b[1])+6 {
				return 0, Find{}
			}
			n := int(b[1]) + 6
			f, err := mbus.Parse(b[:n])
			if err != nil {
				return 0, Find{}
			}
			find := Find{Address: strconv.Itoa(int(f.A))}
			if d, err := f.Decode(); err == nil {
				find.Number = fmt.Sprintf("%08d", d.ID)
				find.Kind, find.Maker = mbus.MediumName(d.Medium), d.Manufacturer
			} else {
				find.Refused = true
			}
			return n, find
		},
	}
	q.timeout = max(q.timeout, o.Timeout)
	return q
}

// askRTU reads one register: whatever the meter has there, it answers with a value or refuses with an exception.
func askRTU(unit byte) question {
	return question{
		request: frame.WrapRTU(unit, 3, 0, 0, 0, 1), length: 7, timeout: modbusPatience, address: strconv.Itoa(int(unit)),
		known: func(b []byte) (int, Find) {
			for _, n := range []int{5, 7} {
				right := len(b) >= n && (n == 5 && b[1] == 0x83 || n == 7 && b[1] == 3 && b[2] == 2)
				if right && frame.WholeRTU(b[:n]) {
					return n, exceptionOf(b[0], b[1:n-2])
				}
			}
			return 0, Find{}
		},
	}
}

func exceptionOf(unit byte, pdu []byte) Find {
	f := Find{Address: strconv.Itoa(int(unit))}
	if pdu[0]&0x80 != 0 {
		f.Refused, f.Exception = true, int(pdu[1])
	}
	return f
}

// askTCP is the same behind a gateway; its exceptions 0A and 0B say that nobody is there.
func askTCP(unit, number byte) question {
	return question{
		request: []byte{0x7A, number, 0, 0, 0, 6, unit, 3, 0, 0, 0, 1}, timeout: 2 * time.Second, address: strconv.Itoa(int(unit)),
		known: func(b []byte) (int, Find) {
			if len(b) < 9 || b[0] != 0x7A || b[1] != number || b[2]|b[3] != 0 || b[6] != unit {
				return 0, Find{}
			}
			n := 6 + int(b[4])<<8 + int(b[5])
			switch {
			case n < 9 || len(b) < n || b[7]&0x7F != 3:
				return 0, Find{}
			case b[7] == 0x83 && (b[8] == 0x0A || b[8] == 0x0B):
				return n, Find{gateway: true}
			}
			return n, exceptionOf(unit, b[7:n])
		},
	}
}
