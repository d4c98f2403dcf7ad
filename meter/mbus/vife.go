package mbus

import (
	"fmt"
	"strings"

	"tally/meter"
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// corrections reads the VIFE that follow (EN 13757-3:2018, table 15): they change exponent, unit, form or name.
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
		if maker { // what follows FF is the maker's own; it tells values apart
			notes = append(notes, fmt.Sprintf("%02x", e&^extension))
			continue
		}
		code := e &^ extension
		var note string
		ok := true
		switch {
		case code == vifMaker:
			maker, note = true, "manufacturer_specific"
		case code == vifText && more:
			n++
			e, p := r.byte()
			if p != nil {
				return m, p
			}
			more = e&extension != 0
			note, ok = m.correctFC(e &^ extension)
		case r.toMeter && code <= 0x0D:
			note = actions[code]
		default:
			note, ok = m.correct(code)
		}
		if !ok {
			return m, &telegram.Problem{Code: telegram.Unknown, Offset: at, Got: telegram.Hex(r.b[at:r.pos]...), Text: "VIFE has no meaning in the standard", Class: meter.ErrMalformed, Note: true}
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

// actions are what a master wants done with a record, table 17; 0 is to write.
var actions = [14]string{"", "add", "subtract", "or", "and", "xor", "and_not", "clear", "add_entry", "delete_entry", "delayed", "freeze",
	"add_to_readout", "delete_from_readout"}

// per are VIFE that divide or multiply the unit, table 15.
var per = map[byte]struct {
	note string
	unit quantity.Unit
}{
	0x20: {"per_second", "/s"}, 0x21: {"per_minute", "/min"}, 0x22: {"per_hour", "/h"}, 0x23: {"per_day", "/d"},
	0x24: {"per_week", "/wk"}, 0x25: {"per_month", "/mo"}, 0x26: {"per_year", "/a"}, 0x27: {"per_revolution", "/rev"},
	0x28: {"per_input_pulse_0", "/pulse"}, 0x29: {"per_input_pulse_1", "/pulse"},
	0x2A: {"per_output_pulse_0", "/pulse"}, 0x2B: {"per_output_pulse_1", "/pulse"},
	0x2C: {"per_litre", "/L"}, 0x2D: {"per_m3", "/m3"}, 0x2E: {"per_kg", "/kg"}, 0x2F: {"per_K", "/K"}, 0x30: {"per_kWh", "/kWh"},
	0x31: {"per_GJ", "/GJ"}, 0x32: {"per_kW", "/kW"}, 0x33: {"per_K_litre", "/(K.L)"}, 0x34: {"per_V", "/V"}, 0x35: {"per_A", "/A"},
	0x36: {"times_s", ".s"}, 0x37: {"times_s_per_V", ".s/V"}, 0x38: {"times_s_per_A", ".s/A"},
}

// notes are VIFE that say more about the value, table 15.
var notes = map[byte]string{
	0x12: "average", 0x13: "inverse_compact_profile", 0x14: "relative_deviation", 0x1D: "standard_conform",
	0x1E: "compact_profile_register", 0x1F: "compact_profile",
	0x3A: "uncorrected", 0x3B: "forward", 0x3C: "backward", 0x3D: "non_metric", 0x3E: "at_base_conditions", 0x3F: "obis",
	0x40: "lower_limit", 0x48: "upper_limit", 0x68: "during_lower_limit", 0x6C: "during_upper_limit", 0x69: "leakage", 0x6D: "overflow",
	0x7E: "future",
}

// correct applies one VIFE; false if the standard does not know it.
func (m *meaning) correct(code byte) (note string, ok bool) {
	if p, found := per[code]; found {
		m.unit += p.unit
		return p.note, true
	}
	switch {
	case code == 0:
		return "", true // no error
	case recordErrors[code] != "":
		m.failed = recordErrors[code]
		return "", true
	case code >= 0x70 && code <= 0x77: // 10^(nnn−6)
		m.exponent += int(code&7) - 6
		return "", true
	case code >= 0x78 && code <= 0x7B: // an addend in the unit of the VIF; whether the meter has added it is not said
		return fmt.Sprintf("plus_1e%d", int(code&3)-3), true
	case code == 0x7D:
		m.exponent += 3
		return "", true
	case code >= 0x39 && code <= 0x6F:
		if note, ok = m.event(code); ok {
			return note, true
		}
	}
	note, ok = notes[code]
	return note, ok
}

var (
	limits = [2]string{"lower_limit", "upper_limit"}
	order  = [2]string{"first", "last"}
	edges  = [2]string{"begin", "end"}
)

// event applies the VIFE that turn a value into a count, a date or a duration of something that happened to it.
func (m *meaning) event(code byte) (string, bool) {
	u, f, b := limits[code>>3&1], order[code>>2&1], edges[code&1]
	switch {
	case code == 0x39: // start of
		m.date()
		return "start", true
	case code&^8 == 0x41: // E100 u001
		m.unit, m.exponent, m.factor, m.form = "", 0, 1, formNumber
		return "exceeds_of_" + u, true
	case code&0x72 == 0x42: // E100 uf1b
		m.date()
		return u + "_" + f + "_" + b, true
	case code&0x70 == 0x50: // E101 ufnn
		m.unit, m.exponent, m.factor, m.form = durations[code&3], 0, 1, formNumber
		return u + "_duration_" + f, true
	case code&0x78 == 0x60: // E110 0fnn
		m.unit, m.exponent, m.factor, m.form = durations[code&3], 0, 1, formNumber
		return "duration_" + f, true
	case code&0x7A == 0x6A: // E110 1f1b
		m.date()
		return "date_" + f + "_" + b, true
	}
	return "", false
}

func (m *meaning) date() { m.unit, m.exponent, m.factor, m.form = "", 0, 1, formTime }

// notesFC are VIFE behind FC, table 16.
var notesFC = map[byte]string{
	0x01: "phase_l1", 0x02: "phase_l2", 0x03: "phase_l3", 0x04: "neutral", 0x05: "phase_l1_l2", 0x06: "phase_l2_l3", 0x07: "phase_l3_l1",
	0x08: "quadrant_1", 0x09: "quadrant_2", 0x0A: "quadrant_3", 0x0B: "quadrant_4", 0x0C: "import_export_delta", 0x10: "absolute",
	0x14: "to_meter", 0x15: "from_meter",
}

// correctFC applies one VIFE behind FC.
func (m *meaning) correctFC(code byte) (string, bool) {
	if code == 0x11 || code == 0x12 { // presented as type C or D: unsigned
		m.form = formBits
		return "", true
	}
	note, ok := notesFC[code]
	return note, ok
}

// recordErrors are what a meter says of a record instead of measuring it, table 18.
var recordErrors = map[byte]string{
	0x01: "too_many_dife", 0x02: "storage_not_implemented", 0x03: "unit_not_implemented", 0x04: "tariff_not_implemented",
	0x05: "function_not_implemented", 0x06: "data_class_not_implemented", 0x07: "data_size_not_implemented",
	0x0B: "too_many_vife", 0x0C: "illegal_vif_group", 0x0D: "illegal_vif_exponent", 0x0E: "vif_dif_mismatch", 0x0F: "unimplemented_action",
	0x15: "no_data", 0x16: "overflow", 0x17: "underflow", 0x18: "data_error", 0x1C: "premature_end",
}
