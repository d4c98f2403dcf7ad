package storage

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"tally/meter"
	"tally/meter/quantity"
	"tally/sync/contract"
)

// appendReading is exactly what encoding/json makes of the contract.Reading of r, written by hand: a node that catches up
// after weeks stores tens of thousands of readings a second, and reflection would be most of the work. at is r.At as
// appendTime writes it.
func appendReading(b []byte, r meter.Reading, at []byte) []byte {
	b = appendText(append(b, `{"meter":`...), string(r.Meter))
	b = append(append(b, `,"at":`...), at...)
	b = appendText(append(b, `,"line":`...), r.Line)
	b = append(b, `,"values":`...)
	if r.Values == nil {
		b = append(b, `null`...)
	} else {
		b = append(b, '[')
		for i, v := range r.Values {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(append(b, `{"name":`...), v.Name)
			b = appendDecimal(append(b, `,"value":"`...), v.Number)
			b = appendText(append(b, `","unit":`...), string(v.Unit))
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	if len(r.Quality) > 0 {
		b = append(b, `,"quality":[`...)
		for i, q := range r.Quality {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, q)
		}
		b = append(b, ']')
	}
	if len(r.Raw) > 0 {
		b = hex.AppendEncode(append(b, `,"raw":"`...), r.Raw)
		b = append(b, '"')
	}
	return append(b, '}')
}

// appendFailed is the same of a contract.ReadingFailed.
func appendFailed(b []byte, f meter.Failure, at []byte) []byte {
	b = appendText(append(b, `{"meter":`...), string(f.Meter))
	b = append(append(b, `,"at":`...), at...)
	b = appendText(append(b, `,"line":`...), f.Line)
	b = appendText(append(b, `,"code":`...), f.Code)
	b = appendText(append(b, `,"text":`...), f.Text)
	return append(b, '}')
}

// appendDecimal is what quantity.Decimal prints.
func appendDecimal(b []byte, d quantity.Decimal) []byte {
	var digits [20]byte
	s := strconv.AppendInt(digits[:0], d.Unscaled, 10)
	if s[0] == '-' {
		b, s = append(b, '-'), s[1:]
	}
	whole := len(s) - int(d.Scale)
	if d.Scale == 0 {
		return append(b, s...)
	}
	if whole <= 0 {
		b = append(b, '0', '.')
		for ; whole < 0; whole++ {
			b = append(b, '0')
		}
		return append(b, s...)
	}
	b = append(append(b, s[:whole]...), '.')
	return append(b, s[whole:]...)
}

// appendText quotes a text. What is plain, as nearly all of it is, needs no look at the rules.
func appendText(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			if err != nil { // a string always has an encoding
				quoted = []byte(`""`)
			}
			return append(to, quoted...)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
}

// appendTime writes "2006-01-02T15:04:05.000Z".
func appendTime(to []byte, t time.Time) []byte {
	t = contract.At(t).Time
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return append(t.AppendFormat(append(to, '"'), "2006-01-02T15:04:05.000Z07:00"), '"')
	}
	hour, minute, second := t.Clock()
	to = strconv.AppendInt(append(to, '"'), int64(year), 10)
	to = two(append(to, '-'), int(month))
	to = two(append(to, '-'), day)
	to = two(append(to, 'T'), hour)
	to = two(append(to, ':'), minute)
	to = two(append(to, ':'), second)
	ms := t.Nanosecond() / 1_000_000
	to = append(to, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	return append(to, 'Z', '"')
}

func two(to []byte, n int) []byte { return append(to, byte('0'+n/10), byte('0'+n%10)) }
