package mbus

import (
	"fmt"
	"strings"

	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// meaning is what a value is.
type meaning struct {
	name     string
	unit     quantity.Unit
	exponent int  // the number is the raw one × 10^exponent
	when     bool // a date or time
}

// span is a run of VIF codes from first on whose low bits (mask) count exponents or units.
type span struct {
	first    byte
	mask     byte
	name     string
	unit     quantity.Unit
	exponent int             // of the first code; each next is ten times it
	units    []quantity.Unit // if set, the low bits choose the unit instead
	when     bool
}

var durations = []quantity.Unit{"s", "min", "h", "d"}

// primary is EN 13757-3, table 10: codes without their extension bit.
var primary = []span{
	{first: 0x00, mask: 7, name: "energy", unit: "Wh", exponent: -3},
	{first: 0x08, mask: 7, name: "energy", unit: "J"},
	{first: 0x10, mask: 7, name: "volume", unit: "m3", exponent: -6},
	{first: 0x18, mask: 7, name: "mass", unit: "kg", exponent: -3},
	{first: 0x20, mask: 3, name: "on_time", units: durations},
	{first: 0x24, mask: 3, name: "operating_time", units: durations},
	{first: 0x28, mask: 7, name: "power", unit: "W", exponent: -3},
	{first: 0x30, mask: 7, name: "power", unit: "J/h"},
	{first: 0x38, mask: 7, name: "flow", unit: "m3/h", exponent: -6},
	{first: 0x40, mask: 7, name: "flow", unit: "m3/min", exponent: -7},
	{first: 0x48, mask: 7, name: "flow", unit: "m3/s", exponent: -9},
	{first: 0x50, mask: 7, name: "mass_flow", unit: "kg/h", exponent: -3},
	{first: 0x58, mask: 3, name: "temperature_supply", unit: "Cel", exponent: -3},
	{first: 0x5C, mask: 3, name: "temperature_return", unit: "Cel", exponent: -3},
	{first: 0x60, mask: 3, name: "temperature_difference", unit: "K", exponent: -3},
	{first: 0x64, mask: 3, name: "temperature_external", unit: "Cel", exponent: -3},
	{first: 0x68, mask: 3, name: "pressure", unit: "bar", exponent: -3},
	{first: 0x6C, mask: 0, name: "date", when: true},
	{first: 0x6D, mask: 0, name: "clock", when: true},
	{first: 0x6E, mask: 0, name: "heat_cost_allocation"},
	{first: 0x70, mask: 3, name: "averaging_duration", units: durations},
	{first: 0x74, mask: 3, name: "actuality_duration", units: durations},
	{first: 0x78, mask: 0, name: "fabrication_number"},
	{first: 0x79, mask: 0, name: "identification"},
	{first: 0x7A, mask: 0, name: "bus_address"},
}

var longDurations = []quantity.Unit{"h", "d", "mo", "a"}

// extensionFD is EN 13757-3, table 12: codes behind FD.
var extensionFD = []span{
	{first: 0x00, mask: 3, name: "credit", exponent: -3},
	{first: 0x04, mask: 3, name: "debit", exponent: -3},
	{first: 0x08, mask: 0, name: "access_number"},
	{first: 0x09, mask: 0, name: "medium"},
	{first: 0x0A, mask: 0, name: "manufacturer"},
	{first: 0x0B, mask: 0, name: "parameter_set"},
	{first: 0x0C, mask: 0, name: "model"},
	{first: 0x0D, mask: 0, name: "hardware_version"},
	{first: 0x0E, mask: 0, name: "firmware_version"},
	{first: 0x0F, mask: 0, name: "software_version"},
	{first: 0x10, mask: 0, name: "customer_location"},
	{first: 0x11, mask: 0, name: "customer"},
	{first: 0x12, mask: 0, name: "access_code_user"},
	{first: 0x13, mask: 0, name: "access_code_operator"},
	{first: 0x14, mask: 0, name: "access_code_system"},
	{first: 0x15, mask: 0, name: "access_code_developer"},
	{first: 0x16, mask: 0, name: "password"},
	{first: 0x17, mask: 0, name: "error_flags"},
	{first: 0x18, mask: 0, name: "error_mask"},
	{first: 0x1A, mask: 0, name: "digital_output"},
	{first: 0x1B, mask: 0, name: "digital_input"},
	{first: 0x1C, mask: 0, name: "baud_rate", unit: "Bd"},
	{first: 0x1D, mask: 0, name: "response_delay"},
	{first: 0x1E, mask: 0, name: "retry"},
	{first: 0x20, mask: 0, name: "storage_first"},
	{first: 0x21, mask: 0, name: "storage_last"},
	{first: 0x22, mask: 0, name: "storage_block_size"},
	{first: 0x24, mask: 3, name: "storage_interval", units: durations},
	{first: 0x28, mask: 0, name: "storage_interval", unit: "mo"},
	{first: 0x29, mask: 0, name: "storage_interval", unit: "a"},
	{first: 0x2C, mask: 3, name: "readout_age", units: durations},
	{first: 0x30, mask: 0, name: "tariff_start", when: true},
	{first: 0x31, mask: 0, name: "tariff_duration", unit: "min"},
	{first: 0x32, mask: 0, name: "tariff_duration", unit: "h"},
	{first: 0x33, mask: 0, name: "tariff_duration", unit: "d"},
	{first: 0x34, mask: 3, name: "tariff_period", units: durations},
	{first: 0x38, mask: 0, name: "tariff_period", unit: "mo"},
	{first: 0x39, mask: 0, name: "tariff_period", unit: "a"},
	{first: 0x3A, mask: 0, name: "number"},
	{first: 0x40, mask: 15, name: "voltage", unit: "V", exponent: -9},
	{first: 0x50, mask: 15, name: "current", unit: "A", exponent: -12},
	{first: 0x60, mask: 0, name: "reset_counter"},
	{first: 0x61, mask: 0, name: "cumulation_counter"},
	{first: 0x62, mask: 0, name: "control_signal"},
	{first: 0x63, mask: 0, name: "day_of_week"},
	{first: 0x64, mask: 0, name: "week_number"},
	{first: 0x65, mask: 0, name: "day_change_time"},
	{first: 0x66, mask: 0, name: "parameter_activation"},
	{first: 0x67, mask: 0, name: "supplier_information"},
	{first: 0x68, mask: 3, name: "cumulation_age", units: longDurations},
	{first: 0x6C, mask: 3, name: "battery_operating_time", units: longDurations},
	{first: 0x70, mask: 0, name: "battery_change", when: true},
	{first: 0x74, mask: 0, name: "battery_remaining", unit: "d"},
}

// extensionFB is EN 13757-3, table 14: codes behind FB.
var extensionFB = []span{
	{first: 0x00, mask: 1, name: "energy", unit: "MWh", exponent: -1},
	{first: 0x02, mask: 1, name: "energy_reactive", unit: "kvarh"},
	{first: 0x08, mask: 1, name: "energy", unit: "GJ", exponent: -1},
	{first: 0x0C, mask: 3, name: "energy", unit: "Mcal", exponent: -1},
	{first: 0x10, mask: 1, name: "volume", unit: "m3", exponent: 2},
	{first: 0x14, mask: 3, name: "power_reactive", unit: "kvar", exponent: -3},
	{first: 0x18, mask: 1, name: "mass", unit: "t", exponent: 2},
	{first: 0x1A, mask: 1, name: "humidity", unit: "%", exponent: -1},
	{first: 0x20, mask: 0, name: "volume", unit: "ft3"},
	{first: 0x21, mask: 0, name: "volume", unit: "ft3", exponent: -1},
	{first: 0x22, mask: 0, name: "volume", unit: "gal", exponent: -1},
	{first: 0x23, mask: 0, name: "volume", unit: "gal"},
	{first: 0x24, mask: 0, name: "flow", unit: "gal/min", exponent: -3},
	{first: 0x25, mask: 0, name: "flow", unit: "gal/min"},
	{first: 0x26, mask: 0, name: "flow", unit: "gal/h"},
	{first: 0x28, mask: 1, name: "power", unit: "MW", exponent: -1},
	{first: 0x2A, mask: 0, name: "phase_voltage", unit: "deg", exponent: -1},
	{first: 0x2B, mask: 0, name: "phase_current", unit: "deg", exponent: -1},
	{first: 0x2C, mask: 3, name: "frequency", unit: "Hz", exponent: -3},
	{first: 0x30, mask: 1, name: "power", unit: "GJ/h", exponent: -1},
	{first: 0x34, mask: 3, name: "energy_apparent", unit: "kVAh", exponent: -1},
	{first: 0x38, mask: 3, name: "power_apparent", unit: "kVA", exponent: -3},
	{first: 0x58, mask: 3, name: "temperature_supply", unit: "degF", exponent: -3},
	{first: 0x5C, mask: 3, name: "temperature_return", unit: "degF", exponent: -3},
	{first: 0x60, mask: 3, name: "temperature_difference", unit: "degF", exponent: -3},
	{first: 0x64, mask: 3, name: "temperature_external", unit: "degF", exponent: -3},
	{first: 0x70, mask: 3, name: "temperature_limit", unit: "degF", exponent: -3},
	{first: 0x74, mask: 3, name: "temperature_limit", unit: "Cel", exponent: -3},
	{first: 0x78, mask: 7, name: "power_maximum_cumulated", unit: "W", exponent: -3},
}

func lookUp(table []span, code byte) (meaning, bool) {
	for _, s := range table {
		if code&^s.mask != s.first {
			continue
		}
		n := int(code & s.mask)
		m := meaning{name: s.name, unit: s.unit, exponent: s.exponent + n, when: s.when}
		if s.units != nil {
			m.unit, m.exponent = s.units[n], 0
		}
		return m, true
	}
	return meaning{}, false
}

// VIFs with a meaning of their own, without their extension bit.
const (
	vifFB    = 0x7B
	vifText  = 0x7C
	vifFD    = 0x7D
	vifAny   = 0x7E
	vifMaker = 0x7F
)

// meaning reads VIF and VIFE.
func (r *reader) meaning(coding byte) (meaning, *telegram.Problem) {
	at := r.pos
	vif, p := r.byte()
	if p != nil {
		return meaning{}, p
	}
	code, more := vif&^extension, vif&extension != 0
	var m meaning
	ok := true
	switch {
	case code == vifText:
		if m, p = r.plainText(); p != nil {
			return m, p
		}
	case code == vifFB && more, code == vifFD && more:
		e, p := r.byte()
		if p != nil {
			return m, p
		}
		table := extensionFB
		if code == vifFD {
			table = extensionFD
		}
		m, ok = lookUp(table, e&^extension)
		more = e&extension != 0
	case code == vifAny:
		m = meaning{name: "any"}
	case code == vifMaker:
		m = meaning{name: "manufacturer_specific"}
	default:
		m, ok = lookUp(primary, code)
	}
	if !ok {
		return m, &telegram.Problem{Code: telegram.Unknown, Offset: at, Got: telegram.Hex(r.b[at:r.pos]...), Text: "VIF has no meaning in the standard", Class: meter.ErrMalformed}
	}
	return r.corrections(m, more, code == vifMaker, coding)
}

// plainText reads a unit that the meter spells out.
func (r *reader) plainText() (meaning, *telegram.Problem) {
	n, p := r.byte()
	if p != nil {
		return meaning{}, p
	}
	b, p := r.take(int(n))
	if p != nil {
		return meaning{}, p
	}
	return meaning{name: "plain_text", unit: quantity.Unit(latin(b))}, nil
}

// corrections reads the VIFE that follow (EN 13757-3, table 15): they change exponent, unit or name.
func (r *reader) corrections(m meaning, more, maker bool, coding byte) (meaning, *telegram.Problem) {
	var notes []string
	for n := 0; more; n++ {
		if n == maxExtensions {
			return m, r.tooMany("VIFE")
		}
		at := r.pos
		e, p := r.byte()
		if p != nil {
			return m, p
		}
		more = e&extension != 0
		if maker {
			continue // what follows FF is the maker's own
		}
		code := e &^ extension
		if code == vifMaker {
			maker = true
			notes = append(notes, "manufacturer_specific")
			continue
		}
		note, ok := m.correct(code, coding)
		if !ok {
			return m, &telegram.Problem{Code: telegram.Unknown, Offset: at, Got: telegram.Hex(e), Text: "VIFE has no meaning in the standard", Class: meter.ErrMalformed}
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	if len(notes) > 0 {
		m.name += "_" + strings.Join(notes, "_")
	}
	return m, nil
}

// notes are VIFE that say more about the value, EN 13757-3, table 15.
var notes = map[byte]string{
	0x12: "average", 0x13: "inverse_compact_profile", 0x14: "relative_deviation", 0x1D: "standard_conform",
	0x1E: "compact_profile_register", 0x1F: "compact_profile",
	0x20: "per_second", 0x21: "per_minute", 0x22: "per_hour", 0x23: "per_day", 0x24: "per_week", 0x25: "per_month", 0x26: "per_year",
	0x27: "per_revolution", 0x28: "per_input_pulse_0", 0x29: "per_input_pulse_1", 0x2A: "per_output_pulse_0", 0x2B: "per_output_pulse_1",
	0x2C: "per_litre", 0x2D: "per_m3", 0x2E: "per_kg", 0x2F: "per_K", 0x30: "per_kWh", 0x31: "per_GJ", 0x32: "per_kW",
	0x33: "per_K_litre", 0x34: "per_V", 0x35: "per_A", 0x36: "times_s", 0x37: "times_s_per_V", 0x38: "times_s_per_A",
	0x39: "start_of", 0x3A: "uncorrected", 0x3B: "forward", 0x3C: "backward", 0x3D: "non_metric_unit",
	0x3E: "at_base_conditions", 0x3F: "obis",
	0x40: "lower_limit", 0x48: "upper_limit", 0x41: "exceeds_of_lower_limit", 0x49: "exceeds_of_upper_limit",
	0x7E: "future",
}

// correct applies one VIFE; false if the standard does not know it.
func (m *meaning) correct(code, coding byte) (note string, ok bool) {
	switch {
	case code == 0:
		return "", true // no error
	case code <= 0x1C && recordErrors[code] != "":
		return "error_" + recordErrors[code], true
	case code >= 0x70 && code <= 0x77: // 10^(nnn−6)
		m.exponent += int(code&7) - 6
		return "", true
	case code >= 0x78 && code <= 0x7B: // an addend, which we cannot apply to what we do not know the unit of
		return fmt.Sprintf("plus_1e%d", int(code&3)-3), true
	case code == 0x7D:
		m.exponent += 3
		return "", true
	case code >= 0x40 && code <= 0x4F && code&2 != 0, code >= 0x68 && code <= 0x6F && code&2 != 0:
		m.when, m.unit = true, ""
		return "date_of", true
	case code >= 0x50 && code <= 0x67:
		m.unit, m.exponent, m.when = durations[code&3], 0, false
		return "duration_of", true
	}
	note, ok = notes[code]
	if code == 0x39 { // start (date and time) of
		m.when, m.unit = coding == 2 || coding == 4 || coding == 6, ""
	}
	return note, ok
}

// recordErrors are what a meter says of a record instead of measuring it, EN 13757-3, table 16.
var recordErrors = map[byte]string{
	0x01: "too_many_dife", 0x02: "storage_not_implemented", 0x03: "unit_not_implemented", 0x04: "tariff_not_implemented",
	0x05: "function_not_implemented", 0x06: "data_class_not_implemented", 0x07: "data_size_not_implemented",
	0x0B: "too_many_vife", 0x0C: "illegal_vif_group", 0x0D: "illegal_vif_exponent", 0x0E: "vif_dif_mismatch", 0x0F: "unimplemented_action",
	0x15: "no_data", 0x16: "overflow", 0x17: "underflow", 0x18: "data_error", 0x1C: "premature_end",
}
