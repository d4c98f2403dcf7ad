package cjt188

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// Variant says where a maker leaves the standard. The zero value lets the codec find out where it can.
type Variant struct {
	SwappedItem bool       // questions carry the identifier low byte first: 1F 90
	Units       Place      // where a unit stands
	Clock       ClockOrder // of a clock's bytes
	Litres      int        // decimals of a value in litres; 0 = none, as meters in the field do
	NoStatus    bool       // the status bytes mean something else
	Mirrored    bool       // the first status byte has its bits numbered from the other end

	MoreUnits map[byte]quantity.Unit // codes that the standard does not have
}

// Place is where the unit of a value stands.
type Place int

// Places.
const (
	PlaceAuto Place = iota
	After           // value, then unit: the standard
	Before          // unit, then value
)

// ClockOrder is the order of a clock's seven bytes.
type ClockOrder int

// Orders of a clock.
const (
	ClockAuto ClockOrder = iota
	LowFirst             // seconds first: the standard
	HighFirst            // century first
)

// units by their code, CJ/T 188-2004, table 3. The hundreds are units of their own: no conversion happens here.
var units = map[byte]quantity.Unit{
	0x01: "J", 0x02: "Wh", 0x05: "kWh", 0x08: "MWh", 0x0A: "100MWh", 0x0B: "kJ", 0x0E: "MJ", 0x11: "GJ", 0x13: "100GJ",
	0x14: "W", 0x17: "kW", 0x1A: "MW", 0x29: quantity.UnitLitre, 0x2C: quantity.UnitCubicMetre,
	0x32: quantity.UnitLitrePerH, 0x35: quantity.UnitCubicMPerH,
}

// Decoded is what a frame says.
type Decoded struct {
	Item     Item
	Serial   byte
	Values   []telegram.Value
	Problems []*telegram.Problem // what could not be understood or is ambiguous; offsets within Data
}

// Decode explains the data of a frame. Its error is the first problem that makes the values unusable; ambiguities are
// only listed.
func (f Frame) Decode(v Variant) (Decoded, error) { return f.decode(v, false) }

// decode is Decode; a lenient one takes values without a unit too.
func (f Frame) decode(v Variant, lenient bool) (Decoded, error) {
	if f.Refusal() {
		return f.refusal()
	}
	if len(f.Data) < 3 {
		return Decoded{}, telegram.Short(len(f.Data), 3)
	}
	item, _ := itemOf(f.Data)
	d := &decoder{Decoded: Decoded{Item: item, Serial: f.Data[2]}, variant: v, lenient: lenient, rest: f.Data[3:], at: 3}
	if len(d.rest) > 0 {
		d.item(f)
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail(&telegram.Problem{Code: telegram.Length, Got: telegram.Hex(d.rest...), Text: "bytes that the item does not have", Class: meter.ErrMalformed})
	}
	if d.err != nil {
		d.Values = nil
		return d.Decoded, d.err
	}
	return d.Decoded, nil
}

func (f Frame) refusal() (Decoded, error) {
	if len(f.Data) != 3 {
		return Decoded{}, &telegram.Problem{Code: telegram.Length, Want: "3 bytes", Got: fmt.Sprintf("%d bytes", len(f.Data)), Text: "a refusal has serial number and status", Class: meter.ErrMalformed}
	}
	p := &telegram.Problem{Code: telegram.Refused, Offset: 1, Got: telegram.Hex(f.Data[1:]...), Text: "meter refuses; its status", Class: meter.ErrException}
	return Decoded{Serial: f.Data[0], Problems: []*telegram.Problem{p}}, p
}

// decoder takes values from the front of the data. After the first error it takes nothing more.
type decoder struct {
	Decoded
	variant Variant
	lenient bool
	many    bool   // the item holds values besides the first
	first   string // the value that the item is about
	rest    []byte
	at      int
	err     error
}

// fail notes a problem at the next byte to be taken.
func (d *decoder) fail(p *telegram.Problem) {
	if d.err == nil {
		p = p.At(d.at)
		d.Problems = append(d.Problems, p)
		d.err = p
	}
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || len(d.rest) < n {
		d.fail(&telegram.Problem{Code: telegram.Length, Want: fmt.Sprintf("%d more bytes", n), Got: fmt.Sprintf("%d", len(d.rest)), Text: "item is too short", Class: meter.ErrMalformed})
		return nil
	}
	b := d.rest[:n]
	d.rest, d.at = d.rest[n:], d.at+n
	return b
}

func (d *decoder) add(v telegram.Value) {
	v.Function = telegram.Instantaneous
	d.Values = append(d.Values, v)
}

// item decodes what belongs to the identifier.
func (d *decoder) item(f Frame) {
	switch {
	case d.Item == Current && d.heats(f.Kind):
		d.heat()
	case d.Item == Current:
		d.counter()
	case d.Item >= History1 && d.Item <= History12:
		d.measured("volume", 0, 2)
		if n := len(d.Values); n > 0 {
			d.Values[n-1].Storage = uint64(d.Item-History1) + 1
		}
	case d.Item == Valve && len(d.rest) == 1:
		d.valveCommand()
	case d.Item == Valve:
		d.status()
	case d.Item == Clock:
		d.clock()
	case d.Item == Purchase:
		d.purchase()
	case d.Item == Prices:
		d.prices()
	case d.Item == SettlementDay || d.Item == ReadingDay || (d.Item == SetSettlementDay || d.Item == SetReadingDay) && !f.Answer():
		d.number(dayNames[d.Item], 1, 0, "")
	case d.Item == KeyVersion && f.Answer():
		d.number("key_version", 1, 0, "")
	case d.Item == OwnAddress && f.Answer():
		d.address()
	case d.Item == SetCounter && !f.Answer():
		d.measured("volume", 0, 2)
	case d.Item == SetAddress && !f.Answer():
		d.address()
	case d.Item == SetPrices && !f.Answer():
		d.prices()
		if len(d.rest) > 0 {
			d.number("price_day", 1, 0, "")
		}
	case d.Item == SetPurchase:
		d.number("purchase_number", 1, 0, "")
		d.number("purchase", 4, 2, "")
	case d.Item == SetKey && (f.Answer() || len(d.rest) > 1):
		d.number("key_version", 1, 0, "")
		d.take(len(d.rest)) // the key itself is nobody's business
	case len(d.rest) == 2 && f.Answer():
		d.status() // what most answers to a write carry
	default:
		d.fail(&telegram.Problem{Code: telegram.Unknown, Got: d.Item.String(), Text: "data identifier is not known", Class: meter.ErrMalformed})
	}
}

var dayNames = map[Item]string{
	SettlementDay: "settlement_day", ReadingDay: "reading_day", SetSettlementDay: "settlement_day", SetReadingDay: "reading_day",
}

// Lengths of 901F behind the serial number.
const (
	counterSize = 19
	heatSize    = 43
)

// heats tells whether 901F is a heat meter's. The length decides before the kind: meters that count heat beside water
// send one under the other's kind.
func (d *decoder) heats(k Kind) bool {
	switch len(d.rest) {
	case counterSize:
		return false
	case heatSize:
		return true
	}
	return k.class() == Heat
}

func (d *decoder) address() {
	if b := d.take(7); b != nil {
		d.add(telegram.Value{Name: "address", Text: Address(b).String()})
	}
}

// counter is 901F of a water or gas meter.
func (d *decoder) counter() {
	d.many, d.first = true, "volume"
	place := d.place(5)
	d.measured("volume", place, 2)
	d.measured("volume_settlement", place, 2)
	d.clock()
	d.status()
}

// heat is 901F of a heat meter.
func (d *decoder) heat() {
	d.many, d.first = true, "energy"
	place := d.place(5)
	for _, v := range []struct {
		name     string
		decimals uint8
	}{{"energy_settlement", 2}, {"energy", 2}, {"power", 2}, {"flow", 4}, {"volume", 2}} {
		d.measured(v.name, place, v.decimals)
	}
	d.number("temperature_supply", 3, 2, quantity.UnitCelsius)
	d.number("temperature_return", 3, 2, quantity.UnitCelsius)
	d.number("operating_time", 3, 0, quantity.UnitHour)
	d.clock()
	d.status()
}

// place finds out where units stand by looking at the first two values of size bytes.
func (d *decoder) place(size int) Place {
	if d.variant.Units != PlaceAuto || len(d.rest) < 2*size {
		return d.variant.Units
	}
	after, before := d.fits(size, size-1, 0, false), d.fits(size, 0, 1, false)
	if !after && !before && d.lenient {
		after, before = d.fits(size, size-1, 0, true), d.fits(size, 0, 1, true)
	}
	switch {
	case after && before:
		d.Problems = append(d.Problems, &telegram.Problem{
			Code: telegram.Ambiguous, Offset: d.at, Text: "unit may stand before or after its value; read as the standard says", Class: meter.ErrMalformed, Note: true,
		})
		return After
	case before:
		return Before
	}
	return After
}

// fits tells whether the next two values of size bytes have a unit at byte unit and digits from byte value on; open lets
// 00 be a unit.
func (d *decoder) fits(size, unit, value int, open bool) bool {
	for _, from := range []int{0, size} {
		code := d.rest[from+unit]
		if _, ok := d.unit(code); !ok && !(open && code == 0) {
			return false
		}
		digits := d.rest[from+value : from+value+size-1]
		if _, p := telegram.Digits(digits); p != nil && !ones(digits) {
			return false
		}
	}
	return true
}

// unit is what a code stands for.
func (d *decoder) unit(code byte) (quantity.Unit, bool) {
	if u, ok := d.variant.MoreUnits[code]; ok {
		return u, true
	}
	u, ok := units[code]
	return u, ok
}

// measured takes a value with its unit.
func (d *decoder) measured(name string, place Place, decimals uint8) {
	if place == PlaceAuto {
		place = d.variant.Units
	}
	from := d.at
	b := d.take(5)
	if b == nil {
		return
	}
	digits, code, offset := b[:4], b[4], 4
	if place == Before {
		digits, code, offset = b[1:], b[0], 0
	}
	unit, ok := d.unit(code)
	if !ok && code == 0 && d.lenient {
		ok = true
		d.Problems = append(d.Problems, &telegram.Problem{Code: telegram.Unknown, Offset: from + offset, Got: telegram.Hex(code), Text: "meter names no unit", Class: meter.ErrMalformed, Note: true})
	}
	if !ok {
		d.at = from
		d.fail(&telegram.Problem{Code: telegram.Unknown, Offset: offset, Got: telegram.Hex(code), Text: "unit of " + name + " is not known", Class: meter.ErrMalformed})
		return
	}
	if d.absent(name, from+(offset+1)%5, digits) {
		return
	}
	n, p := telegram.Digits(digits)
	if p != nil {
		d.at = from
		d.fail(p.At((offset + 1) % 5))
		return
	}
	if energies[unit] {
		name = strings.Replace(name, "volume", "energy", 1)
	}
	if unit == quantity.UnitLitre {
		decimals = uint8(max(d.variant.Litres, 0))
	}
	d.add(telegram.Value{Name: name, Number: quantity.Decimal{Unscaled: n, Scale: decimals}, Unit: unit})
}

// energies are the units that make a counter one of energy.
var energies = map[quantity.Unit]bool{"J": true, "Wh": true, "kWh": true, "MWh": true, "100MWh": true, "kJ": true, "MJ": true, "GJ": true, "100GJ": true}

// number takes a value of n bytes whose unit is fixed.
func (d *decoder) number(name string, n int, decimals uint8, unit quantity.Unit) {
	from := d.at
	b := d.take(n)
	if b == nil {
		return
	}
	if d.absent(name, from, b) {
		return
	}
	v, p := telegram.Digits(b)
	if p != nil {
		d.at = from
		d.fail(p)
		return
	}
	d.add(telegram.Value{Name: name, Number: quantity.Decimal{Unscaled: v, Scale: decimals}, Unit: unit})
}

// absent notes a value for which a meter sends FF only: one without a settlement day or a temperature sensor. It is left
// out. A reading's first value cannot be absent.
func (d *decoder) absent(name string, at int, b []byte) bool {
	if !d.many || name == d.first || !ones(b) {
		return false
	}
	d.Problems = append(d.Problems, &telegram.Problem{Code: telegram.BCD, Offset: at, Got: telegram.Hex(b...), Text: "meter has no value here", Class: meter.ErrMalformed, Note: true})
	return true
}

func ones(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0xFF }) }

// prices of three tiers, with the two limits between them.
func (d *decoder) prices() {
	for i, name := range []string{"price_1", "tier_1", "price_2", "tier_2", "price_3"} {
		decimals, unit := uint8(2), quantity.Unit("")
		if i%2 == 1 {
			decimals, unit = 0, quantity.UnitCubicMetre
		}
		d.number(name, 3, decimals, unit)
	}
}

func (d *decoder) purchase() {
	d.number("purchase_number", 1, 0, "")
	d.number("purchase", 4, 2, "")
	d.number("purchase_total", 4, 2, "")
	d.number("remaining", 4, 2, "")
	d.status()
}

// Bits of the first status byte.
const (
	valveBits  = 0x03
	batteryBit = 0x04
)

var valves = map[byte]string{0: "open", 1: "closed", 3: "fault"}

// status takes the two status bytes; the second is the maker's.
func (d *decoder) status() {
	b := d.take(2)
	if b == nil || d.variant.NoStatus {
		return
	}
	first := b[0]
	if d.variant.Mirrored {
		first = bits.Reverse8(first)
	}
	if !d.variant.Mirrored && first&(valveBits|batteryBit) == 0 && bits.Reverse8(first)&(valveBits|batteryBit) != 0 {
		d.Problems = append(d.Problems, &telegram.Problem{
			Code: telegram.Ambiguous, Offset: d.at - 2, Got: telegram.Hex(b[0]), Text: "status bits may be numbered from the other end; read as the standard says", Class: meter.ErrMalformed, Note: true,
		})
	}
	valve, ok := valves[first&valveBits]
	if !ok {
		valve = "unknown"
	}
	low, text := int64(0), "good"
	if first&batteryBit != 0 {
		low, text = 1, "low"
	}
	d.add(telegram.Value{Name: "valve", Number: quantity.Decimal{Unscaled: int64(first & valveBits)}, Text: valve})
	d.add(telegram.Value{Name: "battery", Number: quantity.Decimal{Unscaled: low}, Text: text})
	d.add(telegram.Value{Name: "status", Text: telegram.Hex(b...)})
}

func (d *decoder) valveCommand() {
	b := d.take(1)
	if b == nil {
		return
	}
	text, ok := map[byte]string{valveOpen: "open", valveClose: "close"}[b[0]]
	if !ok {
		d.at--
		d.fail(&telegram.Problem{Code: telegram.Content, Got: telegram.Hex(b...), Want: "55 or 99", Text: "valve command is neither open nor close", Class: meter.ErrMalformed})
		return
	}
	d.add(telegram.Value{Name: "valve_command", Text: text})
}
