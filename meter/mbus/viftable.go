package mbus

import "tally/meter/quantity"

// The tables of EN 13757-3:2018 (10, 12, 14 and 13 for the second level), with what earlier editions had where 2018
// reserves the code: meters live longer than editions. Cross-checked against pyMeterBus 2.0.0a2 (meterbus/codec/vif.py),
// libmbus 0.9 (mbus/mbus-protocol.c and its test telegrams) and the M-Bus documentation 4.8 (m-bus.com).

// form is how the data of a value are to be understood.
type form byte

const (
	formNumber form = iota // signed, scaled
	formBits               // unsigned, each bit or the whole a code (types C and D)
	formID                 // digits with their leading zeros
	formMaker              // three letters in two bytes
	formBytes              // structured data, kept as they are
	formTime               // types F, G, I, J by length
)

// span is a run of VIF codes from first on whose low bits (mask) count exponents or units.
type span struct {
	first    byte
	mask     byte
	name     string
	unit     quantity.Unit
	exponent int             // of the first code; each next is ten times it
	units    []quantity.Unit // if set, the low bits choose the unit instead
	form     form
	factor   int64 // multiplies the raw number; 0 is 1
}

var (
	durations     = []quantity.Unit{"s", "min", "h", "d"}
	longDurations = []quantity.Unit{"h", "d", "mo", "a"}
	longest       = []quantity.Unit{"mo", "a"}
)

// primary is table 10: codes without their extension bit.
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
	{first: 0x6C, name: "date", form: formTime},
	{first: 0x6D, name: "clock", form: formTime},
	{first: 0x6E, name: "heat_cost_allocation"},
	{first: 0x70, mask: 3, name: "averaging_duration", units: durations},
	{first: 0x74, mask: 3, name: "actuality_duration", units: durations},
	{first: 0x78, name: "fabrication_number", form: formID},
	{first: 0x79, name: "identification", form: formID},
	{first: 0x7A, name: "bus_address", form: formBits},
}

// extensionFD is table 14: codes behind FD.
var extensionFD = []span{
	{first: 0x00, mask: 3, name: "credit", exponent: -3},
	{first: 0x04, mask: 3, name: "debit", exponent: -3},
	{first: 0x08, name: "access_number", form: formBits}, // 2018: unique message identification
	{first: 0x09, name: "medium", form: formBits},
	{first: 0x0A, name: "manufacturer", form: formMaker},
	{first: 0x0B, name: "parameter_set", form: formID},
	{first: 0x0C, name: "model", form: formID},
	{first: 0x0D, name: "hardware_version", form: formBits},
	{first: 0x0E, name: "firmware_version", form: formBits},
	{first: 0x0F, name: "software_version", form: formBits},
	{first: 0x10, name: "customer_location", form: formID},
	{first: 0x11, name: "customer", form: formID},
	{first: 0x12, name: "access_code_user", form: formID},
	{first: 0x13, name: "access_code_operator", form: formID},
	{first: 0x14, name: "access_code_system", form: formID},
	{first: 0x15, name: "access_code_developer", form: formID},
	{first: 0x16, name: "password", form: formID},
	{first: 0x17, name: "error_flags", form: formBits},
	{first: 0x18, name: "error_mask", form: formBits},
	{first: 0x19, name: "security_key", form: formBytes},
	{first: 0x1A, name: "digital_output", form: formBits},
	{first: 0x1B, name: "digital_input", form: formBits},
	{first: 0x1C, name: "baud_rate", unit: "Bd"},
	{first: 0x1D, name: "response_delay", unit: "bit_times"},
	{first: 0x1E, name: "retry"},
	{first: 0x1F, name: "remote_control", form: formBits},
	{first: 0x20, name: "storage_first", form: formBits},
	{first: 0x21, name: "storage_last", form: formBits},
	{first: 0x22, name: "storage_block_size", form: formBits},
	{first: 0x23, name: "tariff_descriptor", form: formBytes},
	{first: 0x24, mask: 3, name: "storage_interval", units: durations},
	{first: 0x28, mask: 1, name: "storage_interval", units: longest},
	{first: 0x2A, name: "operator_data", form: formBytes},
	{first: 0x2B, name: "clock_second", unit: "s"},
	{first: 0x2C, mask: 3, name: "readout_age", units: durations},
	{first: 0x30, name: "tariff_start", form: formTime},
	{first: 0x31, name: "tariff_duration", unit: "min"},
	{first: 0x32, name: "tariff_duration", unit: "h"},
	{first: 0x33, name: "tariff_duration", unit: "d"},
	{first: 0x34, mask: 3, name: "tariff_period", units: durations},
	{first: 0x38, mask: 1, name: "tariff_period", units: longest},
	{first: 0x3A, name: "number"},
	{first: 0x3B, name: "wireless_container", form: formBytes},
	{first: 0x3C, mask: 3, name: "transmission_period", units: durations},
	{first: 0x40, mask: 15, name: "voltage", unit: "V", exponent: -9},
	{first: 0x50, mask: 15, name: "current", unit: "A", exponent: -12},
	{first: 0x60, name: "reset_counter"},
	{first: 0x61, name: "cumulation_counter"},
	{first: 0x62, name: "control_signal", form: formBits},
	{first: 0x63, name: "day_of_week"},
	{first: 0x64, name: "week_number"},
	{first: 0x65, name: "day_change", form: formTime},
	{first: 0x66, name: "parameter_activation", form: formBits},
	{first: 0x67, name: "supplier_information", form: formBits},
	{first: 0x68, mask: 3, name: "cumulation_age", units: longDurations},
	{first: 0x6C, mask: 3, name: "battery_operating_time", units: longDurations},
	{first: 0x70, name: "battery_change", form: formTime},
	{first: 0x71, name: "rf_level", unit: "dBm"},
	{first: 0x72, name: "daylight_saving", form: formBytes},
	{first: 0x73, name: "listening_window", form: formBytes},
	{first: 0x74, name: "battery_remaining", unit: "d"},
	{first: 0x75, name: "stop_counter"},
	{first: 0x76, name: "manufacturer_container", form: formBytes},
}

// extensionFDFD is the second level of table 14: codes behind FD FD.
var extensionFDFD = []span{
	{first: 0x00, name: "selected_application", form: formBits},
	{first: 0x02, mask: 1, name: "battery_remaining", units: longest},
}

// rating is 2^−12 as 5^12 × 10^−12, the weight of the factors of heat cost allocators.
const rating = 244140625

// extensionFB is table 12: codes behind FB. Gallons and °F are of the editions before 2018.
var extensionFB = []span{
	{first: 0x00, mask: 1, name: "energy", unit: "MWh", exponent: -1},
	{first: 0x02, mask: 1, name: "energy_reactive", unit: "kvarh"},
	{first: 0x04, mask: 1, name: "energy_apparent", unit: "kVAh"},
	{first: 0x08, mask: 1, name: "energy", unit: "GJ", exponent: -1},
	{first: 0x0C, mask: 3, name: "energy", unit: "Mcal", exponent: -1},
	{first: 0x10, mask: 1, name: "volume", unit: "m3", exponent: 2},
	{first: 0x14, mask: 3, name: "power_reactive", unit: "kvar", exponent: -3},
	{first: 0x18, mask: 1, name: "mass", unit: "t", exponent: 2},
	{first: 0x1A, mask: 1, name: "humidity", unit: "%", exponent: -1},
	{first: 0x20, name: "volume", unit: "ft3"},
	{first: 0x21, name: "volume", unit: "ft3", exponent: -1},
	{first: 0x22, name: "volume", unit: "gal", exponent: -1},
	{first: 0x23, name: "volume", unit: "gal"},
	{first: 0x24, name: "flow", unit: "gal/min", exponent: -3},
	{first: 0x25, name: "flow", unit: "gal/min"},
	{first: 0x26, name: "flow", unit: "gal/h"},
	{first: 0x28, mask: 1, name: "power", unit: "MW", exponent: -1},
	{first: 0x2A, name: "phase_voltage", unit: "deg", exponent: -1},
	{first: 0x2B, name: "phase_current", unit: "deg", exponent: -1},
	{first: 0x2C, mask: 3, name: "frequency", unit: "Hz", exponent: -3},
	{first: 0x30, mask: 1, name: "power", unit: "GJ/h", exponent: -1},
	{first: 0x34, mask: 3, name: "power_apparent", unit: "kVA", exponent: -3},
	{first: 0x58, mask: 3, name: "temperature_supply", unit: "degF", exponent: -3},
	{first: 0x5C, mask: 3, name: "temperature_return", unit: "degF", exponent: -3},
	{first: 0x60, mask: 3, name: "temperature_difference", unit: "degF", exponent: -3},
	{first: 0x64, mask: 3, name: "temperature_external", unit: "degF", exponent: -3},
	{first: 0x68, name: "rating_factor", exponent: -12, factor: rating},
	{first: 0x69, name: "rating_factor_output", unit: "W"},
	{first: 0x6A, name: "rating_factor_coupling", exponent: -12, factor: rating},
	{first: 0x6B, name: "rating_factor_room", exponent: -12, factor: rating},
	{first: 0x6C, name: "rating_factor_heater", exponent: -12, factor: rating},
	{first: 0x6D, name: "rating_factor_low_temperature", exponent: -12, factor: rating},
	{first: 0x6E, name: "rating_factor_display", exponent: -12, factor: rating},
	{first: 0x70, mask: 3, name: "temperature_limit", unit: "degF", exponent: -3},
	{first: 0x74, mask: 3, name: "temperature_limit", unit: "Cel", exponent: -3},
	{first: 0x78, mask: 7, name: "power_maximum_cumulated", unit: "W", exponent: -3},
}
