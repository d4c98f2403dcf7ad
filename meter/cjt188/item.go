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
	KeyVersion    Item = 0x8106
	OwnAddress    Item = 0x810A

	SetPrices        Item = 0xA010
	SetSettlementDay Item = 0xA011
	SetReadingDay    Item = 0xA012
	SetPurchase      Item = 0xA013
	SetKey           Item = 0xA014
	Clock            Item = 0xA015
	SetCounter       Item = 0xA016
	Valve            Item = 0xA017
	SetAddress       Item = 0xA018
	Factory          Item = 0xA019 // from the factory's state to work
)

// String writes the item as the standard does.
func (i Item) String() string { return fmt.Sprintf("%04X", uint16(i)) }

// items are what the identifiers stand for.
var items = map[Item]string{
	Current: "current counter", Prices: "prices", SettlementDay: "settlement day", ReadingDay: "reading day", Purchase: "purchase",
	KeyVersion: "key version", OwnAddress: "address", SetPrices: "set prices", SetSettlementDay: "set settlement day",
	SetReadingDay: "set reading day", SetPurchase: "set purchase", SetKey: "set key", Clock: "clock", SetCounter: "set counter",
	Valve: "valve", SetAddress: "set address", Factory: "leave the factory",
}

// name is what the item stands for; empty if the standard does not know it.
func (i Item) name() string {
	if i >= History1 && i <= History12 {
		if i == History1 {
			return "counter 1 month back"
		}
		return fmt.Sprintf("counter %d months back", i-History1+1)
	}
	return items[i]
}

func (i Item) known() bool { return i.name() != "" }

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
