package dlt645

import "tally/meter/telegram"

// The items of the 1997 edition, appendix A. Energies and demands have their month in DI1 (90 now, 94 last, 98 the one
// before) and their tariff in the low nibble of DI0; F there is the whole row.

var energies1997 = map[byte]shape{
	0x01: {name: "energy", unit: "kWh"},
	0x02: {name: "energy_export", unit: "kWh"},
	0x11: {name: "energy_reactive_import", unit: "kvarh"},
	0x12: {name: "energy_reactive_export", unit: "kvarh"},
	0x13: {name: "energy_reactive_q1", unit: "kvarh"},
	0x14: {name: "energy_reactive_q4", unit: "kvarh"},
	0x15: {name: "energy_reactive_q2", unit: "kvarh"},
	0x16: {name: "energy_reactive_q3", unit: "kvarh"},
}

var demands1997 = map[byte]shape{
	0x01: {name: "demand_import", unit: "kW"},
	0x02: {name: "demand_export", unit: "kW"},
	0x11: {name: "demand_reactive_import", unit: "kvar"},
	0x12: {name: "demand_reactive_export", unit: "kvar"},
	0x13: {name: "demand_reactive_q1", unit: "kvar"},
	0x14: {name: "demand_reactive_q4", unit: "kvar"},
	0x15: {name: "demand_reactive_q2", unit: "kvar"},
	0x16: {name: "demand_reactive_q3", unit: "kvar"},
}

// variables1997 are the variables by the high nibble of B6xx; those with a total have it at 0.
var variables1997 = map[byte]struct {
	shape
	total bool
}{
	0x1: {shape{name: "voltage", bytes: 2, unit: "V"}, false},
	0x2: {shape{name: "current", bytes: 2, scale: 2, unit: "A"}, false},
	0x3: {shape{name: "power", bytes: 3, scale: 4, unit: "kW"}, true},
	0x4: {shape{name: "power_reactive", bytes: 2, scale: 2, unit: "kvar"}, true},
	0x5: {shape{name: "power_factor", bytes: 2, scale: 3}, true},
}

var single1997 = map[uint16]shape{
	0xB210: {name: "programmed", bytes: 4, form: formYearly},
	0xB211: {name: "demand_cleared", bytes: 4, form: formYearly},
	0xB212: {name: "program_counter", bytes: 2},
	0xB213: {name: "demand_clear_counter", bytes: 2},
	0xB214: {name: "battery_time", bytes: 3, unit: "min"},
	0xB310: {name: "phase_loss_counter", bytes: 2},
	0xB320: {name: "phase_loss_time", bytes: 3, unit: "min"},
	0xC010: {name: "date", bytes: 4, form: formDate},
	0xC011: {name: "time", bytes: 3, form: formTime},
	0xC020: {name: "status_meter", bytes: 1, form: formFlags},
	0xC021: {name: "status_grid", bytes: 1, form: formFlags},
	0xC022: {name: "status_zone", bytes: 1, form: formFlags},
	0xC030: {name: "constant_active", bytes: 3, unit: "1/kWh"},
	0xC031: {name: "constant_reactive", bytes: 3, unit: "1/kvarh"},
	0xC032: {name: "meter_number", bytes: 6, form: formDigits},
	0xC033: {name: "customer_number", bytes: 6, form: formDigits},
	0xC034: {name: "device_number", bytes: 6, form: formDigits},
	0xC111: {name: "demand_period", bytes: 1, unit: "min"},
	0xC112: {name: "demand_slip", bytes: 1, unit: "min"},
	0xC117: {name: "reading_day", bytes: 2, form: formMonthly},
	0xC119: {name: "energy_start", bytes: 4, scale: 2, unit: "kWh"},
	0xC11A: {name: "energy_reactive_start", bytes: 4, scale: 2, unit: "kvarh"},
}

func shapes1997(di uint16, n int) ([]shape, bool) {
	if s, ok := single1997[di]; ok {
		return []shape{s}, true
	}
	hi, lo := byte(di>>8), byte(di)
	if hi == 0xB6 {
		return variable1997(lo>>4, lo&0x0F, n)
	}
	// 90 and 91 now, 94 and 95 last month, 98 and 99 the month before; the same from A0 and B0 on.
	if hi&0x0F > 0x09 || hi&0x02 != 0 {
		return nil, false
	}
	kind := hi&0x01<<4 | lo>>4
	var s shape
	var ok bool
	switch hi >> 4 {
	case 0x9:
		s, ok = energies1997[kind]
		s.bytes, s.scale = 4, 2
	case 0xA:
		s, ok = demands1997[kind]
		s.bytes, s.scale, s.function = 3, 4, telegram.Maximum
	case 0xB:
		s, ok = demands1997[kind]
		s = shape{name: s.name + "_time", bytes: 4, form: formYearly}
	}
	if !ok {
		return nil, false
	}
	s.storage = uint64(hi >> 2 & 3)
	if lo&0x0F == 0x0F {
		return row(s, n, byTariff), true
	}
	s.tariff = uint64(lo & 0x0F)
	return []shape{s}, ok
}

func variable1997(kind, phase byte, n int) ([]shape, bool) {
	v, ok := variables1997[kind]
	first := 1
	if v.total {
		first = 0
	}
	switch {
	case !ok:
		return nil, false
	case phase == 0x0F:
		shapes := row(v.shape, n, func(s *shape, i int) { s.name += phases[min(i+first, 3)] })
		return shapes, n == 0 || len(shapes) <= 4-first
	case int(phase) < first || phase > 3:
		return nil, false
	}
	v.name += phases[phase]
	return []shape{v.shape}, true
}
