package cardsim

import (
	"bytes"
	"encoding/binary"

	"tally/cardreader/space"
)

// Run is a chip as the one run of bytes that a layout speaks of, for a meter's slot: no reader, and no secret code, as
// the meter knows them.
type Run struct {
	areas []space.Area
	read  func(a space.Area) []byte
	write func(p space.Part, data []byte) error
}

// ReadMem is a copy of the run; bytes that no area holds are FF.
func (r Run) ReadMem() []byte {
	m := bytes.Repeat([]byte{0xFF}, space.Size(r.areas))
	for _, a := range r.areas {
		copy(m[a.At:a.End()], r.read(a))
	}
	return m
}

// WriteMem writes as the chip does: what reaches into two areas is two writes.
func (r Run) WriteMem(addr int, data []byte) error {
	parts, err := space.Split(r.areas, addr, len(data))
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := r.write(p, data[:p.Len]); err != nil {
			return err
		}
		data = data[p.Len:]
	}
	return nil
}

// Run is the chip as areas lay it out.
func (c *AT88SC102) Run(areas []space.Area) Run {
	return Run{areas,
		func(a space.Area) []byte { return c.ReadMem()[a.From : a.From+a.Len] },
		func(p space.Part, data []byte) error { return c.WriteMem(p.Area.From+p.Off, data) }}
}

// Run is the card as areas lay it out, for a meter that has the keys. The newest record of a cyclic file is its first. A
// meter that writes to the purse's area takes what is less than before.
func (c *COS) Run(areas []space.Area) Run {
	return Run{areas, func(a space.Area) []byte {
		if a.Kind == space.Purse {
			balance, loads := c.Balance()
			return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(nil, balance), loads)
		}
		return c.ReadFile(byte(a.File))[fileOff(a):][:a.Len]
	}, func(p space.Part, data []byte) error {
		if p.Area.Kind == space.Purse {
			balance, _ := c.Balance()
			return c.Debit(balance - binary.BigEndian.Uint32(data))
		}
		return c.WriteFile(byte(p.Area.File), fileOff(p.Area)+p.Off, data)
	}}
}

// fileOff is where an area begins in its file, in bytes.
func fileOff(a space.Area) int {
	if a.Kind == space.Binary {
		return a.From
	}
	return a.From * a.Record
}
