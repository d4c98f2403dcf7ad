package cjt188

import (
	"encoding/binary"
	"fmt"
)

// Item is a data identifier (DI), as the standard writes it: 901F.
type Item uint16

// Items of CJ/T 188-2004, table 5.
const (
	Current       Item = 0x901F // counter now
	History1      Item = 0xD120 // counter at the settlement day one month back; up to D12B, twelve
	History12     Item = 0xD12B
	Prices        Item = 0x8102
	SettlementDay Item = 0x8103
	ReadingDay    Item = 0x8104
	Purchase      Item = 0x8105
	OwnAddress    Item = 0x810A
	Clock         Item = 0xA015
	SetCounter    Item = 0xA016
	Valve         Item = 0xA017
	SetAddress    Item = 0xA018
)

// String writes the item as the standard does.
func (i Item) String() string { return fmt.Sprintf("%04X", uint16(i)) }

func (i Item) known() bool {
	switch i {
	case Current, Prices, SettlementDay, ReadingDay, Purchase, OwnAddress, Clock, SetCounter, Valve, SetAddress:
		return true
	}
	return i >= History1 && i <= History12
}

// itemOf reads the identifier in whichever order the maker sends it; swapped tells that its low byte came first. An
// identifier that is known in neither order is taken as the standard writes it.
func itemOf(b []byte) (item Item, swapped bool) {
	direct, other := Item(binary.BigEndian.Uint16(b)), Item(binary.LittleEndian.Uint16(b))
	if !direct.known() && other.known() {
		return other, true
	}
	return direct, false
}

// bytes writes the identifier.
func (i Item) bytes(swapped bool) []byte {
	if swapped {
		return binary.LittleEndian.AppendUint16(nil, uint16(i))
	}
	return binary.BigEndian.AppendUint16(nil, uint16(i))
}

// Valve positions as written to item A017.
const (
	valveOpen  byte = 0x55
	valveClose byte = 0x99
)

// Request makes a question for an item. serial counts up with each exchange and comes back in the answer.
func Request(k Kind, to Address, control byte, item Item, serial byte, v Variant, data ...byte) Frame {
	d := append(item.bytes(v.SwappedItem), serial)
	return Frame{Kind: k, Address: to, Control: control, Data: append(d, data...)}
}
