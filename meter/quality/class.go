package quality

import "time"

// Class is what kind of customer a meter serves. Large customers' levels are by their yearly score: the first tenth, up
// to four tenths, the rest.
type Class string

// Classes of customers.
const (
	Residential Class = "residential"         // 居民
	Risk        Class = "residential-risk"    // found at risk by an inspection
	Special     Class = "residential-special" // old, ill or disabled: somebody should look when nothing is used
	Commercial  Class = "commercial"          // 商业
	Large1      Class = "large-1"             // 大客户一级
	Large2      Class = "large-2"
	Large3      Class = "large-3"
)

// Classes lists all.
var Classes = []Class{Residential, Risk, Special, Commercial, Large1, Large2, Large3}

// Large tells whether the customer is a large one, whose days are compared with each other.
func (c Class) Large() bool { return c == Large1 || c == Large2 || c == Large3 }

// Thresholds say from when on something is an event. A zero switches that event off.
type Thresholds struct {
	NoUse      time.Duration // nothing used for so long
	Sudden     int64         // percent of the mean day
	SuddenMin  int64         // litres a day below which nothing is sudden
	Leak       time.Duration // flows without a pause for so long
	Burst      int64         // percent of the meter's maximum flow
	BurstFor   time.Duration // for so long
	ClosedMin  int64         // litres through a closed valve
	ReverseMin int64         // litres backwards
	BatteryMin int64         // millivolts
	Silence    time.Duration // no answer for so long
	Deviation  int64         // percent of the mean day that a day may differ by, where it is beyond three standard deviations
}

const day = 24 * time.Hour

// Defaults are the thresholds of each class that a config starts from. They are this program's own; a utility has its own
// rules.
func Defaults() map[Class]Thresholds {
	home := Thresholds{
		NoUse: 90 * day, Sudden: 500, SuddenMin: 5_000, Leak: day, Burst: 95, BurstFor: time.Hour,
		ClosedMin: 100, ReverseMin: 10, BatteryMin: 3_300, Silence: 2 * day,
	}
	all := map[Class]Thresholds{Residential: home}
	change := func(c Class, f func(*Thresholds)) {
		t := home
		f(&t)
		all[c] = t
	}
	change(Risk, func(t *Thresholds) { t.NoUse, t.Sudden, t.Leak, t.Silence = 30*day, 300, 6*time.Hour, day })
	change(Special, func(t *Thresholds) { t.NoUse, t.Leak, t.Silence = 3*day, 6*time.Hour, day })
	change(Commercial, func(t *Thresholds) {
		t.NoUse, t.Sudden, t.SuddenMin, t.Leak, t.Silence, t.Deviation = 14*day, 300, 20_000, 3*day, day, 50
	})
	large := func(idle, silence time.Duration, sudden, deviation int64) func(*Thresholds) {
		return func(t *Thresholds) { // a boiler house never stops: flow without a pause is no leak
			t.NoUse, t.Sudden, t.SuddenMin, t.Leak, t.Silence, t.Deviation = idle, sudden, 100_000, 0, silence, deviation
		}
	}
	change(Large1, large(2*day, 2*time.Hour, 200, 20))
	change(Large2, large(3*day, 6*time.Hour, 200, 30))
	change(Large3, large(7*day, 12*time.Hour, 250, 40))
	return all
}
