package storage

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tally/sync/contract"
)

// FuzzReadingIsWhatEncodingJSONMakes compares the bytes written by hand with those of the bodies on the wire.
func FuzzReadingIsWhatEncodingJSONMakes(f *testing.F) {
	f.Add("00012345", int64(1700000000123), "riser-1", "volume", "1234.56", "m3", "jump", "0103", "no_answer", 2)
	f.Add("", int64(-62135596800001), "a<b>&\"\\\n\u2028é\xff", "\x7f", "", "", "", "", "\x00", 0)
	f.Add("x", int64(1)<<52, "", "", "", "", "q", "", "", -1)
	f.Fuzz(func(t *testing.T, meter string, at int64, line, name, value, unit, quality, raw, code string, n int) {
		when := contract.At(time.UnixMilli(at % (1 << 47)))
		r := contract.Reading{Meter: meter, At: when, Line: line, Raw: raw}
		if n >= 0 {
			r.Values = []contract.Value{}
		}
		for range n % 4 {
			r.Values = append(r.Values, contract.Value{Name: name, Value: value, Unit: unit})
		}
		if quality != "" {
			r.Quality = strings.Split(quality, ",")
		}
		failed := contract.ReadingFailed{Meter: meter, At: when, Line: line, Code: code, Text: quality}
		for _, c := range []struct {
			got  []byte
			body any
		}{{appendReading(nil, r), r}, {appendFailed(nil, failed), failed}} {
			want, err := json.Marshal(c.body)
			if err != nil || string(c.got) != string(want) {
				t.Errorf("by hand    %s\nby package %s (%v)", c.got, want, err)
			}
		}
		if got, want := readingID(meter, when), meter+"@"+when.UTC().Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Errorf("id %q, want %q", got, want)
		}
	})
}
