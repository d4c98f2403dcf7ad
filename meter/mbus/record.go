package mbus

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// Limits of EN 13757-3, 6.3: at most ten extensions each.
const maxExtensions = 10

// DIFs with a meaning of their own.
const (
	difMaker  = 0x0F // the rest is the maker's
	difMore   = 0x1F // the same, and more telegrams follow
	difFiller = 0x2F
	extension = 0x80
)

// info is a record's header.
type info struct {
	coding   byte // low nibble of DIF
	storage  uint64
	tariff   uint64
	subunit  uint64
	function telegram.Function
	vif      meaning
	pos      int // of the data
}

// reader takes bytes from the front and knows where it is.
type reader struct {
	b   []byte
	pos int
}

func (r *reader) left() int { return len(r.b) - r.pos }

func (r *reader) byte() (byte, *telegram.Problem) {
	b, p := r.take(1)
	if p != nil {
		return 0, p
	}
	return b[0], nil
}

func (r *reader) take(n int) ([]byte, *telegram.Problem) {
	if n > r.left() {
		return nil, &telegram.Problem{
			Code: telegram.Truncated, Offset: len(r.b), Want: fmt.Sprintf("%d more bytes", n), Got: fmt.Sprintf("%d", r.left()),
			Text: "record ends too early", Class: meter.ErrMalformed,
		}
	}
	b := r.b[r.pos : r.pos+n]
	r.pos += n
	return b, nil
}

var functions = [4]telegram.Function{telegram.Instantaneous, telegram.Maximum, telegram.Minimum, telegram.Error}

// header reads DIF, DIFE, VIF and VIFE behind dif.
func (r *reader) header(dif byte) (info, *telegram.Problem) {
	h := info{coding: dif & 0x0F, function: functions[dif>>4&3], storage: uint64(dif >> 6 & 1)}
	for n, more := 0, dif&extension != 0; more; n++ {
		if n == maxExtensions {
			return h, r.tooMany("DIFE")
		}
		e, p := r.byte()
		if p != nil {
			return h, p
		}
		h.storage |= uint64(e&0x0F) << (1 + 4*n)
		h.tariff |= uint64(e>>4&3) << (2 * n)
		h.subunit |= uint64(e>>6&1) << n
		more = e&extension != 0
	}
	var p *telegram.Problem
	h.vif, p = r.meaning(h.coding)
	h.pos = r.pos
	return h, p
}

func (r *reader) tooMany(what string) *telegram.Problem {
	return &telegram.Problem{Code: telegram.Content, Offset: r.pos, Text: "more than ten " + what, Class: meter.ErrMalformed}
}

// fixedSize is how many bytes each coding takes.
var fixedSize = map[byte]int{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 6, 7: 8, 9: 1, 0xA: 2, 0xB: 3, 0xC: 4, 0xE: 6}

// value reads the record's data.
func (r *reader) value(h info) (telegram.Value, *telegram.Problem) {
	v := telegram.Value{Name: h.vif.name, Unit: h.vif.unit, Storage: h.storage, Tariff: h.tariff, Subunit: h.subunit, Function: h.function}
	if h.coding == 0xD {
		return v, r.variable(&v, h)
	}
	n, ok := fixedSize[h.coding]
	if !ok {
		return v, &telegram.Problem{Code: telegram.Unknown, Offset: h.pos, Got: fmt.Sprintf("%X", h.coding), Text: "coding of the data is not known", Class: meter.ErrMalformed}
	}
	b, p := r.take(n)
	if p != nil {
		return v, p
	}
	if p := h.fill(&v, b); p != nil {
		return v, p.At(h.pos)
	}
	return v, nil
}

// fill decodes data of a fixed length.
func (h info) fill(v *telegram.Value, b []byte) *telegram.Problem {
	switch {
	case h.coding == 0:
		v.Text = "no data"
		return nil
	case h.vif.when:
		return fillTime(v, b)
	case h.coding == 5:
		f := math.Float32frombits(binary.LittleEndian.Uint32(b))
		return h.float(v, f)
	case h.coding >= 9:
		n, p := signedDigits(b)
		if p != nil {
			return p
		}
		return h.scale(v, n)
	}
	var n int64
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | int64(b[i])
	}
	shift := 64 - 8*len(b)
	return h.scale(v, n<<shift>>shift)
}

// signedDigits reads BCD whose highest nibble F is a minus sign (EN 13757-3, annex B, type A).
func signedDigits(b []byte) (int64, *telegram.Problem) {
	digits := append([]byte(nil), b...)
	top := len(digits) - 1
	negative := digits[top]&0xF0 == 0xF0
	if negative {
		digits[top] &= 0x0F
	}
	n, p := telegram.Digits(digits)
	if p != nil {
		p.Got = telegram.Hex(b[p.Offset])
		return 0, p
	}
	if negative {
		n = -n
	}
	return n, nil
}

// scale applies the power of ten of the VIF. Multipliers that are no power of ten (hours counted in minutes) are units
// of their own.
func (h info) scale(v *telegram.Value, n int64) *telegram.Problem {
	exp := h.vif.exponent
	for ; exp > 0; exp-- {
		if n > math.MaxInt64/10 || n < math.MinInt64/10 {
			return outOfRange()
		}
		n *= 10
	}
	if exp < -18 {
		return outOfRange()
	}
	v.Number = quantity.Decimal{Unscaled: n, Scale: uint8(-exp)}
	return nil
}

func outOfRange() *telegram.Problem {
	return &telegram.Problem{Code: telegram.Content, Text: "number has too many digits", Class: meter.ErrImplausible}
}

// float keeps the shortest decimal that the float stands for.
func (h info) float(v *telegram.Value, f float32) *telegram.Problem {
	if f64 := float64(f); math.IsNaN(f64) || math.IsInf(f64, 0) {
		return &telegram.Problem{Code: telegram.Content, Got: fmt.Sprint(f), Text: "is not a number", Class: meter.ErrImplausible}
	}
	whole, frac, _ := strings.Cut(strconv.FormatFloat(float64(f), 'f', -1, 32), ".")
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return outOfRange()
	}
	h.vif.exponent -= len(frac)
	return h.scale(v, n)
}

// variable reads data with a length byte (LVAR).
func (r *reader) variable(v *telegram.Value, h info) *telegram.Problem {
	at := r.pos
	lvar, p := r.byte()
	if p != nil {
		return p
	}
	switch {
	case lvar <= 0xBF:
		b, p := r.take(int(lvar))
		if p != nil {
			return p
		}
		v.Text = latin(b)
		return nil
	case lvar >= 0xC0 && lvar <= 0xC9, lvar >= 0xD0 && lvar <= 0xD9:
		b, p := r.take(int(lvar & 0x0F))
		if p != nil {
			return p
		}
		n, p := telegram.Digits(b)
		if p != nil {
			return p.At(at + 1)
		}
		if lvar >= 0xD0 {
			n = -n
		}
		if p := h.scale(v, n); p != nil {
			return p.At(at)
		}
		return nil
	case lvar >= 0xE0 && lvar <= 0xEF:
		b, p := r.take(int(lvar & 0x0F))
		if p != nil {
			return p
		}
		v.Text = telegram.Hex(b...)
		return nil
	}
	return &telegram.Problem{Code: telegram.Unknown, Offset: at, Got: telegram.Hex(lvar), Text: "length of the data is not known", Class: meter.ErrMalformed}
}

// latin turns text, which M-Bus sends last character first, into a string; what cannot be printed is a question mark.
func latin(b []byte) string {
	out := make([]rune, 0, len(b))
	for i := len(b) - 1; i >= 0; i-- {
		c := rune(b[i])
		if c < 0x20 || c >= 0x7F && c < 0xA0 {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}

// fillTime reads types G (date), F (date and time) and I (with seconds) of EN 13757-3, annex A. The time is the meter's
// own, given as if it were UTC.
func fillTime(v *telegram.Value, b []byte) *telegram.Problem {
	var date []byte
	var hour, minute, second int
	switch len(b) {
	case 2:
		date = b
	case 4:
		if b[0]&0x80 != 0 {
			return notATime(0, b, "meter says that its time is not valid")
		}
		minute, hour, date = int(b[0]&0x3F), int(b[1]&0x1F), b[2:]
	case 6:
		if b[1]&0x80 != 0 {
			return notATime(1, b, "meter says that its time is not valid")
		}
		second, minute, hour, date = int(b[0]&0x3F), int(b[1]&0x3F), int(b[2]&0x1F), b[3:5]
	default:
		return notATime(0, b, "no type of time has this length")
	}
	day, month := int(date[0]&0x1F), int(date[1]&0x0F)
	year := int(date[0]>>5) | int(date[1]>>4)<<3
	century := 2000
	if year > 80 { // 1981–1999
		century = 1900
	}
	t := time.Date(century+year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if month < 1 || month > 12 || t.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return notATime(len(b)-2, b, "is no date")
	}
	v.At = t
	return nil
}

func notATime(offset int, b []byte, text string) *telegram.Problem {
	return &telegram.Problem{Code: telegram.Clock, Offset: offset, Got: telegram.Hex(b...), Text: text, Class: meter.ErrImplausible}
}
