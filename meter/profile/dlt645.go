package profile

import (
	"fmt"
	"strconv"

	"tally/meter/quantity"
)

// DLT645Variant is what is read from a model of DL/T 645.
type DLT645Variant struct {
	Edition  int       // 2007 or 1997
	Items    []Item645 // in the order in which they are asked
	Preamble int       // FE in front of a request, −1 = the protocol's four
	Freezes  int       // how many daily freezes 050601… it keeps, 0 = none
	Clock    bool      // items 04000101 and 04000102 (1997: C010, C011) hold its clock
}

// Item645 is one data identifier. Where Bytes is 0 the standard's own table says how it is coded.
type Item645 struct {
	Code   uint32
	Name   string // empty = the standard's
	Bytes  int
	Scale  uint8
	Unit   quantity.Unit
	Signed bool
}

type fileDLT645 struct {
	Edition  int       `toml:"edition"`
	Preamble *int      `toml:"preamble"`
	Freezes  int       `toml:"daily_freezes"`
	Clock    *bool     `toml:"clock"`
	Items    []file645 `toml:"item"`
}

type file645 struct {
	Code   string `toml:"di"`
	Name   string `toml:"name"`
	Bytes  int    `toml:"bytes"`
	Scale  int    `toml:"scale"`
	Unit   string `toml:"unit"`
	Signed bool   `toml:"signed"`
}

func (f fileDLT645) resolve() (DLT645Variant, error) {
	v := DLT645Variant{Edition: f.Edition, Preamble: -1, Freezes: f.Freezes, Clock: f.Clock == nil || *f.Clock}
	if v.Edition == 0 {
		v.Edition = 2007
	}
	if f.Preamble != nil {
		v.Preamble = *f.Preamble
	}
	switch {
	case v.Edition != 2007 && v.Edition != 1997:
		return v, fmt.Errorf("dlt645.edition %d: 2007 or 1997", v.Edition)
	case f.Preamble != nil && (v.Preamble < 0 || v.Preamble > 20):
		return v, fmt.Errorf("dlt645.preamble %d: 0–20 are possible", v.Preamble)
	case v.Freezes < 0 || v.Freezes > 62 || v.Freezes > 0 && v.Edition != 2007:
		return v, fmt.Errorf("dlt645.daily_freezes %d: 0–62, and only in the edition of 2007", v.Freezes)
	case len(f.Items) == 0:
		return v, fmt.Errorf("no [[dlt645.item]]: a model without values")
	}
	for i, item := range f.Items {
		it, err := item.resolve(v.Edition)
		if err != nil {
			return v, fmt.Errorf("dlt645.item %d: %w", i+1, err)
		}
		v.Items = append(v.Items, it)
	}
	return v, nil
}

func (f file645) resolve(edition int) (Item645, error) {
	digits := 8
	if edition == 1997 {
		digits = 4
	}
	code, err := strconv.ParseUint(f.Code, 16, 32)
	own := f.Bytes != 0
	switch {
	case err != nil || len(f.Code) != digits:
		return Item645{}, fmt.Errorf("di %q: %d hexadecimal digits", f.Code, digits)
	case f.Bytes < 0 || f.Bytes > 8:
		return Item645{}, fmt.Errorf("bytes %d: 1–8 are possible", f.Bytes)
	case f.Scale < 0 || f.Scale > 12:
		return Item645{}, fmt.Errorf("scale %d: 0–12 are possible", f.Scale)
	case own && f.Name == "":
		return Item645{}, fmt.Errorf("di %s: an item with a coding of its own needs a name", f.Code)
	case !own && (f.Scale != 0 || f.Unit != "" || f.Signed):
		return Item645{}, fmt.Errorf("di %s: scale, unit and signed belong to items with bytes of their own", f.Code)
	}
	return Item645{Code: uint32(code), Name: f.Name, Bytes: f.Bytes, Scale: uint8(f.Scale), Unit: quantity.Unit(f.Unit), Signed: f.Signed}, nil
}
