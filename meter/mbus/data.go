package mbus

import (
	"encoding/binary"
	"fmt"

	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// Data is what a meter's telegram says (RSP_UD).
type Data struct {
	Identity
	Access   byte // counts the telegrams
	Status   byte
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
	var d Data
	var p *telegram.Problem
	switch f.CI {
	case ciVariable:
		d, p = decodeVariable(f.Data)
	case ciFixed:
		d, p = decodeFixed(f.Data)
	case ciError:
		p = applicationError(f.Data)
	default:
		p = &telegram.Problem{Code: telegram.Control, Offset: -1, Got: telegram.Hex(f.CI), Text: "CI field is not known", Class: meter.ErrMalformed}
	}
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

// applicationErrors, EN 13757-3, 4.3.
var applicationErrors = []string{"unspecified", "unknown CI field", "buffer too long", "too many records", "premature end of a record",
	"more than ten DIFE", "more than ten VIFE", "reserved", "meter too busy", "too many readouts"}

func applicationError(b []byte) *telegram.Problem {
	p := &telegram.Problem{Code: telegram.Refused, Got: telegram.Hex(b...), Text: "meter refuses: unspecified", Class: meter.ErrException}
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

const variableHeader = 12

func decodeVariable(b []byte) (Data, *telegram.Problem) {
	if len(b) < variableHeader {
		return Data{}, telegram.Short(len(b), variableHeader)
	}
	id, p := telegram.Digits(b[:4])
	if p != nil {
		return Data{}, p
	}
	d := Data{
		Identity: Identity{ID: uint32(id), Manufacturer: manufacturer(binary.LittleEndian.Uint16(b[4:])), Version: b[6], Medium: b[7]},
		Access:   b[8], Status: b[9],
	}
	if b[10]|b[11] != 0 {
		return d, &telegram.Problem{Code: telegram.Unknown, Offset: 10, Want: "00 00", Got: telegram.Hex(b[10:12]...), Text: "data is encrypted", Class: meter.ErrMalformed}
	}
	d.records(&reader{b: b, pos: variableHeader})
	if len(d.Values) == 0 && len(d.Problems) > 0 {
		p := d.Problems[len(d.Problems)-1]
		d.Problems = d.Problems[:len(d.Problems)-1]
		return d, p
	}
	return d, nil
}

// records reads data records to the end, or to the first whose length is not known.
func (d *Data) records(r *reader) {
	for r.left() > 0 {
		from := r.pos
		dif, _ := r.byte()
		switch dif {
		case difFiller:
			continue
		case difMaker, difMore:
			d.Maker, d.More = r.b[r.pos:], dif == difMore
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
		v, p := r.value(h)
		if p != nil {
			d.Problems = append(d.Problems, p)
			if p.Code == telegram.Truncated || h.coding == 0xD || h.coding == 8 || h.coding == 0xF {
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
	n, ok := fixedSize[h.coding]
	if !ok {
		return false
	}
	for r.b[r.pos-1]&extension != 0 && r.pos-1 > from {
		if _, p := r.byte(); p != nil {
			return false
		}
	}
	_, p := r.take(n)
	return p == nil
}

// fixedRuns are the units of the fixed structure (EN 13757-3, annex): from each code on three that differ by ten.
var fixedRuns = []struct {
	first byte
	name  string
	unit  quantity.Unit
}{
	{0x02, "energy", "Wh"}, {0x05, "energy", "kWh"}, {0x08, "energy", "MWh"}, {0x0B, "energy", "kJ"},
	{0x0E, "energy", "MJ"}, {0x11, "energy", "GJ"}, {0x14, "power", "W"}, {0x17, "power", "kW"}, {0x1A, "power", "MW"},
	{0x1D, "power", "kJ/h"}, {0x20, "power", "MJ/h"}, {0x23, "power", "GJ/h"}, {0x26, "volume", "mL"},
	{0x29, "volume", quantity.UnitLitre}, {0x2C, "volume", "m3"}, {0x2F, "flow", "mL/h"}, {0x32, "flow", "L/h"},
	{0x35, "flow", "m3/h"},
}

// fixedUnit finds the meaning of a unit code.
func fixedUnit(code byte) (meaning, bool) {
	switch code {
	case 0x38:
		return meaning{name: "temperature", unit: quantity.UnitCelsius, exponent: -3}, true
	case 0x39:
		return meaning{name: "heat_cost_allocation"}, true
	}
	for _, r := range fixedRuns {
		if code >= r.first && code < r.first+3 {
			return meaning{name: r.name, unit: r.unit, exponent: int(code - r.first)}, true
		}
	}
	return meaning{}, false
}

// Codes of the fixed structure that stand for no unit of their own.
const (
	fixedClock    = 0x00
	fixedDate     = 0x01
	fixedSameHist = 0x3E // the unit of the first counter, remembered at a fixed date
	fixedNone     = 0x3F
)

const fixedSizeAll = 16

// decodeFixed reads the fixed structure: identification, access number, status, two units, two counters.
func decodeFixed(b []byte) (Data, *telegram.Problem) {
	if len(b) != fixedSizeAll {
		return Data{}, &telegram.Problem{
			Code: telegram.Length, Offset: len(b), Want: "16 bytes", Got: fmt.Sprintf("%d bytes", len(b)), Text: "fixed structure has another length", Class: meter.ErrMalformed,
		}
	}
	id, p := telegram.Digits(b[:4])
	if p != nil {
		return Data{}, p
	}
	medium := b[6]>>6 | b[7]>>6<<2
	d := Data{Identity: Identity{ID: uint32(id), Medium: medium}, Access: b[4], Status: b[5]}
	binaryCount := b[5]&0x01 != 0
	storage := uint64(b[5] >> 1 & 1)
	codes := [2]byte{b[6] & 0x3F, b[7] & 0x3F}
	for i, code := range codes {
		v := telegram.Value{Function: telegram.Instantaneous, Storage: storage}
		if code == fixedSameHist && i == 1 {
			code, v.Storage = codes[0], 1
		}
		if code == fixedNone || code == fixedClock || code == fixedDate {
			continue
		}
		if p := fixedCounter(&v, code, b[8+4*i:12+4*i], binaryCount); p != nil {
			return d, p.At(8 + 4*i)
		}
		d.Values = append(d.Values, v)
	}
	return d, nil
}

func fixedCounter(v *telegram.Value, code byte, b []byte, binaryCount bool) *telegram.Problem {
	m, ok := fixedUnit(code)
	if !ok {
		return &telegram.Problem{Code: telegram.Unknown, Got: telegram.Hex(code), Text: "unit of the fixed structure is not known", Class: meter.ErrMalformed}
	}
	v.Name, v.Unit = m.name, m.unit
	h := info{coding: 0xC, vif: m}
	if binaryCount {
		h.coding = 4
	}
	return h.fill(v, b)
}
