package config

import (
	"time"

	"tally/meter/quality"
	"tally/meter/quantity"
)

// Rules are what holds for the schedule of all meters and for how their values are watched.
type Rules struct {
	UTCOffset  time.Duration // of the utility's local time, which its days are counted in
	Freeze     bool          // every meter is read at local midnight
	Backfill   time.Duration // outages at least that long are filled from the meters' own history; 0 = never
	ClockEvery time.Duration // how often meters' clocks are compared with the node's; 0 = never
	ClockLimit time.Duration // how far off they may be
	SetClocks  bool          // the node sets those that are further off, each at most once a day

	Classes []ClassRules // those that differ from quality.Defaults
}

// ClassRules are the thresholds of one class of customers.
type ClassRules struct {
	Class  quality.Class
	Limits quality.Thresholds
}

// Watched is how one meter is watched, and what the node may do with its valve.
type Watched struct {
	Class      quality.Class
	MaxFlow    int64  // litres an hour, or watts; 0 = not known
	Digits     int    // of its counter in all; 0 = not known
	DailyValue string // name of the value that is the meter's own of midnight; empty for none
	ValveClose bool
	ValveOpen  bool // arms: somebody has to open at the meter
}

// rules reads the keys of [meters] that are not about models.
func (d *document) rules(t *table) Rules {
	r := Rules{
		UTCOffset:  t.utcOffset("utc_offset", 8*time.Hour),
		Freeze:     t.flag("midnight", true),
		Backfill:   t.span("backfill", 24*time.Hour, 0, 366*24*time.Hour),
		ClockEvery: t.span("clock_every", 24*time.Hour, 0, 31*24*time.Hour),
		ClockLimit: t.span("clock_limit", 2*time.Minute, 10*time.Second, 24*time.Hour),
		SetClocks:  t.flag("set_clocks", false),
	}
	classes := t.sub("class")
	for _, c := range quality.Classes {
		if !classes.has(string(c)) {
			continue
		}
		r.Classes = append(r.Classes, ClassRules{c, classes.sub(string(c)).thresholds(quality.Defaults()[c])})
	}
	classes.close()
	return r
}

// inTimeOf puts the meters into the utility's time.
func (n *Node) inTimeOf(r Rules) {
	if r.UTCOffset == 8*time.Hour {
		return
	}
	zone := time.FixedZone("", int(r.UTCOffset/time.Second))
	for _, l := range n.Lines {
		for i := range l.Meters {
			l.Meters[i].Zone = zone
		}
	}
}

// thresholds reads those of one class; what is not there is as usual, and "0s" or 0 switches an event off.
func (t *table) thresholds(usual quality.Thresholds) quality.Thresholds {
	const days = 24 * time.Hour
	count := func(key string, def int64, hi int) int64 { return int64(t.whole(key, int(def), 0, hi)) }
	out := quality.Thresholds{
		NoUse:      t.span("no_use", usual.NoUse, 0, 400*days),
		Sudden:     count("sudden_percent", usual.Sudden, 100_000),
		SuddenMin:  count("sudden_min_l", usual.SuddenMin, 1_000_000_000),
		Leak:       t.span("leak", usual.Leak, 0, 400*days),
		Burst:      count("burst_percent", usual.Burst, 1_000),
		BurstFor:   t.span("burst_for", usual.BurstFor, 0, days),
		ClosedMin:  count("closed_min_l", usual.ClosedMin, 1_000_000),
		ReverseMin: count("reverse_min_l", usual.ReverseMin, 1_000_000),
		BatteryMin: count("battery_min_mv", usual.BatteryMin, 100_000),
		Silence:    t.span("silence", usual.Silence, 0, 400*days),
		Deviation:  count("deviation_percent", usual.Deviation, 100_000),
	}
	t.close()
	return out
}

// watched reads the keys of a meter that are about its values and its valve.
func (t *table) watched() Watched {
	words := make([]string, len(quality.Classes))
	for i, c := range quality.Classes {
		words[i] = string(c)
	}
	w := Watched{
		Class:      quality.Class(t.choice("class", string(quality.Residential), words...)),
		Digits:     t.whole("digits", 0, 3, 18),
		DailyValue: t.name("daily_value", ""),
	}
	if flow, ok := exact(t, "max_flow", "6", 3, quantity.ParseVolume); ok {
		if flow <= 0 || flow > 1_000_000*quantity.CubicMetre {
			t.bad("max_flow", codeRange, flow.String(), "0.001", "1000000")
		} else {
			w.MaxFlow = int64(flow)
		}
	}
	for _, way := range t.texts("valve", 2) {
		switch way {
		case "close":
			w.ValveClose = true
		case "open":
			w.ValveOpen = true
		default:
			t.bad("valve", codeChoice, quoted(way), "close, open")
		}
	}
	return w
}

// utcOffset is a distance from UTC, written like "+08:00".
func (t *table) utcOffset(key string, def time.Duration) time.Duration {
	s := t.text(key, "")
	if s == "" {
		return def
	}
	offset, ok := ParseUTCOffset(s)
	if !ok {
		t.bad(key, codeOffset, quoted(s))
		return def
	}
	return offset
}

// ParseUTCOffset reads a distance from UTC, written like "+08:00"; false when it is none that clocks anywhere have: they are
// between -12:00 and +14:00.
func ParseUTCOffset(s string) (time.Duration, bool) {
	at, err := time.Parse("-07:00", s)
	if err != nil {
		return 0, false
	}
	_, seconds := at.Zone()
	offset := time.Duration(seconds) * time.Second
	return offset, offset >= -12*time.Hour && offset <= 14*time.Hour
}
