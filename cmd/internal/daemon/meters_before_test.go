package daemon

import (
	"testing"
	"time"

	"tally/counter/web"
	"tally/meter"
	"tally/storage"
)

// What is known of a meter from before the start is shown until the meter was asked again, and never in its place.
func TestMetersBeforeTheFirstAnswer(t *testing.T) {
	at := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	read := &meter.Reading{Meter: "1", At: at}
	failed := &meter.Failure{Meter: "1", At: at.Add(time.Hour), Code: "silent"}
	news := &meter.Failure{Meter: "1", At: at.Add(3 * time.Hour), Code: "checksum"}
	fresh := &meter.Reading{Meter: "1", At: at.Add(4 * time.Hour)}
	for name, c := range map[string]struct {
		view web.MeterView
		kept storage.Latest
		last *meter.Reading
		fail *meter.Failure
	}{
		"never asked":               {},
		"never read, failed before": {kept: storage.Latest{Failure: failed}, fail: failed},
		"failed since it was read":  {kept: storage.Latest{Reading: read, Failure: failed}, last: read, fail: failed},
		"read since it failed":      {kept: storage.Latest{Reading: fresh, Failure: failed}, last: fresh},
		"fails in another way now":  {view: web.MeterView{Failure: news}, kept: storage.Latest{Failure: failed}, fail: news},
		"answers now":               {view: web.MeterView{Last: fresh}, kept: storage.Latest{Reading: read, Failure: failed}, last: fresh},
	} {
		if v := before(c.view, c.kept); v.Last != c.last || v.Failure != c.fail {
			t.Errorf("%s: last %v, failure %v", name, v.Last, v.Failure)
		}
	}
}
