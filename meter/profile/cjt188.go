package profile

import (
	"fmt"
	"strings"

	"tally/meter/quantity"
)

// Choice is one of the words that a key allows; empty is the first of them.
type Choice string

// Words of keys that say where something stands or how it is ordered.
const (
	Auto      Choice = "auto"
	After     Choice = "after"
	Before    Choice = "before"
	LowFirst  Choice = "low-first"
	HighFirst Choice = "high-first"
	Standard  Choice = "standard"
	Mirrored  Choice = "mirrored" // bits counted from the other end
	None      Choice = "none"
)

// CJT188Variant is where a model leaves CJ/T 188-2004.
type CJT188Variant struct {
	Kind        byte   // T; 0 = the config says
	SwappedItem bool   // questions carry the identifier low byte first
	Units       Choice // Auto, After, Before: where a unit stands
	Clock       Choice // Auto, LowFirst, HighFirst
	Status      Choice // Standard, Mirrored, None
	Litres      int    // decimals of a value in litres
	Preamble    int    // FE in front of a request, −1 = the protocol's four
	Unserial    bool   // the meter does not give the serial number back
	Valve       bool
	Months      int                    // how many months of history D120… it keeps
	ReadControl byte                   // control code of a read, 0 = 01
	Units2      map[byte]quantity.Unit // codes that the standard does not have
}

type fileCJT188 struct {
	Kind        string            `toml:"kind"`
	ItemOrder   string            `toml:"item_order"`
	UnitPlace   string            `toml:"unit_place"`
	ClockOrder  string            `toml:"clock_order"`
	Status      string            `toml:"status"`
	Litres      int               `toml:"litre_decimals"`
	Preamble    *int              `toml:"preamble"`
	Serial      *bool             `toml:"serial_echoed"`
	Valve       bool              `toml:"valve"`
	Months      int               `toml:"history_months"`
	ReadControl int               `toml:"read_control"`
	Units       map[string]string `toml:"units"`
}

// Kinds188 are the words for T in models and configs.
var kinds188 = map[string]byte{
	"cold-water": 0x10, "hot-water": 0x11, "drinking-water": 0x12, "reclaimed-water": 0x13, "heat": 0x20, "cold": 0x21,
	"gas": 0x30, "electricity": 0x40,
}

// Kind188 gives T of CJ/T 188 for a word ("gas", "cold-water") or two hexadecimal digits.
func Kind188(s string) (byte, error) {
	if k, ok := kinds188[s]; ok {
		return k, nil
	}
	var k byte
	if n, err := fmt.Sscanf(s, "%02X", &k); err != nil || n != 1 || len(s) != 2 || k == 0 || k == 0xAA {
		return 0, fmt.Errorf("kind %q is none of %s, nor two hexadecimal digits", s, strings.Join(Kinds188(), ", "))
	}
	return k, nil
}

// Kinds188 lists the words that Kind188 knows.
func Kinds188() []string {
	return []string{"cold-water", "hot-water", "drinking-water", "reclaimed-water", "heat", "cold", "gas", "electricity"}
}

func (f fileCJT188) resolve() (v CJT188Variant, err error) {
	v = CJT188Variant{Litres: f.Litres, Preamble: -1, Valve: f.Valve, Months: f.Months, ReadControl: byte(f.ReadControl)}
	if f.Kind != "" {
		if v.Kind, err = Kind188(f.Kind); err != nil {
			return v, fmt.Errorf("cjt188.%w", err)
		}
	}
	order, err := choose("cjt188.item_order", f.ItemOrder, Standard, LowFirst)
	if err != nil {
		return v, err
	}
	v.SwappedItem = order == LowFirst
	if v.Units, err = choose("cjt188.unit_place", f.UnitPlace, Auto, After, Before); err != nil {
		return v, err
	}
	if v.Clock, err = choose("cjt188.clock_order", f.ClockOrder, Auto, LowFirst, HighFirst); err != nil {
		return v, err
	}
	if v.Status, err = choose("cjt188.status", f.Status, Standard, Mirrored, None); err != nil {
		return v, err
	}
	if f.Preamble != nil {
		v.Preamble = *f.Preamble
	}
	v.Unserial = f.Serial != nil && !*f.Serial
	switch {
	case v.Litres < 0 || v.Litres > 6:
		return v, fmt.Errorf("cjt188.litre_decimals %d: 0–6 are possible", v.Litres)
	case f.Preamble != nil && (v.Preamble < 0 || v.Preamble > 20):
		return v, fmt.Errorf("cjt188.preamble %d: 0–20 are possible", v.Preamble)
	case v.Months < 0 || v.Months > 12:
		return v, fmt.Errorf("cjt188.history_months %d: 0–12 are possible", v.Months)
	case f.ReadControl < 0 || f.ReadControl > 0x3F:
		return v, fmt.Errorf("cjt188.read_control %d: 1–63 are possible", f.ReadControl)
	case v.Valve && v.Status == None:
		return v, fmt.Errorf("cjt188.valve: a status that tells nothing cannot be read back")
	}
	v.Units2, err = units188(f.Units)
	return v, err
}

// units188 reads codes that the standard does not have: "00" = "m3".
func units188(f map[string]string) (map[byte]quantity.Unit, error) {
	var units map[byte]quantity.Unit
	for code, unit := range f {
		var c byte
		if n, err := fmt.Sscanf(code, "%02X", &c); err != nil || n != 1 || len(code) != 2 || unit == "" {
			return nil, fmt.Errorf("cjt188.units: %q = %q: two hexadecimal digits and a unit", code, unit)
		}
		if units == nil {
			units = map[byte]quantity.Unit{}
		}
		units[c] = quantity.Unit(unit)
	}
	return units, nil
}

// choose returns one of the words, the first for an empty text.
func choose(key, s string, words ...Choice) (Choice, error) {
	if s == "" {
		return words[0], nil
	}
	var list []string
	for _, w := range words {
		if string(w) == s {
			return w, nil
		}
		list = append(list, string(w))
	}
	return "", fmt.Errorf("%s %q is none of %s", key, s, strings.Join(list, ", "))
}
