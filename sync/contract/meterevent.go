package contract

// Types of records about meters beside their readings.
const (
	TypeMeterEvent = "meter_event" // ev: something about a meter began or ended; two records with one id
	TypeLineEvent  = "line_event"  // ev: nobody on a line answers, or somebody does again; two records with one id
	TypeMeterDay   = "meter_day"   // ev: the daily freeze of a meter, and its day's use beside its days before
)

// Phases of an event.
const (
	PhaseBegin = "begin"
	PhaseEnd   = "end"
)

// MeterEvent is the body of meter_event. The record's id names the event: its end has the same as its beginning.
type MeterEvent struct {
	Meter    string     `json:"meter"`
	Line     string     `json:"line"`
	Class    string     `json:"class"` // of the customer, as the node's config has it
	Kind     string     `json:"kind"`  // no_use, sudden_use, leak, closed_flow, reverse, burst, battery_low, tamper, silence …
	Phase    string     `json:"phase"`
	Began    Time       `json:"began"`
	Ended    *Time      `json:"ended,omitempty"` // at the end
	Evidence []Evidence `json:"evidence"`
}

// Evidence is one value that an event stands on, with the time at which it was measured.
type Evidence struct {
	At    Time   `json:"at"`
	Name  string `json:"name"`
	Value string `json:"value"`
	Unit  string `json:"unit"`
}

// LineEvent is the body of line_event: one for a cut cable, instead of one for each meter.
type LineEvent struct {
	Line   string `json:"line"`
	Meters int    `json:"meters"` // on this line
	Phase  string `json:"phase"`
	Code   string `json:"code"`  // silent: nobody answers; line: the port or connection cannot be used
	Began  Time   `json:"began"` // first question without an answer
	Ended  *Time  `json:"ended,omitempty"`
}

// Sources of a daily freeze.
const (
	FrozenByMeter = "meter" // the meter's own value of midnight
	FrozenByRead  = "read"  // the first good reading after midnight
)

// MeterDay is the body of meter_day. At is when the value was measured, which is after midnight; it is never moved to
// midnight. Used, mean and deviation are in the unit of the value, and are left out where they are not known.
type MeterDay struct {
	Meter     string   `json:"meter"`
	Line      string   `json:"line"`
	Class     string   `json:"class"`
	Day       string   `json:"day"`  // local day that has ended, 2026-11-21
	Days      int      `json:"days"` // local days since the freeze before; 1 when none is missing, 0 when there was none
	At        Time     `json:"at"`
	Source    string   `json:"source"`
	Value     string   `json:"value"`
	Unit      string   `json:"unit"`
	Quality   []string `json:"quality,omitempty"`
	Used      string   `json:"used,omitempty"`      // since the freeze before
	Mean      string   `json:"mean,omitempty"`      // of the single days before, a week at least
	Deviation string   `json:"deviation,omitempty"` // standard deviation of the same days
	Flags     []string `json:"flags,omitempty"`     // high, low, none: use beside the days before; gap: days are missing
}
