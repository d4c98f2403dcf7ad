package storage

import (
	"encoding/binary"
	"fmt"
)

// page is a bbolt page in memory.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint32
	data     []byte
}

func parsePage(data []byte) (page, error) {
	if len(data) < headerSize {
		return page{}, fmt.Errorf("page is cut short: %w", ErrDamaged)
	}
	p := page{
		id: binary.LittleEndian.Uint64(data), flags: binary.LittleEndian.Uint16(data[8:]),
		count: int(binary.LittleEndian.Uint16(data[10:])), overflow: binary.LittleEndian.Uint32(data[12:]), data: data,
	}
	switch {
	case p.is(flagFreelist):
	case !p.is(flagBranch) && !p.is(flagLeaf):
		return p, fmt.Errorf("page %d is of no kind: %w", p.id, ErrDamaged)
	case headerSize+p.count*elementSize > len(data), p.is(flagBranch) && p.count == 0:
		return p, fmt.Errorf("page %d has a wrong count: %w", p.id, ErrDamaged)
	}
	return p, nil
}

func (p page) is(flag uint16) bool { return p.flags == flag }

// element i of a branch or leaf page.
func (p page) element(i int) element {
	at := headerSize + i*elementSize
	return element{at: at, data: p.data[at : at+elementSize]}
}

// children appends the pages below a branch page.
func (p page) children(to []uint64) ([]uint64, error) {
	if !p.is(flagBranch) {
		return to, fmt.Errorf("page %d is no branch: %w", p.id, ErrDamaged)
	}
	for i := range p.count {
		e := p.element(i)
		if uint64(e.at)+uint64(e.u32(0))+uint64(e.u32(4)) > uint64(len(p.data)) {
			return to, fmt.Errorf("page %d points outside itself: %w", p.id, ErrDamaged)
		}
		to = append(to, binary.LittleEndian.Uint64(e.data[8:]))
	}
	return to, nil
}

// element is 16 bytes that say where a key and a value lie, counted from the element itself.
type element struct {
	at   int
	data []byte
}

func (e element) u32(at int) uint32 { return binary.LittleEndian.Uint32(e.data[at:]) }
