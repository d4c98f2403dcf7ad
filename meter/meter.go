// Package meter is the contract between whoever wants readings and whoever drives meters.
//
// A driver (modbus, …) stands on an open line and implements [Meter]; what a meter can do beyond being read is a
// one-method interface of its own, found by type assertion. The schedule (poll) and the technician's tool stand above.
//
// Two rules: a reading carries the time at which the meter answered, never the time at which somebody handled it; and a
// meter that did not answer yields an error, never a zero.
package meter

import (
	"context"
	"time"

	"tally/meter/quantity"
)

// ID is the number printed on the meter (表号), the name under which the utility knows it.
type ID string

// Meter can be read.
type Meter interface {
	// Read asks the meter once and returns what it measured. It does not retry: the schedule does. A nil error proves
	// that the values came in one answer (or one gap-free series of answers) of this meter to this question. Read may be called again
	// after any error. It matches one of the errors of this package.
	Read(ctx context.Context) (Reading, error)
}

// Reading is what a meter said at one instant.
type Reading struct {
	Meter   ID        `json:"meter"`
	At      time.Time `json:"at"`   // when the answer's last byte arrived
	Line    string    `json:"line"` // name of the line in the config
	Values  []Value   `json:"values"`
	Quality Quality   `json:"quality"`
	Raw     []byte    `json:"raw"` // answer as it came, the evidence; at most 512 bytes
}

// Value is one measured quantity, as the meter gave it.
type Value struct {
	Name   string           `json:"name"` // volume, volume_settlement, flow, temperature_supply, battery, valve …
	Number quantity.Decimal `json:"number"`
	Unit   quantity.Unit    `json:"unit"`
}

// Volume is the name of the value that is billed.
const Volume = "volume"

// Find returns the named value.
func (r Reading) Find(name string) (Value, bool) {
	for _, v := range r.Values {
		if v.Name == name {
			return v, true
		}
	}
	return Value{}, false
}

// Quality is a set of marks on a reading that was kept although something about it is odd. No mark is a good reading. A
// mark never changes a value.
type Quality []string

// Marks of quality.
const (
	Backwards   = "backwards"    // less than the last good value
	Jump        = "jump"         // more than the meter's maximum flow allows
	Rollover    = "rollover"     // the register passed its end
	Replaced    = "replaced"     // another meter answers: its number differs, or its register began again
	WrongUnit   = "unit"         // the unit is none of a counter, or another than before
	Stuck       = "frozen"       // the counter stands although the meter itself reports a flow
	BadClock    = "bad_clock"    // the meter's clock shows no date and time
	ClockDrift  = "clock_drift"  // the meter's clock is further off than allowed
	ClockUnsure = "clock_unsure" // the node's own clock was not set, or was set meanwhile
	Remembered  = "history"      // read from the meter's memory; its time is the meter's
)

// Failure is what is kept and sent instead of a reading when a meter could not be read.
type Failure struct {
	Meter ID        `json:"meter"`
	At    time.Time `json:"at"` // when the attempt ended
	Line  string    `json:"line"`
	Code  string    `json:"code"` // stable word of the error, see Code
	Text  string    `json:"text"`
}
