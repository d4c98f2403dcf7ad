package mbus

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// ParseAddress reads an address as configs write it: a primary address "0" to "250", or a secondary one
// "number.maker.version.medium": eight digits, three letters, two hexadecimal digits twice. F stands for any digit, * for
// any part, and parts at the end may be left out. A nil selection means the primary address.
func ParseAddress(s string) (byte, *Selection, error) {
	if n, err := strconv.ParseUint(s, 10, 8); err == nil && len(s) <= 3 {
		if n > maxPrimary {
			return 0, nil, fmt.Errorf("address %s: 0–250 are possible", s)
		}
		return byte(n), nil, nil
	}
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return 0, nil, fmt.Errorf("address %q: number.maker.version.medium has four parts", s)
	}
	for len(parts) < 4 {
		parts = append(parts, "*")
	}
	sel := &Selection{ID: parts[0], Manufacturer: AnyManufacturer, Version: AnyByte, Medium: AnyByte}
	if sel.ID == "*" {
		sel.ID = "FFFFFFFF"
	}
	if _, err := sel.bytes(); err != nil {
		return 0, nil, fmt.Errorf("address %q: %w", s, err)
	}
	if parts[1] != "*" {
		code, err := ManufacturerCode(parts[1])
		if err != nil {
			return 0, nil, fmt.Errorf("address %q: %w, or *", s, err)
		}
		sel.Manufacturer = code
	}
	for i, to := range []*byte{&sel.Version, &sel.Medium} {
		p := parts[2+i]
		if p == "*" {
			continue
		}
		n, err := strconv.ParseUint(p, 16, 8)
		if err != nil || len(p) != 2 {
			return 0, nil, fmt.Errorf("address %q: %q: two hexadecimal digits, or *", s, p)
		}
		*to = byte(n)
	}
	return 0, sel, nil
}

// maxPrimary is the highest address that a meter can have.
const maxPrimary = 250

// String writes the selection as ParseAddress reads it.
func (s Selection) String() string {
	maker, version, medium := "*", "*", "*"
	if s.Manufacturer != AnyManufacturer {
		maker = manufacturer(s.Manufacturer)
	}
	if s.Version != AnyByte {
		version = fmt.Sprintf("%02X", s.Version)
	}
	if s.Medium != AnyByte {
		medium = fmt.Sprintf("%02X", s.Medium)
	}
	return strings.Join([]string{s.ID, maker, version, medium}, ".")
}

// selectionOf reads a selection back from its eight bytes.
func selectionOf(b []byte) Selection {
	return Selection{
		ID:           fmt.Sprintf("%02X%02X%02X%02X", b[3], b[2], b[1], b[0]),
		Manufacturer: binary.LittleEndian.Uint16(b[4:]), Version: b[6], Medium: b[7],
	}
}
