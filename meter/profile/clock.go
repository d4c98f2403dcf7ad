package profile

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"tally/meter"
)

// ClockMap is where a Modbus model keeps its clock.
type ClockMap struct {
	Function byte
	Address  uint16 // wire
	Fields   []string
	BCD      bool
	Writable bool
}

// AddressMap is the register in which a Modbus model keeps its own address.
type AddressMap struct{ Register Register }

type fileClock struct {
	Address  *int   `toml:"address"`
	Function int    `toml:"function"`
	Layout   string `toml:"layout"`
	Coding   string `toml:"coding"`
	Writable bool   `toml:"writable"`
}

type fileAddress struct {
	Address *int   `toml:"address"`
	Type    string `toml:"type"`
	Order   string `toml:"order"`
}

// fieldBytes are the words of a clock's layout and how many bytes each takes.
var fieldBytes = map[string]int{"YYYY": 2, "CC": 1, "YY": 1, "MM": 1, "DD": 1, "hh": 1, "mm": 1, "ss": 1, "--": 1}

func (f fileClock) resolve(m fileModbus) (*ClockMap, error) {
	if f.Address == nil {
		return nil, fmt.Errorf("modbus.clock.address is missing")
	}
	c := &ClockMap{Function: byte(firstOf(f.Function, 3)), Fields: strings.Fields(f.Layout), Writable: f.Writable}
	coding, err := choose("modbus.clock.coding", f.Coding, "bcd", "binary")
	if err != nil {
		return nil, err
	}
	c.BCD = coding == "bcd"
	seen, bytes := map[string]bool{}, 0
	for _, field := range c.Fields {
		if fieldBytes[field] == 0 || seen[field] && field != "--" {
			return nil, fmt.Errorf("modbus.clock.layout: %q is none of YYYY CC YY MM DD hh mm ss --, or stands twice", field)
		}
		seen[field] = true
		bytes += fieldBytes[field]
	}
	address := *f.Address - m.Base
	switch {
	case c.Function != 3 && c.Function != 4 || c.Writable && c.Function != 3:
		return nil, fmt.Errorf("modbus.clock.function %d: 3 or 4, and 3 to be written", c.Function)
	case !seen["YYYY"] && !seen["YY"] || !seen["MM"] || !seen["DD"] || !seen["hh"] || !seen["mm"] || bytes%2 != 0:
		return nil, fmt.Errorf("modbus.clock.layout %q: year, month, day, hours and minutes are needed, two bytes to a register", f.Layout)
	case address < 0 || address+bytes/2 > 0x10000:
		return nil, fmt.Errorf("modbus.clock.address %d lies outside the table", *f.Address)
	}
	c.Address = uint16(address)
	return c, nil
}

// Words is how many registers the clock takes.
func (c ClockMap) Words() int {
	n := 0
	for _, f := range c.Fields {
		n += fieldBytes[f]
	}
	return n / 2
}

// Time reads the clock from its registers.
func (c ClockMap) Time(words []uint16, zone *time.Location) (time.Time, error) {
	var b []byte
	for _, w := range words {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	v := map[string]int{"CC": 20, "MM": 0}
	for _, f := range c.Fields {
		n := 0
		for range fieldBytes[f] {
			if f != "--" && c.BCD && (b[0]>>4 > 9 || b[0]&0xF > 9) {
				return time.Time{}, fmt.Errorf("clock byte %02X is not BCD: %w", b[0], meter.ErrImplausible)
			}
			if c.BCD {
				n = n*100 + int(b[0]>>4)*10 + int(b[0]&0xF)
			} else {
				n = n<<8 | int(b[0])
			}
			b = b[1:]
		}
		v[f] = n
	}
	year, whole := v["YYYY"]
	if !whole {
		year = v["CC"]*100 + v["YY"]
	}
	t := time.Date(year, time.Month(v["MM"]), v["DD"], v["hh"], v["mm"], v["ss"], 0, zone)
	if year < 1990 || year > 2099 || int(t.Month()) != v["MM"] || t.Day() != v["DD"] || v["hh"] > 23 || v["mm"] > 59 || v["ss"] > 59 {
		return time.Time{}, fmt.Errorf("clock shows no date and time (% X): %w", words, meter.ErrImplausible)
	}
	return t, nil
}

// Put writes a time as the clock's registers; bytes that mean nothing become zero.
func (c ClockMap) Put(t time.Time) []uint16 {
	v := map[string]int{
		"YYYY": t.Year(), "CC": t.Year() / 100, "YY": t.Year() % 100, "MM": int(t.Month()), "DD": t.Day(),
		"hh": t.Hour(), "mm": t.Minute(), "ss": t.Second(),
	}
	var b []byte
	for _, f := range c.Fields {
		n := v[f]
		switch {
		case fieldBytes[f] == 2 && c.BCD:
			b = append(b, packed(n/100), packed(n%100))
		case fieldBytes[f] == 2:
			b = binary.BigEndian.AppendUint16(b, uint16(n))
		case c.BCD:
			b = append(b, packed(n))
		default:
			b = append(b, byte(n))
		}
	}
	words := make([]uint16, len(b)/2)
	for i := range words {
		words[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return words
}

func packed(n int) byte { return byte(n/10<<4 | n%10) }

func (f fileAddress) resolve(m fileModbus) (*AddressMap, error) {
	if f.Address == nil {
		return nil, fmt.Errorf("modbus.address.address is missing")
	}
	r := Register{Name: "address", Function: 3, Kind: Kind(firstOf(f.Type, "u16")), Multiply: 1}
	r.Words, r.Order = words[r.Kind], Order(firstOf(f.Order, m.Order, string(ABCD)))
	address := *f.Address - m.Base
	switch {
	case r.Kind != U16 && r.Kind != F32:
		return nil, fmt.Errorf("modbus.address.type %q: u16 or f32", f.Type)
	case r.Order != ABCD && r.Order != CDAB && r.Order != BADC && r.Order != DCBA:
		return nil, fmt.Errorf("modbus.address.order %q is none of ABCD, CDAB, BADC, DCBA", r.Order)
	case address < 0 || address+r.Words > 0x10000:
		return nil, fmt.Errorf("modbus.address.address %d lies outside the table", *f.Address)
	}
	r.Address = uint16(address)
	return &AddressMap{r}, nil
}

// Put gives the registers that hold an address.
func (a AddressMap) Put(address byte) []uint16 {
	b := binary.BigEndian.AppendUint16(nil, uint16(address))
	if a.Register.Kind == F32 {
		b = binary.BigEndian.AppendUint32(nil, smallFloat(address))
	}
	b = a.Register.Order.apply(b) // its own inverse
	out := make([]uint16, len(b)/2)
	for i := range out {
		out[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return out
}

// smallFloat gives the bits of a whole number below 256 as float32.
func smallFloat(n byte) uint32 {
	if n == 0 {
		return 0
	}
	exponent := uint32(0)
	for n>>(exponent+1) != 0 {
		exponent++
	}
	return (127+exponent)<<23 | (uint32(n)<<(23-exponent))&0x7FFFFF
}
