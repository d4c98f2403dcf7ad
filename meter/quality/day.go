package quality

import (
	"math/big"
	"time"

	"tally/meter"
	"tally/meter/quantity"
)

// Day is the daily freeze of a meter: its value at the end of a local day, and what was used, beside the days before.
type Day struct {
	Meter   meter.ID
	Line    string
	Class   Class
	Day     string // local day that has ended, 2006-01-02
	Days    int    // local days since the freeze before; 0 when there was none
	At      time.Time
	ByMeter bool // the value is the meter's own of midnight
	Value   quantity.Decimal
	Unit    quantity.Unit
	Quality meter.Quality

	Known     bool  // Used is
	Used      int64 // since the freeze before, in the base unit
	Compared  bool  // Mean and Deviation are known
	Mean      int64
	Deviation int64
	Flags     []string
}

// Flags of a day.
const (
	High = "high" // far more than in the days before
	Low  = "low"  // far less
	None = "none" // nothing, where the days before have something
	Gap  = "gap"  // days before are missing in it
)

// The ledger.
const (
	keptDays  = 30 // whole days that are remembered
	leastDays = 7  // before which nothing is compared
	maxMissed = 40 // days: more than that is a clock that was set, not an outage
	patience  = 6  // o'clock until which a value in doubt does not end the day: a better one may come
)

const dayLayout = "2006-01-02"

// closeDay ends the local day with the first good reading of the next. Nothing is ended by a clock that is not sound, and a
// clock that jumps begins the ledger anew.
func (m *Meter) closeDay(s *state, t Thresholds, r meter.Reading, v verdict, zone *time.Location) (*Day, []Event) {
	if v.now == nil || zone == nil || has(v.marks, meter.WrongUnit) || r.At.Year() < firstSound {
		return nil, nil
	}
	local := r.At.In(zone)
	today := local.Format(dayLayout)
	missed := daysBetween(s.Day, today)
	switch {
	case s.Day == "" || missed > maxMissed || missed < -1:
		s.Day, s.Open0 = today, v.now
		return nil, nil
	case missed <= 0 || !v.good && local.Hour() < patience && missed == 1:
		return nil, nil
	}
	d := &Day{Meter: m.ID, Line: m.Line, Class: m.Class, Day: local.AddDate(0, 0, -1).Format(dayLayout), Days: missed,
		At: r.At, Value: v.now.Value, Unit: v.now.Unit, Quality: append(append(meter.Quality{}, r.Quality...), v.marks...)}
	end := v.now
	if own := m.own(r); own != nil {
		d.ByMeter, d.Value, end = true, own.Value, own
	}
	if s.Open0 == nil {
		d.Days = 0
	}
	d.Known = v.good && s.Open0 != nil && s.Open0.Unit == end.Unit
	if d.Known {
		d.Used = end.N - s.Open0.N
		if d.Used < 0 { // over the end of the register, or a settlement value of another day
			d.Known, d.Used = false, 0
		}
	}
	events := m.compareDay(s, t, d)
	if s.Day, s.Open0 = today, end; !v.good {
		s.Open0 = nil // nobody can say what the next day is counted from
	}
	return d, events
}

// own is the meter's own value of midnight, where it has one.
func (m *Meter) own(r meter.Reading) *point {
	if m.Frozen == "" {
		return nil
	}
	v, ok := r.Find(m.Frozen)
	if !ok {
		return nil
	}
	n, ok := amount(v)
	if !ok {
		return nil
	}
	return &point{At: r.At, N: n, Value: v.Number, Unit: v.Unit}
}

// compareDay sets a day beside the days before and adds it to them.
func (m *Meter) compareDay(s *state, t Thresholds, d *Day) []Event {
	if d.Days > 1 {
		d.Flags = append(d.Flags, Gap)
	}
	if !d.Known || d.Days != 1 {
		return m.turn(s, SuddenUse, false, true, d.At, d.At)
	}
	if len(s.Days) >= leastDays {
		d.Compared = true
		d.Mean, d.Deviation = spread(s.uses())
		d.Flags = append(d.Flags, deviates(t, d)...)
	}
	use := DayUse{Day: d.Day, Used: d.Used}
	if len(d.Flags) > 0 {
		use.Flag = d.Flags[0]
	}
	s.Days = append(s.Days, use)
	if len(s.Days) > keptDays {
		s.Days = s.Days[1:]
	}
	return m.turn(s, SuddenUse, false, !m.sudden(t, d.Mean, d.Used, d.Compared), d.At, d.At, m.dayEvidence(d))
}

func (m *Meter) dayEvidence(d *Day) Evidence {
	return Evidence{At: d.At, Name: "day_use", Value: InUnit(d.Used, d.Unit), Unit: d.Unit}
}

// deviates names what is unusual about a day.
func deviates(t Thresholds, d *Day) []string {
	off := abs64(d.Used - d.Mean)
	switch {
	case t.Deviation <= 0:
		return nil
	case d.Used == 0 && d.Mean > 0:
		return []string{None}
	case off <= 3*d.Deviation || off <= d.Mean/100*t.Deviation:
		return nil
	case d.Used > d.Mean:
		return []string{High}
	}
	return []string{Low}
}

// running looks whether the day that is running is sudden already.
func (m *Meter) running(s *state, t Thresholds, v verdict) []Event {
	if !v.good || s.Open0 == nil || len(s.Days) < leastDays || s.Open0.Unit != v.now.Unit {
		return nil
	}
	mean, _ := spread(s.uses())
	used := v.now.N - s.Open0.N
	on := m.sudden(t, mean, used, true)
	return m.turn(s, SuddenUse, on, false, s.Open0.At, v.now.At, s.Open0.evidence(meter.Volume), v.now.evidence(meter.Volume),
		Evidence{At: v.now.At, Name: "mean_day", Value: InUnit(mean, v.now.Unit), Unit: v.now.Unit})
}

func (m *Meter) sudden(t Thresholds, mean, used int64, compared bool) bool {
	return compared && t.Sudden > 0 && used >= t.SuddenMin && used/t.Sudden*100 >= mean
}

// spread is the mean and the standard deviation of days, rounded down.
func spread(days []int64) (mean, deviation int64) {
	sum, n := new(big.Int), big.NewInt(int64(len(days)))
	for _, d := range days {
		sum.Add(sum, big.NewInt(d))
	}
	mean = new(big.Int).Quo(sum, n).Int64()
	squares := new(big.Int)
	for _, d := range days {
		off := big.NewInt(d - mean)
		squares.Add(squares, off.Mul(off, off))
	}
	return mean, new(big.Int).Sqrt(squares.Quo(squares, n)).Int64()
}

// uses are the amounts of the days.
func (s *state) uses() []int64 {
	all := make([]int64, len(s.Days))
	for i, d := range s.Days {
		all[i] = d.Used
	}
	return all
}

// daysBetween counts local days from a to b; very many when a is none.
func daysBetween(a, b string) int {
	from, err := time.Parse(dayLayout, a)
	if err != nil {
		return maxMissed + 1
	}
	to, err := time.Parse(dayLayout, b)
	if err != nil {
		return maxMissed + 1
	}
	days := to.Sub(from) / day
	return int(max(min(days, maxMissed+1), -maxMissed))
}

func abs64(n int64) int64 { return max(n, -n) }
