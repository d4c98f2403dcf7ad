package storage

import (
	"encoding/json"
	"strconv"
	"time"

	"tally/sync/contract"
)

// appendReading is exactly what encoding/json makes of a contract.Reading, written by hand: a node that catches up after
// weeks stores tens of thousands of readings a second, and reflection would be most of the work.
func appendReading(b []byte, r contract.Reading) []byte {
	b = appendText(append(b, `{"meter":`...), r.Meter)
	b = appendTime(append(b, `,"at":`...), r.At.Time)
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
			b = appendText(append(b, `,"value":`...), v.Value)
			b = appendText(append(b, `,"unit":`...), v.Unit)
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
	if r.Raw != "" {
		b = appendText(append(b, `,"raw":`...), r.Raw)
	}
	return append(b, '}')
}

// appendFailed is the same of a contract.ReadingFailed.
func appendFailed(b []byte, f contract.ReadingFailed) []byte {
	b = appendText(append(b, `{"meter":`...), f.Meter)
	b = appendTime(append(b, `,"at":`...), f.At.Time)
	b = appendText(append(b, `,"line":`...), f.Line)
	b = appendText(append(b, `,"code":`...), f.Code)
	b = appendText(append(b, `,"text":`...), f.Text)
	return append(b, '}')
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
