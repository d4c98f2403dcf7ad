package mbus

import (
	"encoding/binary"
	"slices"

	"tally/meter"
	"tally/meter/telegram"
)

// Data is what a meter's telegram says (RSP_UD).
type Data struct {
	Identity
	Printed  string // identification as eight digits, also where they are none
	Access   byte   // counts the telegrams
	Status   byte
	Config   uint16 // signature, since 2013 configuration: how it is encrypted
	Values   []telegram.Value
	Maker    []byte // the maker's own data at the end
	More     bool   // further telegrams follow
	Problems []*telegram.Problem
}

// LowBattery tells whether the meter says so in its status (EN 13757-3, 5.9).
func (d Data) LowBattery() bool { return d.Status&0x04 != 0 }

// Decode explains a frame's data; what is not a meter's telegram says nothing. Its error is the first problem that makes
// the values unusable. A record that cannot be read spoils the ones behind it only when its length is not known; it is
// listed, and the others are given. Offsets count from the start of the frame.
func (f Frame) Decode() (Data, error) {
	if f.Kind != Long && f.Kind != Control || f.C&rspMask != rspUd {
		return Data{}, nil
	}
	return f.decode(f.reply)
}

// decode runs a decoder of the data and counts its offsets from the start of the frame.
func (f Frame) decode(how func() (Data, *telegram.Problem)) (Data, error) {
	d, p := how()
	for i, q := range d.Problems {
		d.Problems[i] = q.At(f.dataPos)
	}
	if p != nil {
		p = p.At(f.dataPos)
		d.Problems = append(d.Problems, p)
		return d, p
	}
	return d, nil
}

// reply decodes what a meter sends.
func (f Frame) reply() (Data, *telegram.Problem) {
	switch f.CI {
	case ciVariable, ciVariableHi:
		return decodeVariable(f.Data, f.CI == ciVariableHi)
	case ciShort:
		return decodeShort(f.Data)
	case ciBare:
		var d Data
		return d, d.fill(f.Data, 0, false)
	case ciFixed, ciFixedHi:
		return decodeFixed(f.Data, f.CI == ciFixedHi)
	case ciError:
		return Data{}, applicationError(f.Data)
	case ciAlarm:
		return alarm(f.Data)
	}
	return Data{}, unknownCI(f.CI)
}

func unknownCI(ci byte) *telegram.Problem {
	p := &telegram.Problem{Code: telegram.Control, Offset: -1, Got: telegram.Hex(ci), Text: "CI field is not known", Class: meter.ErrMalformed}
	if ci >= 0xA0 && ci <= 0xB7 { // EN 13757-7
		p.Text, p.Note = "CI field is the maker's own", true
	}
	return p
}

// applicationErrors, EN 13757-3, 10.
var applicationErrors = []string{"unspecified", "unknown CI field", "buffer too long", "too many records", "premature end of a record",
	"more than ten DIFE", "more than ten VIFE", "reserved", "meter too busy", "too many readouts"}

func applicationError(b []byte) *telegram.Problem {
	p := &telegram.Problem{Code: telegram.Refused, Got: telegram.Hex(b...), Text: "meter refuses: unspecified", Class: meter.ErrException, Note: true}
	if len(b) == 0 {
		return p
	}
	if int(b[0]) < len(applicationErrors) {
		p.Text = "meter refuses: " + applicationErrors[b[0]]
	}
	if b[0] == 8 {
		p.Class = meter.ErrBusy
	}
	return p
}

// alarm reads an alarm report: one byte of bits that only the maker explains.
func alarm(b []byte) (Data, *telegram.Problem) {
	if len(b) != 1 {
		return Data{}, telegram.Short(len(b), 1)
	}
	return Data{Values: []telegram.Value{{Name: "alarm", Text: telegram.Hex(b...), Function: telegram.Instantaneous}}}, nil
}

// Sizes of the headers in front of the records.
const (
	longHeader  = 12 // identification 4, manufacturer 2, version, medium, access, status, signature 2
	shortHeader = 4  // access, status, configuration 2
)

func decodeVariable(b []byte, high bool) (Data, *telegram.Problem) {
	if len(b) < longHeader {
		return Data{}, telegram.Short(len(b), longHeader)
	}
	var d Data
	d.identify(b, high)
	d.Access, d.Status = b[8], b[9]
	d.Config = word(b[10:], high)
	return d, d.fill(b, longHeader, high)
}

func decodeShort(b []byte) (Data, *telegram.Problem) {
	if len(b) < shortHeader {
		return Data{}, telegram.Short(len(b), shortHeader)
	}
	d := Data{Access: b[0], Status: b[1], Config: word(b[2:], false)}
	return d, d.fill(b, shortHeader, false)
}

func word(b []byte, high bool) uint16 {
	if high {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

// identify reads the eight bytes of a secondary address.
func (d *Data) identify(b []byte, high bool) {
	id := slices.Clone(b[:4])
	if high {
		slices.Reverse(id)
	}
	d.Printed = idDigits(id)
	n, p := telegram.Digits(id)
	if p != nil {
		if high {
			p.Offset = 3 - p.Offset
		}
		p.Text, p.Note = "identification is not eight decimal digits", true
		d.Problems = append(d.Problems, p)
	}
	d.Identity = Identity{ID: uint32(n), Manufacturer: manufacturer(word(b[4:], high)), Version: b[6], Medium: b[7]}
}

// idDigits is an identification as on the meter, the highest digits first.
func idDigits(id []byte) string {
	const digits = "0123456789ABCDEF"
	s := make([]byte, 0, 8)
	for i := len(id) - 1; i >= 0; i-- {
		s = append(s, digits[id[i]>>4], digits[id[i]&0x0F])
	}
	return string(s)
}

// secured tells whether the configuration names a way of encryption (EN 13757-7:2018, 7.6: its mode is in bits 8–12).
// Meters older than that have a signature of their own there, which mostly names no mode that exists.
func secured(config uint16) bool {
	switch config >> 8 & 0x1F {
	case 1, 2, 3, 4, 5, 7, 8, 9, 10, 13:
		return true
	}
	return false
}

// fill reads the records from pos on.
func (d *Data) fill(b []byte, pos int, high bool) *telegram.Problem {
	if secured(d.Config) {
		return &telegram.Problem{
			Code: telegram.Encrypted, Offset: pos - 2, Want: "00 00", Got: telegram.Hex(b[pos-2 : pos]...), Text: "data is encrypted", Class: meter.ErrMalformed,
		}
	}
	d.records(&reader{b: b, pos: pos, high: high})
	if n := len(d.Problems); len(d.Values) == 0 && n > 0 && !d.Problems[n-1].Note {
		p := d.Problems[n-1]
		d.Problems = d.Problems[:n-1]
		return p
	}
	return nil
}

// records reads data records to the end, or to the first whose length is not known.
func (d *Data) records(r *reader) {
	for r.left() > 0 {
		from := r.pos
		dif, _ := r.byte()
		switch {
		case dif == difFiller:
			continue
		case dif == difMaker || dif == difMore:
			d.Maker, d.More = r.b[r.pos:], dif == difMore
			return
		case dif == difGlobal && r.toMeter:
			d.Values = append(d.Values, telegram.Value{Name: "readout", Text: "everything", Function: telegram.Instantaneous})
			continue
		case dif&0x0F == 0x0F:
			d.Problems = append(d.Problems, &telegram.Problem{Code: telegram.Unknown, Offset: from, Got: telegram.Hex(dif), Text: "DIF has no meaning in the standard", Class: meter.ErrMalformed})
			return
		}
		h, p := r.header(dif)
		if p != nil {
			d.Problems = append(d.Problems, p)
			if p.Code != telegram.Unknown || !r.skip(h, from) {
				return
			}
			continue
		}
		if r.toMeter && h.coding == codingSelection {
			d.Values = append(d.Values, telegram.Value{Name: h.vif.name, Text: "readout", Storage: h.storage, Tariff: h.tariff, Subunit: h.subunit, Function: h.function})
			continue
		}
		v, p := r.value(h)
		if p != nil {
			p.Note = p.Note || p.Code == telegram.BCD && h.function == telegram.Error // no value, and none is claimed
			d.Problems = append(d.Problems, p)
			if p.Code == telegram.Truncated || p.Code == telegram.Unknown {
				return
			}
			continue
		}
		d.Values = append(d.Values, v)
	}
}

// skip passes over a record whose meaning is not known but whose length is: behind its last extension byte. False if it
// cannot.
func (r *reader) skip(h info, from int) bool {
	for r.b[r.pos-1]&extension != 0 && r.pos-1 > from {
		if _, p := r.byte(); p != nil {
			return false
		}
	}
	n, ok := fixedSize[h.coding]
	if h.coding == codingVariable {
		lvar, p := r.byte()
		if p != nil {
			return false
		}
		n, ok = lengthOf(lvar)
	}
	if !ok {
		return false
	}
	_, p := r.take(n)
	return p == nil
}
