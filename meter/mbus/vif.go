package mbus

import (
	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// meaning is what a value is.
type meaning struct {
	name     string
	unit     quantity.Unit
	exponent int // the number is the raw one × factor × 10^exponent
	factor   int64
	form     form
	failed   string // what the meter says instead of a value
}

// lookUp finds a code without its extension bit.
func lookUp(table []span, code byte) (meaning, bool) {
	for _, s := range table {
		if code&^s.mask != s.first {
			continue
		}
		n := int(code & s.mask)
		m := meaning{name: s.name, unit: s.unit, exponent: s.exponent + n, factor: max(s.factor, 1), form: s.form}
		if s.units != nil {
			m.unit, m.exponent = s.units[n], 0
		}
		return m, true
	}
	return meaning{}, false
}

// VIFs with a meaning of their own, without their extension bit.
const (
	vifFB    = 0x7B
	vifText  = 0x7C
	vifFD    = 0x7D
	vifAny   = 0x7E
	vifMaker = 0x7F
)

// meaning reads VIF and VIFE.
func (r *reader) meaning(coding byte) (meaning, *telegram.Problem) {
	at := r.pos
	vif, p := r.byte()
	if p != nil {
		return meaning{}, p
	}
	code, more := vif&^extension, vif&extension != 0
	var m meaning
	ok := true
	switch {
	case code == vifText:
		return r.plainText(more, coding)
	case code == vifFB && more:
		m, more, ok, p = r.extended(extensionFB)
	case code == vifFD && more:
		m, more, ok, p = r.extended(extensionFD)
	case code == vifAny:
		m = meaning{name: "any", factor: 1}
	case code == vifMaker:
		m = meaning{name: "manufacturer_specific", factor: 1}
	default:
		m, ok = lookUp(primary, code)
	}
	switch {
	case p != nil:
		return m, p
	case !ok:
		return m, &telegram.Problem{Code: telegram.Unknown, Offset: at, Got: telegram.Hex(r.b[at:r.pos]...), Text: "VIF has no meaning in the standard", Class: meter.ErrMalformed, Note: true}
	}
	return r.corrections(m, more, code == vifMaker, coding)
}

// extended reads a code of an extension table; behind FD FD there is one more.
func (r *reader) extended(table []span) (m meaning, more, ok bool, p *telegram.Problem) {
	e, p := r.byte()
	if p != nil {
		return m, false, true, p
	}
	if e == extension|vifFD && &table[0] == &extensionFD[0] {
		return r.extended(extensionFDFD)
	}
	m, ok = lookUp(table, e&^extension)
	return m, e&extension != 0, ok, nil
}

// plainText reads a unit that the meter spells out. The text follows the VIF; meters that put it behind the VIFE are
// known by what would be the text: it cannot be printed or does not fit.
func (r *reader) plainText(more bool, coding byte) (meaning, *telegram.Problem) {
	m := meaning{name: "plain_text", factor: 1}
	if !more || r.textFollows() {
		text, p := r.text()
		if p != nil {
			return m, p
		}
		m.unit = text
		return r.corrections(m, more, false, coding)
	}
	m, p := r.corrections(m, more, false, coding)
	if p != nil {
		return m, p
	}
	text, p := r.text()
	m.unit = text + m.unit
	return m, p
}

func (r *reader) text() (quantity.Unit, *telegram.Problem) {
	n, p := r.byte()
	if p != nil {
		return "", p
	}
	b, p := r.take(int(n))
	if p != nil {
		return "", p
	}
	return quantity.Unit(r.latin(b)), nil
}

// textFollows tells whether a length and as many printable characters come next.
func (r *reader) textFollows() bool {
	if r.left() == 0 || r.left() <= int(r.b[r.pos]) {
		return false
	}
	for _, c := range r.b[r.pos+1 : r.pos+1+int(r.b[r.pos])] {
		if c < 0x20 || c >= 0x7F && c < 0xA0 {
			return false
		}
	}
	return true
}
