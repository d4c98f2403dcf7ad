package mifare

import (
	"encoding/binary"
	"errors"
)

// Value is what a value block holds: a signed number, three times and once complemented, and the address of the block that
// it is a backup of, twice and twice complemented.
type Value struct {
	Amount  int32
	Address byte
}

// ErrValue: a block that is no value block.
var ErrValue = errors.New("not a value block")

// ParseValue reads a block of 16 bytes.
func ParseValue(b []byte) (Value, error) {
	if len(b) != BlockSize {
		return Value{}, ErrValue
	}
	v, not, again := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	if v != ^not || v != again || b[12] != ^b[13] || b[12] != b[14] || b[13] != b[15] {
		return Value{}, ErrValue
	}
	return Value{int32(v), b[12]}, nil
}

// Bytes is the block.
func (v Value) Bytes() []byte {
	n := uint32(v.Amount)
	b := binary.LittleEndian.AppendUint32(nil, n)
	b = binary.LittleEndian.AppendUint32(b, ^n)
	b = binary.LittleEndian.AppendUint32(b, n)
	return append(b, v.Address, ^v.Address, v.Address, ^v.Address)
}
