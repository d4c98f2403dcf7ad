package dlt645

import (
	"encoding/binary"
	"fmt"
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
