package dlt645

import (
	"fmt"
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
	switch {
	case f.Refusal():
		return f.refusal()
	case f.Control&function == ReadAddress:
		return f.address()
	case f.Control&function == BroadcastTime && !f.Answer():
		return f.broadcast()
	}
	item, rest, ok := itemOf(f.Edition(), f.Data)
	if !ok {
		if len(f.Data) == 0 {
			return Decoded{}, nil
		}
		return Decoded{}, telegram.Short(len(f.Data), 4)
	}
	d := Decoded{Item: item}
	if len(rest) == 0 || !f.Answer() {
		return d, nil // a question; what a write carries besides is for the meter
	}
	at := len(f.Data) - len(rest)
	v, p := value(item, rest)
	if p != nil {
		return d, p.At(at)
	}
	d.Values = []telegram.Value{v}
	return d, nil
}

// value decodes an item's data, all of it.
func value(item Item, b []byte) (telegram.Value, *telegram.Problem) {
	switch item {
	case Date, Item{Edition1997, 0xC010}:
		return date(b)
	case Time, Item{Edition1997, 0xC011}:
		return clock(b)
	case Item{Edition2007, 0x04000401}, Item{Edition2007, 0x04000402}, Item{Edition1997, 0xC032}:
		if p := length(b, 6); p != nil {
			return telegram.Value{}, p
		}
		return telegram.Value{Name: "meter_number", Text: Address(b).String(), Function: telegram.Instantaneous}, nil
	}
	s, ok := shapeOf(item)
	if !ok {
		return telegram.Value{}, &telegram.Problem{Code: telegram.Unknown, Got: item.String(), Text: "data identifier is not known", Class: meter.ErrMalformed}
	}
	if p := length(b, s.bytes); p != nil {
		return telegram.Value{}, p
	}
	digits := append([]byte(nil), b...)
	negative := s.signed && digits[s.bytes-1]&0x80 != 0
	if negative {
		digits[s.bytes-1] &^= 0x80
	}
	n, p := telegram.Digits(digits)
	if p != nil {
		return telegram.Value{}, p
	}
	if negative {
		n = -n
	}
	return telegram.Value{
		Name: s.name, Number: quantity.Decimal{Unscaled: n, Scale: s.scale}, Unit: s.unit,
		Tariff: s.tariff, Storage: s.storage, Function: telegram.Instantaneous,
	}, nil
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

// date reads day of week, day, month, year.
func date(b []byte) (telegram.Value, *telegram.Problem) {
	if p := length(b, 4); p != nil {
		return telegram.Value{}, p
	}
	n, p := telegram.Digits(b)
	if p != nil {
		return telegram.Value{}, p
	}
	year, month, day := int(n/1_000_000), int(n/10_000%100), int(n/100%100)
	t := time.Date(2000+year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if month < 1 || month > 12 || t.Day() != day {
		return telegram.Value{}, notADate(b)
	}
	return telegram.Value{Name: "date", At: t, Text: t.Format(time.DateOnly), Function: telegram.Instantaneous}, nil
}

// clock reads second, minute, hour.
func clock(b []byte) (telegram.Value, *telegram.Problem) {
	if p := length(b, 3); p != nil {
		return telegram.Value{}, p
	}
	n, p := telegram.Digits(b)
	if p != nil {
		return telegram.Value{}, p
	}
	hour, minute, second := n/10_000, n/100%100, n%100
	if hour > 23 || minute > 59 || second > 59 {
		return telegram.Value{}, notADate(b)
	}
	return telegram.Value{Name: "time", Text: fmt.Sprintf("%02d:%02d:%02d", hour, minute, second), Function: telegram.Instantaneous}, nil
}

func notADate(b []byte) *telegram.Problem {
	return &telegram.Problem{Code: telegram.Content, Got: telegram.Hex(b...), Text: "is no date or time", Class: meter.ErrImplausible}
}

// refusal reads the error word.
func (f Frame) refusal() (Decoded, error) {
	p := &telegram.Problem{Code: telegram.Refused, Got: telegram.Hex(f.Data...), Text: "meter refuses; its error word", Class: meter.ErrException}
	if len(f.Data) == 1 {
		p.Text = "meter refuses: " + reason(f.Data[0])
	}
	return Decoded{}, p
}

// reasons are the bits of the error word, 2007 edition, C.3.
var reasons = []string{"other error", "no such data", "wrong password or not authorised", "baud rate cannot be changed",
	"too many year zones", "too many day periods", "too many tariffs"}

func reason(b byte) string {
	for bit, text := range reasons {
		if b&(1<<bit) != 0 {
			return text
		}
	}
	return "without a reason"
}

func (f Frame) address() (Decoded, error) {
	if !f.Answer() {
		return Decoded{}, nil
	}
	if p := length(f.Data, 6); p != nil {
		return Decoded{}, p
	}
	return Decoded{Values: []telegram.Value{{Name: "address", Text: Address(f.Data).String(), Function: telegram.Instantaneous}}}, nil
}

// broadcast reads the time that a master tells everybody: second, minute, hour, day, month, year.
func (f Frame) broadcast() (Decoded, error) {
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
