package storage

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/quantity"
	"tally/sync/contract"
)

// beginning has those fields of a record that come before its stamp.
func beginning(r contract.Record) any {
	return struct {
		ID   string        `json:"id"`
		Type string        `json:"type"`
		At   contract.Time `json:"at"`
	}{r.ID, r.Type, r.At}
}

// cutHead makes an object of the head.
func cutHead(head []byte) []byte { return append(append([]byte{'{'}, head[1:]...), '}') }

// FuzzReadingIsWhatEncodingJSONMakes compares the bytes written by hand with those of the bodies on the wire.
func FuzzReadingIsWhatEncodingJSONMakes(f *testing.F) {
	f.Add("00012345", int64(1700000000123), "riser-1", "volume", int64(123456), "m3", "jump", "0103", "no_answer", 2)
	f.Add("", int64(-62135596800001), "a<b>&\"\\\n\u2028é\xff", "\x7f", int64(-1<<63), "", "", "", "\x00", 3)
	f.Add("x", int64(1)<<52, "", "", int64(-5), "", "q", "", "", -1)
	f.Fuzz(func(t *testing.T, id string, at int64, line, name string, value int64, unit, quality, raw, code string, n int) {
		when := contract.At(time.UnixMilli(at % (1 << 47)))
		r := meter.Reading{Meter: meter.ID(id), At: when.Time, Line: line, Raw: []byte(raw)}
		want := contract.Reading{Meter: id, At: when, Line: line, Raw: hex.EncodeToString([]byte(raw))}
		if n >= 0 {
			r.Values, want.Values = []meter.Value{}, []contract.Value{}
		}
		for range n % 4 {
			number := quantity.Decimal{Unscaled: value, Scale: uint8(n)}
			r.Values = append(r.Values, meter.Value{Name: name, Number: number, Unit: quantity.Unit(unit)})
			want.Values = append(want.Values, contract.Value{Name: name, Value: number.String(), Unit: unit})
		}
		if quality != "" {
			r.Quality = strings.Split(quality, ",")
			want.Quality = r.Quality
		}
		failed := meter.Failure{Meter: r.Meter, At: r.At, Line: line, Code: code, Text: quality}
		text := appendTime(nil, r.At)
		key := id + "@" + when.UTC().Format("2006-01-02T15:04:05.000Z")
		record := contract.Record{ID: key, Type: code, At: when}
		for _, c := range []struct {
			got  []byte
			body any
		}{
			{appendReading(nil, r, text), want},
			{appendFailed(nil, failed, text), contract.ReadingFailed{Meter: id, At: when, Line: line, Code: code, Text: quality}},
			{cutHead(appendHead(nil, r.Meter, code, text)), beginning(record)},
		} {
			want, err := json.Marshal(c.body)
			if err != nil || string(c.got) != string(want) {
				t.Errorf("by hand    %s\nby package %s (%v)", c.got, want, err)
			}
		}
	})
}
