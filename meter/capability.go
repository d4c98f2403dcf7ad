package meter

import (
	"context"
	"time"
)

// What a meter can do beyond being read is found by type assertion: each ability has one method. A driver that has the
// method may still refuse it for a model that cannot: the error then matches ErrUnable and nothing was sent.
//
// Methods that change a meter send their command exactly once. Their errors say what is known: nil proves by reading
// back that it is done, ErrException that the meter refused, ErrUnable and ErrLine (from the wait for the line) that
// nothing was sent, and ErrOutcomeUnknown that only the meter can tell.

// Memory is a value that a meter remembered at an instant of its own: a settlement day, a midnight.
type Memory struct {
	Back     int       // how many periods the meter counts back, 1 = the latest; 0 when it gives a date instead
	Reading  Reading   // At is when the meter froze the values, by its own calendar; zero if the meter does not say when
	Answered time.Time // when the answer came; never the time of the values
}

// History is a meter that remembers.
type History interface {
	// ReadHistory asks for what the meter froze from (inclusive) to (exclusive), latest first. What the meter gives
	// without a date is returned with a zero time as far as it can lie in the span: its caller decides by Back. An empty
	// list and a nil error prove that the meter has nothing.
	ReadHistory(ctx context.Context, from, to time.Time) ([]Memory, error)
}

// ClockReader is a meter whose clock can be read.
type ClockReader interface {
	// ReadClock returns what the clock shows, in the zone that the driver was told, and the instant at which the answer
	// came: their difference is the drift.
	ReadClock(ctx context.Context) (shows, at time.Time, err error)
}

// ClockSetter is a meter whose clock can be set.
type ClockSetter interface {
	// SetClock sets the clock to the time that now returns at the instant of sending, and reads it back. A nil error
	// proves that it shows it, give or take a few seconds.
	SetClock(ctx context.Context, now func() time.Time) error
}

// AddressReader is a meter that tells its own address. Protocols have a question that everybody answers: it may be
// asked only where one meter is alone on the line.
type AddressReader interface {
	// ReadAddress returns the address as it is printed on the meter and written in a config.
	ReadAddress(ctx context.Context) (string, error)
}

// AddressSetter is a meter whose address can be changed.
type AddressSetter interface {
	// SetAddress gives this meter the address, written as in a config, and reads it back under the new one. A nil error
	// proves that the meter answers there. The driver keeps talking to the old address: make a new one.
	SetAddress(ctx context.Context, to string) error
}

// Identity is what a meter says of itself. What it does not say is empty.
type Identity struct {
	Maker   string    `json:"maker,omitempty"`
	Product string    `json:"product,omitempty"`
	Version string    `json:"version,omitempty"`
	Medium  string    `json:"medium,omitempty"`
	Number  string    `json:"number,omitempty"` // as printed on the meter, if it says so
	At      time.Time `json:"at"`               // when the answer came
	Raw     []byte    `json:"raw,omitempty"`
}

// Identifier is a meter that says what it is.
type Identifier interface {
	Identify(ctx context.Context) (Identity, error)
}

// Prober asks the shortest question that this meter must answer.
type Prober interface {
	// Probe returns nil when the meter answered. ErrException, ErrBusy and ErrChecksum prove that somebody is there.
	Probe(ctx context.Context) error
}

// Items is a meter whose single items can be read: data identifiers of CJ/T 188 and DL/T 645.
type Items interface {
	// ReadItem reads one item by its identifier as the standard writes it ("8102", "02010100").
	ReadItem(ctx context.Context, item string) (Reading, error)
}

// RegisterReader is a meter with registers.
type RegisterReader interface {
	// ReadRegisters reads count registers of a table (3 holding, 4 input) from address start, counted from 0. at is when
	// the answer came.
	ReadRegisters(ctx context.Context, table byte, start uint16, count int) (words []uint16, at time.Time, err error)
}

// RegisterWriter is a meter whose holding registers can be written.
type RegisterWriter interface {
	// WriteRegisters writes the words from address start and reads them back.
	WriteRegisters(ctx context.Context, start uint16, words []uint16) error
}
