package meter

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter/quantity"
)

func TestCodeIsStable(t *testing.T) {
	for want, err := range map[string]error{
		"silent": ErrSilent, "checksum": ErrChecksum, "foreign": ErrForeign, "malformed": ErrMalformed, "exception": ErrException,
		"busy": ErrBusy, "line": ErrLine, "implausible": ErrImplausible, "error": errors.New("something else"),
	} {
		if got := Code(fmt.Errorf("read meter 7: %w", err)); got != want {
			t.Errorf("Code(%v) = %q, want %q", err, got, want)
		}
	}
	both := fmt.Errorf("wait for line: %w: %w", ErrLine, ErrSilent)
	if got := Code(both); got != "line" {
		t.Errorf("a line that is down makes its meters silent, but the code is %q", got)
	}
}

func TestFind(t *testing.T) {
	r := Reading{Values: []Value{{Name: "flow"}, {Name: Volume, Number: quantity.Decimal{Unscaled: 5}}}}
	if v, ok := r.Find(Volume); !ok || v.Number.Unscaled != 5 {
		t.Errorf("Find(volume) = %+v, %v", v, ok)
	}
	if v, ok := r.Find("power"); ok || v != (Value{}) {
		t.Errorf("Find of what is not there = %+v, %v", v, ok)
	}
}

func TestReadingKeepsEverythingAsJSON(t *testing.T) {
	r := Reading{
		Meter: "4711", At: time.Date(2026, 11, 21, 6, 0, 0, 123e6, time.UTC), Line: "hall",
		Values:  []Value{{Name: Volume, Number: quantity.Decimal{Unscaled: 1234567, Scale: 3}, Unit: quantity.UnitCubicMetre}},
		Quality: Quality{Backwards}, Raw: []byte{1, 2, 3},
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Reading
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("after JSON (-want +got):\n%s", diff)
	}
}
