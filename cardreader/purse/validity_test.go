package purse_test

import (
	"testing"
	"time"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// A card is valid on its first and on its last day, and on no day before or after.
func TestFirstAndLastDayOfACard(t *testing.T) {
	p, err := profile.Builtin("GENCPU v1")
	if err != nil {
		t.Fatal(err)
	}
	image := blankImage(t, p, purse.Header{
		Region: 0x0571, CardNo: "00001234", MeterNo: "00005678", Unit: purse.UnitCentiM3, IssueCount: 1,
		Serial: [8]byte{0x20, 0x26, 7: 9}, ValidFrom: "20261101", ValidTo: "20261130",
	})
	for day, want := range map[string]string{"2026-10-31": purse.CodeNotValid, "2026-11-01": "", "2026-11-30": "", "2026-12-01": purse.CodeNotValid} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		o := buy(1, 100)
		o.At = at
		if _, err := purse.Make(p, decode(t, p, image), o); codeOf(err) != want {
			t.Errorf("%s: %v, want %q", day, err, want)
		}
	}
}
