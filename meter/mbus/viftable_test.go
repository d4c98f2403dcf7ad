package mbus

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"tally/meter/telegram"
)

// The tables once more, in the notation of the standard: bits, where n, p and x count; name; unit; exponent of the first
// code. "time" counts s, min, h, d; "long" h, d, mo, a; "longest" mo, a.
const (
	patternsPrimary = `
E000 0nnn energy Wh -3
E000 1nnn energy J 0
E001 0nnn volume m3 -6
E001 1nnn mass kg -3
E010 00nn on_time time
E010 01nn operating_time time
E010 1nnn power W -3
E011 0nnn power J/h 0
E011 1nnn flow m3/h -6
E100 0nnn flow m3/min -7
E100 1nnn flow m3/s -9
E101 0nnn mass_flow kg/h -3
E101 10nn temperature_supply Cel -3
E101 11nn temperature_return Cel -3
E110 00nn temperature_difference K -3
E110 01nn temperature_external Cel -3
E110 10nn pressure bar -3
E110 1100 date - 0
E110 1101 clock - 0
E110 1110 heat_cost_allocation - 0
E111 00nn averaging_duration time
E111 01nn actuality_duration time
E111 1000 fabrication_number - 0
E111 1001 identification - 0
E111 1010 bus_address - 0`
	patternsFD = `
E000 00nn credit - -3
E000 01nn debit - -3
E000 1000 access_number - 0
E000 1001 medium - 0
E000 1010 manufacturer - 0
E000 1011 parameter_set - 0
E000 1100 model - 0
E000 1101 hardware_version - 0
E000 1110 firmware_version - 0
E000 1111 software_version - 0
E001 0000 customer_location - 0
E001 0001 customer - 0
E001 0010 access_code_user - 0
E001 0011 access_code_operator - 0
E001 0100 access_code_system - 0
E001 0101 access_code_developer - 0
E001 0110 password - 0
E001 0111 error_flags - 0
E001 1000 error_mask - 0
E001 1001 security_key - 0
E001 1010 digital_output - 0
E001 1011 digital_input - 0
E001 1100 baud_rate Bd 0
E001 1101 response_delay bit_times 0
E001 1110 retry - 0
E001 1111 remote_control - 0
E010 0000 storage_first - 0
E010 0001 storage_last - 0
E010 0010 storage_block_size - 0
E010 0011 tariff_descriptor - 0
E010 01nn storage_interval time
E010 100n storage_interval longest
E010 1010 operator_data - 0
E010 1011 clock_second s 0
E010 11nn readout_age time
E011 0000 tariff_start - 0
E011 0001 tariff_duration min 0
E011 0010 tariff_duration h 0
E011 0011 tariff_duration d 0
E011 01nn tariff_period time
E011 100n tariff_period longest
E011 1010 number - 0
E011 1011 wireless_container - 0
E011 11nn transmission_period time
E100 nnnn voltage V -9
E101 nnnn current A -12
E110 0000 reset_counter - 0
E110 0001 cumulation_counter - 0
E110 0010 control_signal - 0
E110 0011 day_of_week - 0
E110 0100 week_number - 0
E110 0101 day_change - 0
E110 0110 parameter_activation - 0
E110 0111 supplier_information - 0
E110 10pp cumulation_age long
E110 11pp battery_operating_time long
E111 0000 battery_change - 0
E111 0001 rf_level dBm 0
E111 0010 daylight_saving - 0
E111 0011 listening_window - 0
E111 0100 battery_remaining d 0
E111 0101 stop_counter - 0
E111 0110 manufacturer_container - 0`
	patternsFB = `
E000 000n energy MWh -1
E000 001n energy_reactive kvarh 0
E000 010n energy_apparent kVAh 0
E000 100n energy GJ -1
E000 11nn energy Mcal -1
E001 000n volume m3 2
E001 01nn power_reactive kvar -3
E001 100n mass t 2
E001 101n humidity % -1
E010 0000 volume ft3 0
E010 0001 volume ft3 -1
E010 0010 volume gal -1
E010 0011 volume gal 0
E010 0100 flow gal/min -3
E010 0101 flow gal/min 0
E010 0110 flow gal/h 0
E010 100n power MW -1
E010 1010 phase_voltage deg -1
E010 1011 phase_current deg -1
E010 11nn frequency Hz -3
E011 000n power GJ/h -1
E011 01nn power_apparent kVA -3
E101 10nn temperature_supply degF -3
E101 11nn temperature_return degF -3
E110 00nn temperature_difference degF -3
E110 01nn temperature_external degF -3
E110 1000 rating_factor - -12
E110 1001 rating_factor_output W 0
E110 1010 rating_factor_coupling - -12
E110 1011 rating_factor_room - -12
E110 1100 rating_factor_heater - -12
E110 1101 rating_factor_low_temperature - -12
E110 1110 rating_factor_display - -12
E111 00nn temperature_limit degF -3
E111 01nn temperature_limit Cel -3
E111 1nnn power_maximum_cumulated W -3`
	patternsFDFD = `
E000 0000 selected_application - 0
E000 001p battery_remaining longest`
)

var counts = map[string][]string{"time": {"s", "min", "h", "d"}, "long": {"h", "d", "mo", "a"}, "longest": {"mo", "a"}}

// expand gives what the standard says of each of the 128 codes.
func expand(t *testing.T, patterns string) map[byte]string {
	t.Helper()
	all := map[byte]string{}
	for line := range strings.Lines(strings.TrimSpace(patterns)) {
		f := strings.Fields(line)
		bits := strings.TrimPrefix(f[0]+f[1], "E")
		free := len(bits) - len(strings.TrimRight(bits, "np"))
		first, err := strconv.ParseUint(strings.Map(func(r rune) rune {
			if r == 'n' || r == 'p' {
				return '0'
			}
			return r
		}, bits), 2, 8)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1 << free {
			code := byte(first) + byte(i)
			if _, twice := all[code]; twice {
				t.Fatalf("code %02X twice", code)
			}
			if units, counted := counts[f[3]]; counted {
				all[code] = fmt.Sprintf("%s %s 0", f[2], units[i])
				continue
			}
			exp, err := strconv.Atoi(f[4])
			if err != nil {
				t.Fatal(err)
			}
			all[code] = fmt.Sprintf("%s %s %d", f[2], strings.Trim(f[3], "-"), exp+i)
		}
	}
	return all
}

// TestTablesAreTheStandards: each of the 128 codes of each table, those that mean something and those that do not.
func TestTablesAreTheStandards(t *testing.T) {
	for name, c := range map[string]struct {
		table    []span
		patterns string
	}{
		"primary": {primary, patternsPrimary}, "FD": {extensionFD, patternsFD}, "FB": {extensionFB, patternsFB}, "FD FD": {extensionFDFD, patternsFDFD},
	} {
		want := expand(t, c.patterns)
		for code := range byte(0x80) {
			m, ok := lookUp(c.table, code)
			got := fmt.Sprintf("%s %s %d", m.name, m.unit, m.exponent)
			if w, defined := want[code]; defined != ok || defined && got != w {
				t.Errorf("%s %02X: %q (%t), want %q", name, code, got, ok, w)
			}
		}
	}
}

// TestVIFE: every combinable extension, on a volume of 1 litre.
func TestVIFE(t *testing.T) {
	for vife, want := range map[string]string{
		"00": "volume=0.001m3", "12": "volume_average=0.001m3", "14": "volume_relative_deviation=0.001m3", "1D": "volume_standard_conform=0.001m3",
		"20": "volume_per_second=0.001m3/s", "21": "volume_per_minute=0.001m3/min", "22": "volume_per_hour=0.001m3/h", "23": "volume_per_day=0.001m3/d",
		"24": "volume_per_week=0.001m3/wk", "25": "volume_per_month=0.001m3/mo", "26": "volume_per_year=0.001m3/a", "27": "volume_per_revolution=0.001m3/rev",
		"28": "volume_per_input_pulse_0=0.001m3/pulse", "29": "volume_per_input_pulse_1=0.001m3/pulse",
		"2A": "volume_per_output_pulse_0=0.001m3/pulse", "2B": "volume_per_output_pulse_1=0.001m3/pulse",
		"2C": "volume_per_litre=0.001m3/L", "2D": "volume_per_m3=0.001m3/m3", "2E": "volume_per_kg=0.001m3/kg", "2F": "volume_per_K=0.001m3/K",
		"30": "volume_per_kWh=0.001m3/kWh", "31": "volume_per_GJ=0.001m3/GJ", "32": "volume_per_kW=0.001m3/kW", "33": "volume_per_K_litre=0.001m3/(K.L)",
		"34": "volume_per_V=0.001m3/V", "35": "volume_per_A=0.001m3/A", "36": "volume_times_s=0.001m3.s", "37": "volume_times_s_per_V=0.001m3.s/V",
		"38": "volume_times_s_per_A=0.001m3.s/A", "3A": "volume_uncorrected=0.001m3", "3B": "volume_forward=0.001m3", "3C": "volume_backward=0.001m3",
		"3D": "volume_non_metric=0.001m3", "3E": "volume_at_base_conditions=0.001m3", "3F": "volume_obis=0.001m3",
		"40": "volume_lower_limit=0.001m3", "48": "volume_upper_limit=0.001m3", "41": "volume_exceeds_of_lower_limit=1", "49": "volume_exceeds_of_upper_limit=1",
		"50": "volume_lower_limit_duration_first=1s", "57": "volume_lower_limit_duration_last=1d", "5A": "volume_upper_limit_duration_first=1h", "5D": "volume_upper_limit_duration_last=1min",
		"60": "volume_duration_first=1s", "67": "volume_duration_last=1d", "68": "volume_during_lower_limit=0.001m3", "6C": "volume_during_upper_limit=0.001m3",
		"69": "volume_leakage=0.001m3", "6D": "volume_overflow=0.001m3",
		"70": "volume=0.000000001m3", "76": "volume=0.001m3", "77": "volume=0.01m3", "78": "volume_plus_1e-3=0.001m3", "7B": "volume_plus_1e0=0.001m3",
		"7D": "volume=1m3", "7E": "volume_future=0.001m3", "7F": "volume_manufacturer_specific=0.001m3",
		"FC01": "volume_phase_l1=0.001m3", "FC02": "volume_phase_l2=0.001m3", "FC03": "volume_phase_l3=0.001m3", "FC04": "volume_neutral=0.001m3",
		"FC05": "volume_phase_l1_l2=0.001m3", "FC06": "volume_phase_l2_l3=0.001m3", "FC07": "volume_phase_l3_l1=0.001m3",
		"FC08": "volume_quadrant_1=0.001m3", "FC0B": "volume_quadrant_4=0.001m3", "FC0C": "volume_import_export_delta=0.001m3", "FC10": "volume_absolute=0.001m3",
		"FC14": "volume_to_meter=0.001m3", "FC15": "volume_from_meter=0.001m3", "A03B": "volume_per_second_forward=0.001m3/s", "F475": "volume=0.000001m3",
		"FF998877": "volume_manufacturer_specific_19_08_77=0.001m3",
		"01":       "volume=too_many_dife error", "15": "volume=no_data error", "16": "volume=overflow error", "17": "volume=underflow error", "18": "volume=data_error error", "1C": "volume=premature_end error",
	} {
		vif := "02 93" + vife + "01 00"
		d, err := response(t, vif).Decode()
		if got := printed(d.Values); err != nil || got != want {
			t.Errorf("VIFE %s: %s, %v, want %s", vife, got, d.Problems, want)
		}
	}
}

// TestVIFEOfEvents: dates of limits and of extremes, by the length of their data.
func TestVIFEOfEvents(t *testing.T) {
	for vife, want := range map[string]string{
		"39": "flow_start", "42": "flow_lower_limit_first_begin", "43": "flow_lower_limit_first_end", "46": "flow_lower_limit_last_begin",
		"47": "flow_lower_limit_last_end", "4A": "flow_upper_limit_first_begin", "4B": "flow_upper_limit_first_end", "4E": "flow_upper_limit_last_begin",
		"4F": "flow_upper_limit_last_end", "6A": "flow_date_first_begin", "6B": "flow_date_first_end", "6E": "flow_date_last_begin", "6F": "flow_date_last_end",
	} {
		d, err := response(t, "02 BB"+vife+"3F 2C 04 BB"+vife+"3B 2A 35 2C").Decode()
		if got := printed(d.Values); err != nil || got != want+"=2017-12-31T00:00:00, "+want+"=2017-12-21T10:59:00" {
			t.Errorf("VIFE %s: %s, %v", vife, got, d.Problems)
		}
	}
	for _, reserved := range []string{"08", "10", "19", "44", "45", "4C", "4D", "FC00", "FC13", "FC7F"} {
		d, _ := response(t, "02 93"+reserved+"01 00 02 13 02 00").Decode()
		if printed(d.Values) != "volume=0.002m3" || len(d.Problems) != 1 || d.Problems[0].Code != telegram.Unknown {
			t.Errorf("VIFE %s: %s, %v", reserved, printed(d.Values), d.Problems)
		}
	}
}

// TestForms: what the VIF makes of the same bytes.
func TestForms(t *testing.T) {
	for records, want := range map[string]string{
		"01 FD 17 FF":                      "error_flags=255",
		"07 FD 17 FF FF FF FF FF FF FF FF": "error_flags=18446744073709551615",
		"01 13 FF":                         "volume=-0.001m3",
		"01 93 FC 11 FF":                   "volume=0.255m3",
		"0C 78 78 56 34 00":                "fabrication_number=00345678",
		"04 78 EA 62 9E 00":                "fabrication_number=10380010",
		"02 FD 0A 93 15":                   "manufacturer=ELS",
		"02 FD 0A FF FF":                   "manufacturer=FFFF",
		"04 FD 72 01 02 03 04":             "daylight_saving=04 03 02 01",
		"02 FB 68 00 10":                   "rating_factor=1.000000000000",
		"02 FB 68 01 00":                   "rating_factor=0.000244140625",
		"01 FD FD 00 03":                   "selected_application=3",
		"01 FD FD 03 07":                   "battery_remaining=7a",
		"01 FD 2B 1E":                      "clock_second=30s",
		"02 7E 07 00":                      "any=7",
		"01 EC 00 01":                      "",
		"0C FD 11 01 00 00 00":             "customer=00000001",
		"02 FC 03 48 52 25 74 D4 11":       "plain_text=45.64%RH",
		"03 FC 20 03 43 42 41 15 31 00":    "plain_text_per_second=12565ABC/s",
		"0A 5A 34 F2":                      "temperature_supply=-23.4Cel",
		"05 13 00 00 00 00":                "volume=0.000m3",
		"05 2B CD CC CC 3D":                "power=0.1W",
	} {
		d, _ := response(t, records).Decode()
		if got := printed(d.Values); got != want {
			t.Errorf("%s: %s, %v, want %s", records, got, d.Problems, want)
		}
	}
}

// TestLVAR: each range of the length byte (table 5).
func TestLVAR(t *testing.T) {
	long := func(n int) string { return strings.Repeat("AB ", n) }
	for records, want := range map[string]string{
		"0D FD 0F 00":                        "software_version=no data",
		"0D FD 0F 03 33 2E 31":               "software_version=1.3",
		"0D 13 C0":                           "volume=0.000m3",
		"0D 13 C9" + strings.Repeat("99", 9): "volume=999999999999999.999m3",
		"0D 13 D1 05":                        "volume=-0.005m3",
		"0D FD 0D E0":                        "hardware_version=no data",
		"0D FD 0D E2 34 12":                  "hardware_version=12 34",
		"0D FD 0D F0" + long(16):             "hardware_version=" + strings.TrimSpace(long(16)),
		"0D FD 0D F4" + long(32):             "hardware_version=" + strings.TrimSpace(long(32)),
		"0D FD 0D F5" + long(48):             "hardware_version=" + strings.TrimSpace(long(48)),
		"0D FD 0D F6" + long(64):             "hardware_version=" + strings.TrimSpace(long(64)),
		"0D 93 15 C2 34 12":                  "volume=no_data error",
	} {
		d, err := response(t, records).Decode()
		if got := printed(d.Values); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", records, got, d.Problems, want)
		}
	}
	for _, reserved := range []string{"CA", "CF", "DA", "DF", "F7", "FF"} {
		d, err := response(t, "0D 13 "+reserved).Decode()
		if err == nil || d.Problems[0].Code != telegram.Unknown || d.Problems[0].Offset != 7+14 {
			t.Errorf("LVAR %s: %v", reserved, d.Problems)
		}
	}
	d, _ := response(t, "0D 13 C2 34 1A 02 13 01 00").Decode()
	if printed(d.Values) != "volume=0.001m3" || d.Problems[0].Code != telegram.BCD || d.Problems[0].Offset != 7+16 {
		t.Errorf("nibble in a variable BCD: %v", d.Problems)
	}
}
