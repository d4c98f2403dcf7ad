// Package space lets a layout be written down for one run of bytes, whatever the chip below is made of: zones that are
// erased as a whole, files, records, blocks of sectors. A list of [Area] says which stretch of that run lies where. It is
// data of a card profile; the chip drivers carry out what it says.
package space

import (
	"errors"
	"fmt"
)

// Kind is what an area is made of.
type Kind string

// Kinds of areas.
const (
	Bytes   Kind = "bytes"   // bytes of a memory chip that are written one by one
	Zone    Kind = "zone"    // bytes whose bits only fall; they rise together, when the whole zone is erased
	Words   Kind = "words"   // bytes whose bits only fall; they rise two bytes at a time, when the word is erased
	Binary  Kind = "binary"  // a transparent file (ISO 7816-4)
	Records Kind = "records" // records of a linear file, one after another; a record is written whole or not at all
	Cyclic  Kind = "cyclic"  // records of a cyclic file, newest first; only the card's own side writes them
	Purse   Kind = "purse"   // balance (4 bytes) and load counter (2) of the card's own electronic purse
	Blocks  Kind = "blocks"  // data blocks of 16 bytes of a sector; a block is written whole or not at all
)

// PurseLen is the length of an area of kind Purse.
const PurseLen = 6

// BlockLen is the length of a block.
const BlockLen = 16

// Kinds are all kinds that a chip can have.
func Kinds(chip string) []Kind {
	switch chip {
	case "sle4442":
		return []Kind{Bytes}
	case "at88sc102":
		return []Kind{Bytes, Words, Zone}
	case "cpu":
		return []Kind{Binary, Records, Cyclic, Purse}
	case "mifare":
		return []Kind{Blocks}
	}
	return nil
}

// Area is a stretch of the run.
type Area struct {
	Name   string `toml:"name"`   // the maker's name for the file or zone
	Kind   Kind   `toml:"kind"`   // what it is made of
	At     int    `toml:"at"`     // where it begins in the run
	Len    int    `toml:"len"`    // bytes
	From   int    `toml:"from"`   // where it begins on the chip or in its file: an address, an offset, a block number
	File   int    `toml:"file"`   // short file identifier, 1–30
	Record int    `toml:"record"` // bytes of a record
	Once   bool   `toml:"once"`   // it is written when the card is made, and never after: a fuse locks it
	Bulk   int    `toml:"bulk"`   // records that the card gives in one answer when asked for all from one on; 0 is 1
}

// End is the address behind the area.
func (a Area) End() int { return a.At + a.Len }

// Unit is the number of bytes that the area is written in: 1 where any will do.
func (a Area) Unit() int {
	switch a.Kind {
	case Records, Cyclic:
		return a.Record
	case Blocks:
		return BlockLen
	case Purse:
		return PurseLen
	}
	return 1
}

// WordLen is what is erased together in an area of kind Words.
const WordLen = 2

// Falls reports whether bits of the area only fall until it is erased.
func (a Area) Falls() bool { return a.Kind == Words || a.Kind == Zone }

// Atomic reports whether the chip does one write to the area whole or not at all.
func (a Area) Atomic() bool { return a.Kind == Binary || a.Unit() > 1 }

// Size is the length of the run.
func Size(areas []Area) int {
	end := 0
	for _, a := range areas {
		end = max(end, a.End())
	}
	return end
}

// Part is a stretch of one area.
type Part struct {
	Area Area
	Off  int // from the start of the area
	Len  int
}

// Whole reports whether the part is all of its area.
func (p Part) Whole() bool { return p.Off == 0 && p.Len == p.Area.Len }

// ErrOutside: some of the addresses lie in no area.
var ErrOutside = errors.New("outside the areas of the card")

// Split cuts n bytes from addr into parts, in the order of their addresses.
func Split(areas []Area, addr, n int) ([]Part, error) {
	if addr < 0 || n < 1 || n > Size(areas)-addr {
		return nil, fmt.Errorf("%d bytes at %#x: %w", n, addr, ErrOutside)
	}
	var parts []Part
	for at := addr; at < addr+n; {
		a, ok := Find(areas, at)
		if !ok {
			return nil, fmt.Errorf("byte %#x: %w", at, ErrOutside)
		}
		end := min(a.End(), addr+n)
		parts = append(parts, Part{a, at - a.At, end - at})
		at = end
	}
	return parts, nil
}

// Find is the area that an address lies in.
func Find(areas []Area, at int) (Area, bool) {
	for _, a := range areas {
		if at >= a.At && at < a.End() {
			return a, true
		}
	}
	return Area{}, false
}
