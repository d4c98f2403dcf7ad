package profile

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"tally/meter/quantity"
)

// file is a model as it is written.
type file struct {
	Model    string      `toml:"model"`
	Title    string      `toml:"title"`
	Source   string      `toml:"source"`
	URL      string      `toml:"url"`
	Protocol string      `toml:"protocol"`
	Timing   fileTiming  `toml:"timing"`
	Modbus   *fileModbus `toml:"modbus"`
	Register []fileValue `toml:"register"`
	CJT188   *fileCJT188 `toml:"cjt188"`
	DLT645   *fileDLT645 `toml:"dlt645"`
	MBus     *fileMBus   `toml:"mbus"`
}

type fileModbus struct {
	Function int      `toml:"function"`      // for registers that name none: 3 or 4; 0 = 3
	Base     int      `toml:"base"`          // what the document calls the first register: 0 or 1
	Max      int      `toml:"max_registers"` // 0 = 125
	Order    string   `toml:"order"`         // empty = ABCD
	Bridge   int      `toml:"bridge"`
	Gaps     [][2]int `toml:"gaps"` // in the document's numbers

	Clock   *fileClock   `toml:"clock"`
	Address *fileAddress `toml:"address"`
}

type fileValue struct {
	Name     string `toml:"name"`
	Address  int    `toml:"address"` // in the document's numbers
	Type     string `toml:"type"`
	Function int    `toml:"function"`
	Order    string `toml:"order"`
	Scale    int    `toml:"scale"`
	Multiply int64  `toml:"multiply"`
	Decimals int    `toml:"decimals"`
	Unit     string `toml:"unit"`
}

// Parse reads one model strictly: a key that nobody knows is an error with its line. where names the file in errors.
func Parse(where string, text []byte) (*Profile, error) {
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	var f file
	if err := d.Decode(&f); err != nil {
		return nil, located(where, err)
	}
	p, err := f.resolve()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return p, nil
}

// located puts line and column in front of what the TOML decoder says.
func located(where string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, col := strict.Errors[0].Position()
		return fmt.Errorf("%s:%d:%d: unknown key %q", where, row, col, strings.Join(strict.Errors[0].Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, col := bad.Position()
		return fmt.Errorf("%s:%d:%d: %s", where, row, col, strings.TrimPrefix(bad.Error(), "toml: "))
	}
	return fmt.Errorf("%s: %w", where, err)
}

func (f file) resolve() (*Profile, error) {
	switch {
	case f.Model == "" || strings.Trim(f.Model, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return nil, fmt.Errorf("model %q: lower case letters, digits, - _ . only", f.Model)
	case f.Source == "":
		return nil, errors.New("source is missing: which document is this from?")
	}
	if u, err := url.Parse(f.URL); f.URL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return nil, fmt.Errorf("url %q: the address of a document, with http or https", f.URL)
	}
	p := &Profile{Model: f.Model, Title: f.Title, Source: f.Source, URL: f.URL, Protocol: Protocol(f.Protocol)}
	if err := f.fits(); err != nil {
		return nil, err
	}
	err := f.Timing.resolve(&p.Timing)
	if err != nil {
		return nil, err
	}
	switch p.Protocol {
	case Modbus:
		p.Map, err = f.registers()
	case CJT188:
		p.CJT188, err = orZero(f.CJT188).resolve()
	case DLT645:
		p.DLT645, err = orZero(f.DLT645).resolve()
	case MBus:
		p.MBus, err = orZero(f.MBus).resolve()
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// fits tells whether the sections are those of the protocol.
func (f file) fits() error {
	there := map[Protocol]bool{
		Modbus: f.Modbus != nil || len(f.Register) > 0, CJT188: f.CJT188 != nil, DLT645: f.DLT645 != nil, MBus: f.MBus != nil,
	}
	if _, known := there[Protocol(f.Protocol)]; !known {
		return fmt.Errorf("protocol %q is none of modbus, cjt188, dlt645, mbus", f.Protocol)
	}
	for _, p := range []Protocol{Modbus, CJT188, DLT645, MBus} {
		if there[p] && p != Protocol(f.Protocol) {
			return fmt.Errorf("a section of %s has no meaning with protocol %q", p, f.Protocol)
		}
	}
	return nil
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// registers resolves the map of a Modbus model.
func (f file) registers() (Map, error) {
	modbus := orZero(f.Modbus)
	m, err := modbus.resolve()
	if err != nil {
		return m, err
	}
	if len(f.Register) == 0 {
		return m, errors.New("no [[register]]: a model without values")
	}
	for i, v := range f.Register {
		r, err := v.resolve(modbus, m)
		if err != nil {
			return m, fmt.Errorf("register %d (%s): %w", i+1, v.Name, err)
		}
		for _, other := range m.Registers {
			if other.Name == r.Name {
				return m, fmt.Errorf("register %d: name %q is taken", i+1, r.Name)
			}
		}
		m.Registers = append(m.Registers, r)
	}
	return m, nil
}

func (f fileModbus) resolve() (Map, error) {
	m := Map{Max: f.Max, Bridge: f.Bridge}
	if m.Max == 0 {
		m.Max = 125
	}
	switch {
	case m.Max < 1 || m.Max > 125:
		return m, fmt.Errorf("modbus.max_registers %d: 1–125 are possible", f.Max)
	case f.Base != 0 && f.Base != 1:
		return m, fmt.Errorf("modbus.base %d: 0 or 1", f.Base)
	case f.Bridge < 0 || f.Bridge > 124:
		return m, fmt.Errorf("modbus.bridge %d: 0–124 are possible", f.Bridge)
	}
	for _, g := range f.Gaps {
		first, last := g[0]-f.Base, g[1]-f.Base
		if first < 0 || last > 0xFFFF || first > last {
			return m, fmt.Errorf("modbus.gaps %d–%d is no range of registers", g[0], g[1])
		}
		m.Gaps = append(m.Gaps, Range{uint16(first), uint16(last)})
	}
	var err error
	if f.Clock != nil {
		m.Clock, err = f.Clock.resolve(f)
	}
	if f.Address != nil && err == nil {
		m.Own, err = f.Address.resolve(f)
	}
	return m, err
}

func (v fileValue) resolve(f fileModbus, m Map) (Register, error) {
	r := Register{Name: v.Name, Kind: Kind(v.Type), Words: words[Kind(v.Type)], Unit: quantity.Unit(v.Unit), Multiply: v.Multiply}
	address, function := v.Address-f.Base, firstOf(v.Function, f.Function, 3)
	r.Order = Order(firstOf(v.Order, f.Order, string(ABCD)))
	if r.Multiply == 0 {
		r.Multiply = 1
	}
	fraction := r.Kind == IntInt || r.Kind == IntU16
	switch {
	case v.Name == "":
		return r, errors.New("name is missing")
	case r.Words == 0:
		return r, fmt.Errorf("type %q is not known", v.Type)
	case function != 3 && function != 4:
		return r, fmt.Errorf("function %d: 3 or 4", function)
	case address < 0 || address+r.Words > 0x10000:
		return r, fmt.Errorf("address %d lies outside the table", v.Address)
	case r.Words > m.Max:
		return r, fmt.Errorf("%s takes %d registers, one request may ask for %d", v.Type, r.Words, m.Max)
	case r.Order != ABCD && r.Order != CDAB && r.Order != BADC && r.Order != DCBA:
		return r, fmt.Errorf("order %q is none of ABCD, CDAB, BADC, DCBA", r.Order)
	case v.Scale < 0 || v.Scale > 18:
		return r, fmt.Errorf("scale %d: 0–18 are possible, multiply makes values larger", v.Scale)
	case fraction && (v.Decimals < 1 || v.Decimals > 9):
		return r, fmt.Errorf("decimals %d: a %s needs 1–9", v.Decimals, v.Type)
	case !fraction && v.Decimals != 0:
		return r, fmt.Errorf("decimals belong to an integer and fraction pair, not to %s", v.Type)
	}
	r.Function, r.Address, r.Scale, r.Decimals = byte(function), uint16(address), uint8(v.Scale), uint8(v.Decimals)
	for a := r.Address; int(a) < address+r.Words; a++ {
		if m.forbidden(a) {
			return r, fmt.Errorf("register %d lies in a gap that must not be read", int(a)+f.Base)
		}
		if a == 0xFFFF {
			break
		}
	}
	return r, nil
}

func firstOf[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}
