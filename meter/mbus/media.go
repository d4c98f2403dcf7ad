package mbus

import "fmt"

// media by their code, EN 13757-7:2018, table 13 (device types).
var media = map[byte]string{
	0x00: "other", 0x01: "oil", 0x02: "electricity", 0x03: "gas", 0x04: "heat", 0x05: "steam", 0x06: "warm water", 0x07: "water",
	0x08: "heat cost allocator", 0x09: "compressed air", 0x0A: "cooling (outlet)", 0x0B: "cooling (inlet)", 0x0C: "heat (inlet)",
	0x0D: "heat and cooling", 0x0E: "bus", 0x0F: "unknown", 0x10: "irrigation water", 0x11: "water data logger", 0x12: "gas data logger",
	0x13: "gas converter", 0x14: "calorific value", 0x15: "hot water", 0x16: "cold water", 0x17: "dual water", 0x18: "pressure",
	0x19: "A/D converter", 0x1A: "smoke detector", 0x1B: "room sensor", 0x1C: "gas detector", 0x1D: "carbon monoxide detector",
	0x1E: "heat detector", 0x1F: "sensor", 0x20: "breaker", 0x21: "valve", 0x25: "customer display", 0x28: "waste water", 0x29: "garbage",
	0x2A: "carbon dioxide", 0x31: "communication controller", 0x32: "unidirectional repeater", 0x33: "bidirectional repeater",
	0x36: "radio converter (system side)", 0x37: "radio converter", 0x38: "bus converter",
}

// MediumName names what is metered.
func MediumName(code byte) string {
	if s, ok := media[code]; ok {
		return s
	}
	return fmt.Sprintf("medium %02X", code)
}
