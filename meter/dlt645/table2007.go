package dlt645

import "tally/meter/telegram"

// The items of the 2007 edition, appendix A: energies (A.1), demands (A.2), variables (A.3), parameters (A.4), freezes
// (A.6).

// energies2007 are the energies by DI2. The phases repeat 01 to 0A from 15, 29 and 3D on.
var energies2007 = map[byte]shape{
	0x00: {name: "energy", unit: "kWh", signed: true},
	0x01: {name: "energy_import", unit: "kWh"},
	0x02: {name: "energy_export", unit: "kWh"},
	0x03: {name: "energy_reactive_1", unit: "kvarh", signed: true},
	0x04: {name: "energy_reactive_2", unit: "kvarh", signed: true},
	0x05: {name: "energy_reactive_q1", unit: "kvarh"},
	0x06: {name: "energy_reactive_q2", unit: "kvarh"},
	0x07: {name: "energy_reactive_q3", unit: "kvarh"},
	0x08: {name: "energy_reactive_q4", unit: "kvarh"},
	0x09: {name: "energy_apparent_import", unit: "kVAh"},
	0x0A: {name: "energy_apparent_export", unit: "kVAh"},
	0x80: {name: "energy_associated", unit: "kWh"},
	0x81: {name: "energy_import_fundamental", unit: "kWh"},
	0x82: {name: "energy_export_fundamental", unit: "kWh"},
	0x83: {name: "energy_import_harmonic", unit: "kWh"},
	0x84: {name: "energy_export_harmonic", unit: "kWh"},
	0x85: {name: "energy_copper_loss", unit: "kWh"},
	0x86: {name: "energy_iron_loss", unit: "kWh"},
}

// demands2007 are the maximum demands by DI2.
var demands2007 = map[byte]shape{
	0x01: {name: "demand_import", unit: "kW"},
	0x02: {name: "demand_export", unit: "kW"},
	0x03: {name: "demand_reactive_1", unit: "kvar", signed: true},
	0x04: {name: "demand_reactive_2", unit: "kvar", signed: true},
	0x05: {name: "demand_reactive_q1", unit: "kvar"},
	0x06: {name: "demand_reactive_q2", unit: "kvar"},
	0x07: {name: "demand_reactive_q3", unit: "kvar"},
	0x08: {name: "demand_reactive_q4", unit: "kvar"},
	0x09: {name: "demand_apparent_import", unit: "kVA"},
	0x0A: {name: "demand_apparent_export", unit: "kVA"},
}

// variables2007 are the variables by DI2; those with a total have it in front of their phases.
var variables2007 = map[byte]struct {
	shape
	total bool
}{
	0x01: {shape{name: "voltage", bytes: 2, scale: 1, unit: "V"}, false},
	0x02: {shape{name: "current", bytes: 3, scale: 3, unit: "A", signed: true}, false},
	0x03: {shape{name: "power", bytes: 3, scale: 4, unit: "kW", signed: true}, true},
	0x04: {shape{name: "power_reactive", bytes: 3, scale: 4, unit: "kvar", signed: true}, true},
	0x05: {shape{name: "power_apparent", bytes: 3, scale: 4, unit: "kVA", signed: true}, true},
	0x06: {shape{name: "power_factor", bytes: 2, scale: 3, signed: true}, true},
	0x07: {shape{name: "phase_angle", bytes: 2, scale: 1, unit: "deg"}, false},
	0x08: {shape{name: "voltage_distortion", bytes: 2, scale: 2, unit: "%"}, false},
	0x09: {shape{name: "current_distortion", bytes: 2, scale: 2, unit: "%"}, false},
}

// single2007 are the items that stand alone.
var single2007 = map[uint32]shape{
	0x00900100: {name: "remaining", bytes: 4, scale: 2, unit: "kWh"},
	0x00900101: {name: "overdraft", bytes: 4, scale: 2, unit: "kWh"},
	0x00900200: {name: "remaining", bytes: 4, scale: 2, unit: "CNY"},
	0x00900201: {name: "overdraft", bytes: 4, scale: 2, unit: "CNY"},
	0x02800001: {name: "current_neutral", bytes: 3, scale: 3, unit: "A", signed: true},
	0x02800002: {name: "frequency", bytes: 2, scale: 2, unit: "Hz"},
	0x02800003: {name: "power_average", bytes: 3, scale: 4, unit: "kW", signed: true},
	0x02800004: {name: "demand", bytes: 3, scale: 4, unit: "kW", signed: true},
	0x02800005: {name: "demand_reactive", bytes: 3, scale: 4, unit: "kvar", signed: true},
	0x02800006: {name: "demand_apparent", bytes: 3, scale: 4, unit: "kVA", signed: true},
	0x02800007: {name: "temperature", bytes: 2, scale: 1, unit: "Cel", signed: true},
	0x02800008: {name: "battery", bytes: 2, scale: 2, unit: "V"},
	0x02800009: {name: "battery_reading", bytes: 2, scale: 2, unit: "V"},
	0x0280000A: {name: "battery_time", bytes: 4, unit: "min"},
	0x0280000B: {name: "price", bytes: 4, scale: 4, unit: "CNY/kWh"},
	0x04000101: {name: "date", bytes: 4, form: formDate},
	0x04000102: {name: "time", bytes: 3, form: formTime},
	0x04000103: {name: "demand_period", bytes: 1, unit: "min"},
	0x04000104: {name: "demand_slip", bytes: 1, unit: "min"},
	0x04000105: {name: "pulse_width", bytes: 2, unit: "ms"},
	0x0400010C: {name: "clock", bytes: 7, form: formClock},
	0x04000201: {name: "year_zones", bytes: 1},
	0x04000202: {name: "day_tables", bytes: 1},
	0x04000203: {name: "day_periods", bytes: 1},
	0x04000204: {name: "tariffs", bytes: 1},
	0x04000205: {name: "holidays", bytes: 2},
	0x04000306: {name: "current_ratio", bytes: 3},
	0x04000307: {name: "voltage_ratio", bytes: 3},
	0x04000401: {name: "meter_number", bytes: 6, form: formDigits}, // the address
	0x04000402: {name: "meter_number", bytes: 6, form: formDigits},
	0x04000403: {name: "asset_number", bytes: 32, form: formText},
	0x04000404: {name: "rated_voltage", bytes: 6, form: formText},
	0x04000405: {name: "rated_current", bytes: 6, form: formText},
	0x04000406: {name: "maximum_current", bytes: 6, form: formText},
	0x04000407: {name: "accuracy_active", bytes: 4, form: formText},
	0x04000408: {name: "accuracy_reactive", bytes: 4, form: formText},
	0x04000409: {name: "constant_active", bytes: 3, unit: "1/kWh"},
	0x0400040A: {name: "constant_reactive", bytes: 3, unit: "1/kvarh"},
	0x0400040B: {name: "model", bytes: 10, form: formText},
	0x0400040C: {name: "production_date", bytes: 10, form: formText},
	0x0400040D: {name: "protocol_version", bytes: 16, form: formText},
	0x0400040E: {name: "customer_number", bytes: 6, form: formDigits},
	0x04000B01: {name: "settlement_day_1", bytes: 2, form: formMonthly},
	0x04000B02: {name: "settlement_day_2", bytes: 2, form: formMonthly},
	0x04000B03: {name: "settlement_day_3", bytes: 2, form: formMonthly},
	0x04800001: {name: "software_version", bytes: 32, form: formText},
	0x04800002: {name: "hardware_version", bytes: 32, form: formText},
	0x04800003: {name: "maker", bytes: 32, form: formText},
}

// all stands for a whole row in a byte of an identifier.
const all = 0xFF

func shapes2007(code uint32, n int) ([]shape, bool) {
	if s, ok := single2007[code]; ok {
		return []shape{s}, true
	}
	di2, di1, di0 := byte(code>>16), byte(code>>8), byte(code)
	switch byte(code >> 24) {
	case 0x00:
		s, ok := energy2007(di2)
		return counted(s, ok, di1, di0, n)
	case 0x01:
		s, ok := demands2007[di2]
		return counted(demand(s), ok, di1, di0, n)
	case 0x02:
		return variable2007(di2, di1, di0, n)
	case 0x04:
		if di2 == 0 && di1 == 0x05 && (di0 >= 1 && di0 <= 7 || di0 == all) {
			return row(shape{name: "status_word", bytes: 2, form: formFlags}, n, func(s *shape, i int) {
				if di0 != all {
					i = int(di0) - 1
				}
				s.name += "_" + string(rune('1'+i))
			}), true
		}
	case 0x05:
		return frozen2007(di2, di1, di0, n)
	}
	return nil, false
}

func energy2007(di2 byte) (shape, bool) {
	phase := 0
	for i, first := range []byte{0x15, 0x29, 0x3D} {
		if di2 >= first && di2 < first+0x0A {
			di2, phase = di2-first+1, i+1
		}
	}
	s, ok := energies2007[di2]
	s.name += phases[phase]
	s.bytes, s.scale = 4, 2
	return s, ok
}

func demand(s shape) shape {
	s.bytes, s.scale, s.form, s.function = 8, 4, formDemand, telegram.Maximum
	return s
}

// counted are the values of one quantity: of one tariff and settlement, of all tariffs, or of all settlements.
func counted(s shape, ok bool, di1, di0 byte, n int) ([]shape, bool) {
	switch {
	case !ok || di1 > 63 && di1 != all || di0 > 12 && di0 != all || di1 == all && di0 == all:
		return nil, false
	case di1 == all:
		s.storage = uint64(di0)
		return row(s, n, byTariff), true
	case di0 == all:
		s.tariff = uint64(di1)
		return row(s, n, byStorage), true
	}
	s.tariff, s.storage = uint64(di1), uint64(di0)
	return []shape{s}, true
}

func variable2007(di2, di1, di0 byte, n int) ([]shape, bool) {
	v, ok := variables2007[di2]
	first := 1
	if v.total {
		first = 0
	}
	switch {
	case !ok || di0 != 0:
		return nil, false
	case di1 == all:
		shapes := row(v.shape, n, func(s *shape, i int) { s.name += phases[min(i+first, 3)] })
		return shapes, n == 0 || len(shapes) <= 4-first
	case int(di1) < first || di1 > 3:
		return nil, false
	}
	v.name += phases[di1]
	return []shape{v.shape}, true
}

// frozen2007 are the freezes: at set times (00), at once (01), at changes of tables (02, 03), hourly (04), daily (06).
// The lowest byte counts back.
func frozen2007(di2, di1, di0 byte, n int) ([]shape, bool) {
	if di0 == 0 || di2 > 0x04 && di2 != 0x06 {
		return nil, false
	}
	s := shape{name: "frozen", bytes: 5, form: formMoment}
	var ok bool
	switch {
	case di1 == 0x00:
		s.storage = uint64(di0)
		return []shape{s}, true
	case di2 == 0x04 && di1 > 0x02:
		return nil, false
	case di1 <= 0x08:
		s, ok = energy2007(di1)
	case di1 <= 0x0A:
		s, ok = demands2007[di1-0x08]
		s = demand(s)
	}
	if !ok {
		return nil, false
	}
	s.storage = uint64(di0)
	return row(s, n, byTariff), true
}
