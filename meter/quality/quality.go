// Package quality looks at what meters say: it marks readings that are odd, tells when something about a meter begins
// and ends, and keeps the daily ledger.
//
// It changes no value and drops none; its only word about a reading is a list of marks. What it knows of a meter (last
// good value, what is going on, the last days) is kept by a [Book] together with what it has to tell, so that each event
// is told once when it begins and once when it ends, also over a restart.
//
// A value that is odd is compared again: when three in a row, over ten minutes at least, agree with each other the counter
// is taken to be where they say, as after a repair. Until then the last good value stands.
package quality

import (
	"time"

	"tally/meter"
	"tally/meter/quantity"
)

// Meter is one meter to look at.
type Meter struct {
	ID      meter.ID
	Line    string
	Class   Class
	MaxFlow int64  // litres an hour (watts for a counter of energy) that it lets through at most; 0 = not known
	Digits  int    // digits of its counter in all, after which it begins again; 0 = not known
	Frozen  string // name of the value that is the meter's own of midnight; empty = it has none
}

// Kind names what an event is about.
type Kind string

// Kinds of events.
const (
	NoUse      Kind = "no_use"      // nothing was used for long
	SuddenUse  Kind = "sudden_use"  // far more in a day than in those before
	Leak       Kind = "leak"        // it never stops flowing
	ClosedFlow Kind = "closed_flow" // it flows although the valve is closed
	Reverse    Kind = "reverse"     // the counter ran backwards
	Burst      Kind = "burst"       // it flows near the most that the meter lets through
	BatteryLow Kind = "battery_low"
	Tamper     Kind = "tamper"      // the meter says that it was opened or met a magnet
	Silence    Kind = "silence"     // no answer for long; its end is that the meter is back again
	Swapped    Kind = "replaced"    // another meter answers, or its register began again
	Drift      Kind = "clock_drift" // its clock is further off than allowed
)

// Event is the beginning or the end of something.
type Event struct {
	Meter    meter.ID
	Line     string
	Class    Class
	Kind     Kind
	Began    time.Time
	Ended    time.Time // zero at the beginning
	Evidence []Evidence
}

// Evidence is one value that an event stands on.
type Evidence struct {
	At    time.Time
	Name  string
	Value string
	Unit  quantity.Unit
}

// LineEvent is the beginning or the end of an outage of a line.
type LineEvent struct {
	Line   string
	Meters int
	Code   string
	Began  time.Time
	Ended  time.Time // zero at the beginning
}

// maxEvidence bounds what one event carries.
const maxEvidence = 8
