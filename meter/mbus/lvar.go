package mbus

import (
	"tally/meter"
	"tally/meter/telegram"
)

// lengthOf tells how many bytes follow an LVAR (EN 13757-3:2018, table 5); false if it is reserved.
func lengthOf(lvar byte) (int, bool) {
	switch {
	case lvar <= 0xBF:
		return int(lvar), true
	case lvar <= 0xC9, lvar >= 0xD0 && lvar <= 0xD9, lvar >= 0xE0 && lvar <= 0xEF:
		return int(lvar & 0x0F), true
	case lvar >= 0xF0 && lvar <= 0xF4:
		return 4 * int(lvar-0xEC), true
	case lvar == 0xF5:
		return 48, true
	case lvar == 0xF6:
		return 64, true
	}
	return 0, false
}

// variable reads data with a length byte (LVAR).
func (r *reader) variable(v *telegram.Value, h info) *telegram.Problem {
	at := r.pos
	lvar, p := r.byte()
	if p != nil {
		return p
	}
	n, ok := lengthOf(lvar)
	if !ok {
		return &telegram.Problem{Code: telegram.Unknown, Offset: at, Got: telegram.Hex(lvar), Text: "length of the data is not known", Class: meter.ErrMalformed}
	}
	raw, p := r.take(n)
	if p != nil {
		return p
	}
	if h.vif.failed != "" {
		v.Text, v.Function = h.vif.failed, telegram.Error
		return nil
	}
	switch {
	case n == 0 && (lvar <= 0xBF || lvar >= 0xE0):
		v.Text = noData
		return nil
	case lvar <= 0xBF:
		v.Text = r.latin(raw)
		return nil
	case lvar >= 0xE0:
		r.pos -= n
		b, _ := r.data(n)
		v.Text = highFirst(b)
		return nil
	}
	r.pos -= n
	b, _ := r.data(n)
	number, p := telegram.Digits(b)
	if p != nil {
		moved := *p
		moved.Offset = r.at(p.Offset, n)
		return &moved
	}
	if lvar >= 0xD0 {
		number = -number
	}
	if p := h.scale(v, number); p != nil {
		return p.At(at)
	}
	return nil
}

// latin turns text (ISO 8859-1), which M-Bus sends last character first, into a string; what cannot be printed is a
// question mark.
func (r *reader) latin(b []byte) string {
	out := make([]rune, 0, len(b))
	for i := range b {
		c := rune(b[i])
		if !r.high {
			c = rune(b[len(b)-1-i])
		}
		if c < 0x20 || c >= 0x7F && c < 0xA0 {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}
