package mbus

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

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
	difGlobal = 0x7F // read out everything
	extension = 0x80
)

// Codings of the data, the low nibble of a DIF, that are no plain numbers.
const (
	codingNone      = 0x0
	codingFloat     = 0x5
	codingSelection = 0x8
	codingVariable  = 0xD
)

// noData is the text of a value for which the record has no bytes.
const noData = "no data"

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
	b       []byte
	pos     int
	high    bool // multi-byte data have their high byte first (mode 2)
	toMeter bool // a master's data: VIFE can be orders
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

// data takes a record's data, low byte first whatever the mode.
func (r *reader) data(n int) ([]byte, *telegram.Problem) {
	b, p := r.take(n)
	if p == nil && r.high {
		b = slices.Clone(b)
		slices.Reverse(b)
	}
	return b, p
}

// at is the offset of byte i of the data that data took n bytes of, ending here.
func (r *reader) at(i, n int) int {
	if r.high {
		i = n - 1 - i
	}
	return r.pos - n + i
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
	if h.coding == codingVariable {
		p := r.variable(&v, h)
		return v, p
	}
	n, ok := fixedSize[h.coding]
	if !ok {
		return v, &telegram.Problem{Code: telegram.Unknown, Offset: h.pos, Got: fmt.Sprintf("%X", h.coding), Text: "coding of the data is not known", Class: meter.ErrMalformed}
	}
	b, p := r.data(n)
	if p != nil {
		return v, p
	}
	if h.vif.failed != "" {
		v.Text, v.Function = h.vif.failed, telegram.Error
		return v, nil
	}
	if p := h.fill(&v, b); p != nil {
		moved := *p
		moved.Offset = r.at(p.Offset, n)
		return v, &moved
	}
	return v, nil
}

// fill decodes data of a fixed length, low byte first.
func (h info) fill(v *telegram.Value, b []byte) *telegram.Problem {
	bcd := h.coding >= 9
	switch {
	case h.coding == codingNone:
		v.Text = noData
		return nil
	case h.vif.form == formTime:
		return h.time(v, b)
	case h.coding == codingFloat:
		return h.float(v, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case h.vif.form == formMaker && len(b) == 2:
		v.Text = manufacturer(binary.LittleEndian.Uint16(b))
		return nil
	case h.vif.form == formID && h.coding == 7: // a secondary address
		v.Text = selectionOf(b).String()
		return nil
	case h.vif.form == formBytes && !bcd:
		v.Text = highFirst(b)
		return nil
	case bcd:
		return h.digits(v, b)
	}
	return h.integer(v, b)
}

// highFirst prints bytes as one large number.
func highFirst(b []byte) string {
	c := slices.Clone(b)
	slices.Reverse(c)
	return telegram.Hex(c...)
}

// integer reads a number of up to eight bytes: types B, or C and D where the VIF says so.
func (h info) integer(v *telegram.Value, b []byte) *telegram.Problem {
	var n uint64
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	if h.vif.form == formBits || h.vif.form == formID {
		if n > math.MaxInt64 {
			v.Text = strconv.FormatUint(n, 10)
			return nil
		}
		return h.scale(v, int64(n))
	}
	shift := 64 - 8*len(b)
	return h.scale(v, int64(n)<<shift>>shift)
}

// digits reads BCD whose highest nibble F is a minus sign (EN 13757-3, annex A, type A).
func (h info) digits(v *telegram.Value, b []byte) *telegram.Problem {
	plain := slices.Clone(b)
	top := len(plain) - 1
	negative := plain[top]&0xF0 == 0xF0
	if negative {
		plain[top] &= 0x0F
	}
	n, p := telegram.Digits(plain)
	if p != nil {
		p.Got = telegram.Hex(b[p.Offset])
		return p
	}
	if negative {
		n = -n
	}
	if h.vif.form == formID && !negative { // as printed, with its zeros
		v.Text = fmt.Sprintf("%0*d", 2*len(b), n)
	}
	return h.scale(v, n)
}

// scale applies factor and power of ten of the VIF. Multipliers that are no power of ten (hours counted in minutes) are
// units of their own.
func (h info) scale(v *telegram.Value, n int64) *telegram.Problem {
	if f := h.vif.factor; f > 1 {
		if n > math.MaxInt64/f || n < math.MinInt64/f {
			return outOfRange()
		}
		n *= f
	}
	exp := h.vif.exponent
	for ; exp > 0; exp-- {
		if n > math.MaxInt64/10 || n < math.MinInt64/10 {
			return outOfRange()
		}
		n *= 10
	}
	for ; exp < -18 && n%10 == 0; exp++ { // only zeros may be cut off
		n /= 10
		if n == 0 {
			exp = -1
		}
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
