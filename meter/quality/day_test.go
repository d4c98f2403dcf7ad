package quality

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
	"tally/meter/quantity"
)

// utc8 is the utility's zone; noon of these tests is 20:00 there.
var utc8 = time.FixedZone("UTC+8", 8*3600)

// inChina is the time from noon to h:m of day d of December 2026 in UTC+8.
func inChina(d, h, m int) time.Duration {
	return time.Date(2026, 12, d, h, m, 0, 0, utc8).Sub(noon)
}

func large(m *Meter, o *Options) { m.Class, m.MaxFlow, o.Zone = Large1, 200_000, utc8 }

func TestDayEndsWithTheFirstReadingOfTheNext(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, large)
	d.Judge(cubic(inChina(1, 10, 0), 1_000))
	d.Judge(cubic(inChina(1, 23, 59), 9_000))
	d.Judge(cubic(inChina(2, 0, 3), 9_100))
	d.Judge(cubic(inChina(2, 0, 18), 9_300))
	d.Judge(cubic(inChina(3, 0, 2), 19_100))
	tell(t, d, b)
	want := []Day{
		{Meter: "1", Line: "a", Class: Large1, Day: "2026-12-01", Days: 1, At: noon.Add(inChina(2, 0, 3)), Value: quantity.Decimal{Unscaled: 9_100, Scale: 3},
			Unit: "m3", Quality: meter.Quality{}, Known: true, Used: 8_100},
		{Meter: "1", Line: "a", Class: Large1, Day: "2026-12-02", Days: 1, At: noon.Add(inChina(3, 0, 2)), Value: quantity.Decimal{Unscaled: 19_100, Scale: 3},
			Unit: "m3", Quality: meter.Quality{}, Known: true, Used: 10_000},
	}
	if diff := cmp.Diff(want, b.page.Days); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDayOfAMeterThatFreezesByItself(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, func(m *Meter, o *Options) { large(m, o); m.Frozen = "volume_settlement" })
	own := func(litres int64) meter.Value { return value("volume_settlement", litres, 3, "m3") }
	d.Judge(cubic(inChina(1, 10, 0), 1_000, own(500)))
	d.Judge(cubic(inChina(2, 6, 0), 12_000, own(9_000)))
	d.Judge(cubic(inChina(3, 9, 0), 30_000, own(19_500)))
	tell(t, d, b)
	day := b.page.Days[1]
	if !day.ByMeter || day.Used != 10_500 || day.Value.Unscaled != 19_500 || !day.At.Equal(noon.Add(inChina(3, 9, 0))) {
		t.Errorf("day = %+v", day)
	}
}

func TestDayThatIsMissing(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, large)
	d.Judge(cubic(inChina(1, 10, 0), 1_000))
	d.Judge(cubic(inChina(4, 0, 5), 31_000))
	tell(t, d, b)
	day := b.page.Days[0]
	if day.Day != "2026-12-03" || day.Days != 3 || day.Used != 30_000 || !cmp.Equal(day.Flags, []string{Gap}) {
		t.Errorf("day = %+v", day)
	}
	if l, _ := d.Ledger("1"); len(l.Days) != 0 {
		t.Errorf("three days were counted as one: %+v", l)
	}
}

func TestValueInDoubtWaitsForABetterOne(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, large)
	d.Judge(cubic(inChina(1, 10, 0), 100_000))
	d.Judge(cubic(inChina(2, 0, 1), 90_000))
	if tell(t, d, b); len(b.page.Days) != 0 {
		t.Fatalf("day ended with a value in doubt: %+v", b.page.Days)
	}
	d.Judge(cubic(inChina(2, 0, 16), 101_000))
	tell(t, d, b)
	if day := b.page.Days[0]; day.Used != 1_000 || len(day.Quality) != 0 {
		t.Errorf("day = %+v", day)
	}
	d.Judge(cubic(inChina(3, 7, 0), 90_000)) // nothing better came until the morning
	tell(t, d, b)
	if day := b.page.Days[1]; day.Known || !cmp.Equal(day.Quality, meter.Quality{meter.Backwards}) {
		t.Errorf("day = %+v", day)
	}
	d.Judge(cubic(inChina(4, 0, 1), 110_000))
	tell(t, d, b)
	if day := b.page.Days[2]; day.Known || day.Days != 0 {
		t.Errorf("counted from a value in doubt: %+v", day)
	}
}

// TestDaysAreCompared: ten even days, then one far above, one far below and one without use.
func TestDaysAreCompared(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, large)
	litres := int64(0)
	use := []int64{100_000, 102_000, 98_000, 101_000, 99_000, 100_000, 102_000, 98_000, 101_000, 99_000, 300_000, 101_000, 1_000, 0}
	d.Judge(cubic(inChina(1, 0, 1), litres))
	for i, u := range use {
		litres += u
		d.Judge(cubic(inChina(i+2, 0, 1), litres))
	}
	tell(t, d, b)
	var flags []string
	for i, day := range b.page.Days {
		if want := i >= leastDays; day.Compared != want {
			t.Errorf("day %s compared: %v, want %v", day.Day, day.Compared, want)
		}
		for _, f := range day.Flags {
			flags = append(flags, day.Day+" "+f)
		}
	}
	if diff := cmp.Diff([]string{"2026-12-11 high", "2026-12-14 none"}, flags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if day := b.page.Days[10]; day.Mean != 100_000 || day.Deviation != 1_414 {
		t.Errorf("day = %+v", day)
	}
	l, ok := d.Ledger("1")
	if !ok || len(l.Days) != len(use) || l.Days[10] != (DayUse{"2026-12-11", 300_000, High}) || l.Unit != "m3" || !l.Known || l.Today != 0 {
		t.Errorf("ledger = %+v", l)
	}
}

func TestLedgerUnderAClockThatIsSet(t *testing.T) {
	b := &shelf{}
	d := desk(t, b, large)
	d.Judge(cubic(inChina(1, 10, 0), 1_000))
	d.Judge(cubic(inChina(2, 0, 30), 2_000))
	d.Judge(cubic(inChina(1, 23, 45), 2_100)) // an hour back, over midnight
	d.Judge(cubic(inChina(2, 0, 1), 2_200))
	if tell(t, d, b); len(b.page.Days) != 1 {
		t.Fatalf("an hour back: %+v", b.page.Days)
	}
	d.Judge(cubic(inChina(1, 0, 0)+3653*24*time.Hour, 2_300)) // ten years on
	d.Judge(cubic(inChina(2, 8, 0), 2_400))                   // and back
	if tell(t, d, b); len(b.page.Days) != 1 {
		t.Fatalf("ten years: %+v", b.page.Days[1:])
	}
	d.Judge(cubic(inChina(2, 0, 0)-57*365*24*time.Hour, 2_500)) // 1969
	d.Judge(cubic(inChina(3, 0, 4), 2_600))
	if tell(t, d, b); len(b.page.Days) != 2 || b.page.Days[1].Day != "2026-12-02" {
		t.Fatalf("1970: %+v", b.page.Days[1:])
	}
}

func TestSpread(t *testing.T) {
	big := []int64{1 << 61, 1 << 61, 1 << 61}
	if mean, dev := spread(big); mean != 1<<61 || dev != 0 {
		t.Errorf("spread of large days = %d, %d", mean, dev)
	}
	if mean, dev := spread([]int64{2, 4, 4, 4, 5, 5, 7, 9}); mean != 5 || dev != 2 {
		t.Errorf("spread = %d, %d, want 5 and 2", mean, dev)
	}
}
