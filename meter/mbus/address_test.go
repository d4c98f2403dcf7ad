package mbus

import (
	"strconv"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for s, want := range map[string]string{
		"0": "0", "250": "250", "7": "7",
		"12345678":           "12345678.*.*.*",
		"12345678.KAM":       "12345678.KAM.*.*",
		"12345678.KAM.01.06": "12345678.KAM.01.06",
		"1234FFFF.*.*.04":    "1234FFFF.*.*.04",
		"*":                  "FFFFFFFF.*.*.*",
	} {
		primary, sel, err := ParseAddress(s)
		got := ""
		if err == nil && sel == nil {
			got = strconv.Itoa(int(primary))
		} else if err == nil {
			got = sel.String()
			b, err := sel.bytes()
			if err != nil || selectionOf(b) != *sel {
				t.Errorf("%s: bytes % X, %v, read back as %v", s, b, err, selectionOf(b))
			}
		}
		if got != want {
			t.Errorf("ParseAddress(%q) = %s, %v, want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "251", "255", "0001", "-1", "1234567", "123456789", "12345678.KA.01.06", "12345678.kam", "12345678.KAM.1.06", "12345678.KAM.01.06.1", "1234567A", "12345678.KAM.01.G0"} {
		if primary, sel, err := ParseAddress(s); err == nil {
			t.Errorf("ParseAddress(%q) = %d, %v", s, primary, sel)
		}
	}
}
