package mbus

import (
	"fmt"
	"slices"

	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// The fixed structure (CI 73 and 77) of EN 1434-3 and the M-Bus documentation 4.8, 6.2 and 8.1: meters of the nineties
// send it; newer editions of EN 13757-3 have dropped it.

// fixedRuns are its units: from each code on three that differ by ten.
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

// Codes of the fixed structure that stand for no run.
const (
	fixedTime     = 0x00 // hours, minutes, seconds
	fixedDate     = 0x01 // day, month, year
	fixedSameHist = 0x3E // the unit of the other counter, remembered at a fixed date
	fixedNone     = 0x3F
)

// fixedUnit finds the meaning of a unit code.
func fixedUnit(code byte) (meaning, bool) {
	switch code {
	case 0x38:
		return meaning{name: "temperature", unit: quantity.UnitCelsius, exponent: -3}, true
	case 0x39:
		return meaning{name: "heat_cost_allocation"}, true
	case fixedNone:
		return meaning{name: "number"}, true
	}
	for _, r := range fixedRuns {
		if code >= r.first && code < r.first+3 {
			return meaning{name: r.name, unit: r.unit, exponent: int(code - r.first)}, true
		}
	}
	return meaning{}, false
}

// fixedMedia are the media of the fixed structure as codes of the variable one; those from A on are of meters that send
// the high byte first.
var fixedMedia = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0F, 3, 4, 6, 7, 8, 0x0F}

const fixedSizeAll = 16

// decodeFixed reads identification, access number, status, two units with the medium between them, two counters.
func decodeFixed(b []byte, high bool) (Data, *telegram.Problem) {
	if len(b) < fixedSizeAll {
		return Data{}, telegram.Short(len(b), fixedSizeAll)
	}
	if len(b) > fixedSizeAll {
		return Data{}, &telegram.Problem{
			Code: telegram.Length, Offset: fixedSizeAll, Want: "16 bytes", Got: fmt.Sprintf("%d bytes", len(b)), Text: "fixed structure has another length", Class: meter.ErrMalformed,
		}
	}
	d := Data{Access: b[4], Status: b[5]}
	id := ordered(b[:4], high)
	d.Printed = idDigits(id)
	n, p := telegram.Digits(id)
	if p != nil {
		p.Text, p.Note = "identification is not eight decimal digits", true
		d.Problems = append(d.Problems, p)
	}
	units := ordered(b[6:8], high)
	d.Identity = Identity{ID: uint32(n), Medium: fixedMedia[units[0]>>6|units[1]>>6<<2]}
	codes := [2]byte{units[0] & 0x3F, units[1] & 0x3F}
	for i, code := range codes {
		v := telegram.Value{Function: telegram.Instantaneous, Storage: uint64(d.Status >> 1 & 1)}
		if code == fixedSameHist {
			code, v.Storage = codes[1-i], 1
		}
		at := 8 + 4*i
		if p := fixedCounter(&v, code, ordered(b[at:at+4], high), d.Status&1 != 0); p != nil {
			if high && p.Code == telegram.BCD {
				p.Offset = 3 - p.Offset
			}
			if p.Code == telegram.Unknown { // about the unit, not the counter
				at = 6 + i
			}
			return d, p.At(at)
		}
		d.Values = append(d.Values, v)
	}
	return d, nil
}

// ordered is b with its low byte first.
func ordered(b []byte, high bool) []byte {
	b = slices.Clone(b)
	if high {
		slices.Reverse(b)
	}
	return b
}

func fixedCounter(v *telegram.Value, code byte, b []byte, binaryCount bool) *telegram.Problem {
	if code == fixedTime || code == fixedDate {
		return fixedClock(v, code, b)
	}
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

// fixedClock reads a counter that is a time or a date: the third, second and first byte.
func fixedClock(v *telegram.Value, code byte, b []byte) *telegram.Problem {
	n, p := telegram.Digits(b)
	if p != nil {
		return p
	}
	first, second, third := n/10_000%100, n/100%100, n%100
	v.Name, v.Text = "time", fmt.Sprintf("%02d:%02d:%02d", first, second, third)
	if code == fixedDate {
		v.Name, v.Text = "date", fmt.Sprintf("%02d.%02d.%02d", first, second, third)
	}
	return nil
}
