package dlt645

import (
	"encoding/binary"
	"fmt"

	"tally/meter/quantity"
)

// Item is a data identifier (DI): four bytes in 2007 (00010000), two in 1997 (9010).
type Item struct {
	Edition Edition
	Code    uint32
}

// Items that are read most.
var (
	Combined   = Item{Edition2007, 0x00000000}
	Forward    = Item{Edition2007, 0x00010000}
	Reverse    = Item{Edition2007, 0x00020000}
	Date       = Item{Edition2007, 0x04000101}
	Time       = Item{Edition2007, 0x04000102}
	Forward97  = Item{Edition1997, 0x9010}
	VoltageA97 = Item{Edition1997, 0xB611}
)

// String writes the item as the standard does.
func (i Item) String() string {
	if i.Edition == Edition1997 {
		return fmt.Sprintf("%04X", i.Code)
	}
	return fmt.Sprintf("%08X", i.Code)
}

func (i Item) bytes() []byte {
	if i.Edition == Edition1997 {
		return binary.LittleEndian.AppendUint16(nil, uint16(i.Code))
	}
	return binary.LittleEndian.AppendUint32(nil, i.Code)
}

// itemOf reads the identifier at the start of the data; false if it is too short.
func itemOf(e Edition, data []byte) (Item, []byte, bool) {
	switch {
	case e == Edition1997 && len(data) >= 2:
		return Item{e, uint32(binary.LittleEndian.Uint16(data))}, data[2:], true
	case e != Edition1997 && len(data) >= 4:
		return Item{Edition2007, binary.LittleEndian.Uint32(data)}, data[4:], true
	}
	return Item{}, nil, false
}

// item reads the identifier of a frame that has one.
func (f Frame) item() (Item, []byte, bool) {
	c := f.Control & function
	switch {
	case f.Refusal(), c == ReadAddress, c == WriteAddress, c == BroadcastTime, c == 0x0A, c == Freeze, c == 0x17, c == Relay,
		c == 0x0C, c == 0x0F, c == 0x10, c == 0x19, c == 0x1A:
		return Item{}, nil, false
	}
	return itemOf(f.Edition(), f.Data)
}

// shape is how an item is coded.
type shape struct {
	name    string
	bytes   int
	scale   uint8
	unit    quantity.Unit
	signed  bool // the highest bit is the sign
	tariff  uint64
	storage uint64
}

// quantities2007 are the families of appendix A.1 of the 2007 edition, by DI3 DI2; phases are in DI1.
var quantities2007 = map[uint16]shape{
	0x0201: {name: "voltage", bytes: 2, scale: 1, unit: "V"},
	0x0202: {name: "current", bytes: 3, scale: 3, unit: "A", signed: true},
	0x0203: {name: "power", bytes: 3, scale: 4, unit: "kW", signed: true},
	0x0204: {name: "power_reactive", bytes: 3, scale: 4, unit: "kvar", signed: true},
	0x0205: {name: "power_apparent", bytes: 3, scale: 4, unit: "kVA", signed: true},
	0x0206: {name: "power_factor", bytes: 2, scale: 3, signed: true},
}

var energies2007 = map[byte]shape{
	0x00: {name: "energy", bytes: 4, scale: 2, unit: "kWh", signed: true},
	0x01: {name: "energy_import", bytes: 4, scale: 2, unit: "kWh"},
	0x02: {name: "energy_export", bytes: 4, scale: 2, unit: "kWh"},
	0x03: {name: "energy_reactive_1", bytes: 4, scale: 2, unit: "kvarh", signed: true},
	0x04: {name: "energy_reactive_2", bytes: 4, scale: 2, unit: "kvarh", signed: true},
}

var single2007 = map[uint32]shape{
	0x02800002: {name: "frequency", bytes: 2, scale: 2, unit: "Hz"},
	0x02800007: {name: "temperature", bytes: 2, scale: 1, unit: quantity.UnitCelsius, signed: true},
	0x02800008: {name: "battery", bytes: 2, scale: 2, unit: "V"},
	0x0280000A: {name: "battery_time", bytes: 4, unit: "min"},
}

var phases = map[byte]string{1: "_a", 2: "_b", 3: "_c"}

// shapeOf finds how an item is coded.
func shapeOf(i Item) (shape, bool) {
	if i.Edition == Edition1997 {
		return shape1997(uint16(i.Code))
	}
	if s, ok := single2007[i.Code]; ok {
		return s, true
	}
	di3, di2, di1, di0 := byte(i.Code>>24), byte(i.Code>>16), byte(i.Code>>8), byte(i.Code)
	if di3 == 0 {
		s, ok := energies2007[di2]
		s.tariff, s.storage = uint64(di1), uint64(di0)
		return s, ok && di1 <= 63 && di0 <= 12
	}
	s, ok := quantities2007[uint16(di3)<<8|uint16(di2)]
	phase, isPhase := phases[di1]
	total := di1 == 0 && di2 >= 3
	if isPhase {
		s.name += phase
	}
	return s, ok && di0 == 0 && (isPhase || total)
}

// shape1997 are the items of table A of the 1997 edition.
func shape1997(di uint16) (shape, bool) {
	hi, lo := byte(di>>8), byte(di)
	s := shape{bytes: 4, scale: 2, unit: "kWh", name: "energy"}
	switch {
	case (hi == 0x90 || hi == 0x94 || hi == 0x98) && (lo&0xF0 == 0x10 || lo&0xF0 == 0x20) && lo&0x0F < 0x0F:
		if lo&0xF0 == 0x20 {
			s.name = "energy_export"
		}
		s.tariff, s.storage = uint64(lo&0x0F), uint64(hi-0x90)/4
		return s, true
	case hi == 0xB6 && lo >= 0x11 && lo <= 0x13:
		return shape{name: "voltage" + phases[lo&3], bytes: 2, unit: "V"}, true
	case hi == 0xB6 && lo >= 0x21 && lo <= 0x23:
		return shape{name: "current" + phases[lo&3], bytes: 2, scale: 2, unit: "A"}, true
	case hi == 0xB6 && lo == 0x30:
		return shape{name: "power", bytes: 3, scale: 4, unit: "kW"}, true
	case hi == 0xB6 && lo >= 0x31 && lo <= 0x33:
		return shape{name: "power" + phases[lo&3], bytes: 3, scale: 4, unit: "kW"}, true
	}
	return shape{}, false
}
