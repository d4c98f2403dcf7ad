package dlt645

import (
	"fmt"
	"slices"
	"time"

	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// Decoded is what a frame says.
type Decoded struct {
	Item   Item
	Values []telegram.Value
}

// Decode explains the data of a frame. Its error is a *telegram.Problem with the offset within Data.
func (f Frame) Decode() (Decoded, error) {
	d, p := f.decode()
	if p != nil {
		return d, p
	}
	return d, nil
}

func (f Frame) decode() (Decoded, *telegram.Problem) {
	switch {
	case f.Refusal():
		return Decoded{}, f.refusal()
	case f.Control&function == ReadAddress, f.Control&function == WriteAddress && !f.Answer():
		return f.address()
	case f.Control&function == BroadcastTime && !f.Answer():
		return f.broadcast()
	}
	item, rest, ok := f.item()
	if !ok {
		if len(f.Data) == 0 || f.Edition() == Edition2007 && len(f.Data) >= 4 || f.Edition() == Edition1997 && len(f.Data) >= 2 {
			return Decoded{}, nil
		}
		return Decoded{}, telegram.Short(len(f.Data), 4)
	}
	d := Decoded{Item: item}
	if len(rest) == 0 || !f.Answer() || f.Control&function == Next07 || f.Control&function == Next97 {
		return d, nil // a question; what a write carries besides is for the meter; a later part does not say where it begins
	}
	at := len(f.Data) - len(rest)
	values, p := valuesOf(item, rest, f.More())
	switch {
	case p != nil && p.Code == telegram.Unknown: // it is the identifier
		return d, p
	case p != nil:
		return d, p.At(at)
	}
	d.Values = values
	return d, nil
}

// valuesOf decodes an item's data, all of it; of the first part of a longer answer, what is whole.
func valuesOf(item Item, b []byte, part bool) ([]telegram.Value, *telegram.Problem) {
	shapes, ok := shapesOf(item, len(b))
	if !ok {
		return nil, &telegram.Problem{Code: telegram.Unknown, Got: item.String(), Text: "data identifier is not known", Class: meter.ErrMalformed}
	}
	size := 0
	for _, s := range shapes {
		size += s.bytes
	}
	if part && len(b) > size {
		b = b[:size]
	}
	if p := length(b, size); p != nil {
		return nil, p
	}
	var values []telegram.Value
	at := 0
	for _, s := range shapes {
		v, p := s.value(b[at : at+s.bytes])
		if p != nil {
			return nil, p.At(at)
		}
		values = append(values, v)
		at += s.bytes
	}
	return values, nil
}

// value decodes one value.
func (s shape) value(b []byte) (telegram.Value, *telegram.Problem) {
	v := telegram.Value{Name: s.name, Tariff: s.tariff, Storage: s.storage, Function: s.function}
	if v.Function == "" {
		v.Function = telegram.Instantaneous
	}
	var p *telegram.Problem
	switch s.form {
	case formNumber:
		p = s.number(&v, b)
	case formDemand:
		if p = s.number(&v, b[:3]); p == nil && !idle(b[3:]) {
			p = moment(&v, b[3:])
			p = behind(3, p)
		}
	case formText:
		v.Text = telegram.ASCII(reversed(b))
	case formDigits:
		v.Text = Address(b).String()
	case formFlags:
		v.Text = telegram.Hex(reversed(b)...)
	default:
		p = times[s.form](&v, b)
	}
	return v, p
}

func behind(n int, p *telegram.Problem) *telegram.Problem {
	if p == nil {
		return nil
	}
	return p.At(n)
}

func idle(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

func reversed(b []byte) []byte {
	b = slices.Clone(b)
	slices.Reverse(b)
	return b
}

func (s shape) number(v *telegram.Value, b []byte) *telegram.Problem {
	digits := slices.Clone(b)
	top := len(digits) - 1
	negative := s.signed && digits[top]&0x80 != 0
	if negative {
		digits[top] &^= 0x80
	}
	n, p := telegram.Digits(digits)
	if p != nil {
		p.Got = telegram.Hex(b[p.Offset])
		return p
	}
	if negative {
		n = -n
	}
	v.Number, v.Unit = quantity.Decimal{Unscaled: n, Scale: s.scale}, s.unit
	return nil
}

func length(b []byte, want int) *telegram.Problem {
	if len(b) == want {
		return nil
	}
	return &telegram.Problem{
		Code: telegram.Length, Want: fmt.Sprintf("%d bytes", want), Got: fmt.Sprintf("%d bytes", len(b)),
		Text: "data does not have the item's length", Class: meter.ErrMalformed,
	}
}

// refusal reads the error word.
func (f Frame) refusal() *telegram.Problem {
	p := &telegram.Problem{Code: telegram.Refused, Got: telegram.Hex(f.Data...), Text: "meter refuses; its error word", Class: meter.ErrException}
	if len(f.Data) == 1 {
		p.Text = "meter refuses: " + reason(f.Edition(), f.Data[0])
	}
	return p
}

// reasons are the bits of the error word: 2007 edition, C.3; 1997 edition, 6.5.
var reasons = map[Edition][]string{
	Edition2007: {"other error", "no such data", "wrong password or not authorised", "baud rate cannot be changed",
		"too many year zones", "too many day periods", "too many tariffs"},
	Edition1997: {"data not allowed", "no such data", "wrong password", "without a reason", "too many year zones", "too many day periods",
		"too many tariffs"},
}

func reason(e Edition, b byte) string {
	for bit, text := range reasons[e] {
		if b&(1<<bit) != 0 {
			return text
		}
	}
	return "without a reason"
}

func (f Frame) address() (Decoded, *telegram.Problem) {
	if len(f.Data) == 0 {
		return Decoded{}, nil
	}
	if p := length(f.Data, 6); p != nil {
		return Decoded{}, p
	}
	return Decoded{Values: []telegram.Value{{Name: "address", Text: Address(f.Data).String(), Function: telegram.Instantaneous}}}, nil
}

// broadcast reads the time that a master tells everybody: second, minute, hour, day, month, year.
func (f Frame) broadcast() (Decoded, *telegram.Problem) {
	if p := length(f.Data, 6); p != nil {
		return Decoded{}, p
	}
	n, p := telegram.Digits(f.Data)
	if p != nil {
		return Decoded{}, p
	}
	t := time.Date(2000+int(n/10_000_000_000), time.Month(n/100_000_000%100), int(n/1_000_000%100), int(n/10_000%100), int(n/100%100), int(n%100), 0, time.UTC)
	if t.Format("060102150405") != fmt.Sprintf("%012d", n) {
		return Decoded{}, notADate(f.Data)
	}
	return Decoded{Values: []telegram.Value{{Name: "clock", At: t, Function: telegram.Instantaneous}}}, nil
}
