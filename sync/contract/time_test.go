package contract

import (
	"encoding/json"
	"testing"
)

// TestTimesStayWithinFourDigits: an offset can lead out of the years that the wire's layout can say, and what is written anew
// would be read by nobody.
func TestTimesStayWithinFourDigits(t *testing.T) {
	for in, good := range map[string]bool{
		`"2026-11-21T06:00:00.250Z"`: true, `"2026-11-21T14:00:00+08:00"`: true, `"1970-01-01T00:00:00Z"`: true, `"9999-12-31T23:59:59Z"`: true,
		`"9999-12-31T23:59:59-12:00"`: false, `"0001-01-01T00:00:00+12:00"`: false, `"0000-06-01T00:00:00Z"`: false,
	} {
		var at, again Time
		err := json.Unmarshal([]byte(in), &at)
		if (err == nil) != good {
			t.Errorf("%s: %v", in, err)
		}
		if err != nil {
			continue
		}
		out, err := json.Marshal(at)
		if err != nil || json.Unmarshal(out, &again) != nil || !again.Equal(at.Time) {
			t.Errorf("%s became %s, %v", in, out, err)
		}
	}
}
