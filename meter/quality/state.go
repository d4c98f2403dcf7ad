package quality

import (
	"time"

	"tally/meter"
	"tally/meter/quantity"
)

// state is what is known of one meter. It is kept over a restart as JSON.
type state struct {
	Last     *point        `json:"last,omitempty"` // the newest that was compared
	Good     *point        `json:"good,omitempty"` // the last without a doubt about its counter
	Suspect  *point        `json:"suspect,omitempty"`
	Suspects int           `json:"suspects,omitempty"` // that agree with each other, in a row
	Doubted  time.Time     `json:"doubted,omitzero"`   // since the first of them
	Number   string        `json:"number,omitempty"`   // what the meter says to be its number
	Stuck    int64         `json:"stuck,omitempty"`    // what its own flow says to have gone through while the counter stood
	Answered time.Time     `json:"answered,omitzero"`
	Ahead    time.Duration `json:"ahead,omitempty"` // of its clock

	Idle     time.Duration `json:"idle,omitempty"`     // without use
	Flowing  time.Duration `json:"flowing,omitempty"`  // without a pause
	Bursting time.Duration `json:"bursting,omitempty"` // near its maximum
	Closed   bool          `json:"closed,omitempty"`   // the valve was closed at the last reading
	Leaked   int64         `json:"leaked,omitempty"`   // through the closed valve

	Day   string   `json:"day,omitempty"`   // local day that is running
	Open0 *point   `json:"open0,omitempty"` // its opening value: the freeze before; nil when that was in doubt
	Days  []DayUse `json:"days,omitempty"`  // use of the last whole days, oldest first

	Events map[Kind]*episode `json:"events,omitempty"` // what is going on

	seen []judged // the newest readings, for those that come twice
}

// point is one value of the counter.
type point struct {
	At    time.Time        `json:"at"`
	N     int64            `json:"n"` // in the base unit
	Value quantity.Decimal `json:"value"`
	Unit  quantity.Unit    `json:"unit"`
}

// DayUse is what was used on one local day, in the base unit of the counter.
type DayUse struct {
	Day  string `json:"d"`
	Used int64  `json:"u"`
	Flag string `json:"f,omitempty"` // High, Low, None; empty for an ordinary day
}

// episode is an event that has begun.
type episode struct {
	Began    time.Time  `json:"began"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// judged is a reading that was seen, by its time and content.
type judged struct {
	at    time.Time
	sum   uint64
	marks meter.Quality
}

// remembered is how many readings a doubled one is looked for among.
const remembered = 4

// evidence shows a counter's value.
func (p *point) evidence(name string) Evidence {
	return Evidence{At: p.At, Name: name, Value: p.Value.String(), Unit: p.Unit}
}

// sane tells whether a state can have been written by this program.
func (s *state) sane() bool {
	for _, p := range []*point{s.Last, s.Good, s.Suspect, s.Open0} {
		if p == nil {
			continue
		}
		if _, known := bases[p.Unit]; !known || p.N >= limit || p.N <= -limit || p.Value.Scale > 18 {
			return false
		}
	}
	for _, e := range s.Events {
		if e == nil {
			return false
		}
	}
	for _, d := range s.Days {
		if d.Used < 0 || d.Used >= limit {
			return false
		}
	}
	return s.Suspects >= 0 && s.Stuck >= 0 && s.Idle >= 0 && s.Flowing >= 0 && s.Bursting >= 0 && len(s.Days) <= keptDays
}
