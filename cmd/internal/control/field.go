package control

import (
	"context"
	"time"

	"tally/cmd/internal/fieldwork"
	"tally/meter"
	"tally/meter/line"
)

// Field is a node with lines, for a technician in front of it. While the node runs it owns the ports: who wants to talk
// to a meter talks through it.
type Field interface {
	// Lines lists the configured lines, in the order of the config, with the meters on them.
	Lines(ctx context.Context) ([]Line, error)
	// MeterDo carries one act out on a configured meter, ahead of the schedule. A change is sent at most once; its
	// outcome is in the result. CodeNotFound for an unknown meter.
	MeterDo(ctx context.Context, id meter.ID, a fieldwork.Act) (fieldwork.Result, error)
	// Lend waits for the line and calls use with its connection, once. The line belongs to use until it returns; then the
	// node goes on by itself. CodeNotFound for an unknown line.
	Lend(ctx context.Context, name string, use func(Wire) error) error
	// Overhear calls emit with everything that goes over the line until ctx ends or emit fails.
	Overhear(ctx context.Context, name string, emit func(Heard) error) error
}

// Wire is a line's connection in the hands of a borrower. Read returns an error matching os.ErrDeadlineExceeded at its
// deadline; one goroutine may read while another one writes.
type Wire interface {
	line.Conn
	// Drain waits until what was written has left the port.
	Drain() error
	// SetMode changes speed and parity until the loan ends; the zero Mode is the line's own.
	SetMode(m line.Mode) error
	// Traits tells the time of a character, and whether the connection is dropped after errors.
	Traits() line.Traits
}

// Line is one configured line.
type Line struct {
	Name     string      `json:"name"`
	Kind     string      `json:"kind"`
	Where    string      `json:"where"` // port or address
	Protocol string      `json:"protocol"`
	Baud     int         `json:"baud,omitempty"`
	Parity   string      `json:"parity,omitempty"`
	StopBits int         `json:"stop_bits,omitempty"`
	Offset   string      `json:"utc_offset,omitempty"` // of its meters' clocks, "+08:00"; empty: the node does not say
	Open     bool        `json:"open"`
	Meters   []LineMeter `json:"meters"`
}

// LineMeter is one meter of a line, as the config has it.
type LineMeter struct {
	ID      meter.ID `json:"id"`
	Unit    uint8    `json:"unit,omitempty"`
	Address string   `json:"address,omitempty"`
	Kind    string   `json:"kind,omitempty"`
	Model   string   `json:"model"`
}

// Heard is what went over a line in one piece.
type Heard struct {
	At    time.Time `json:"at"`   // when its last byte was there
	Sent  bool      `json:"sent"` // by the node; otherwise it came
	Bytes []byte    `json:"bytes"`
	Lost  int       `json:"lost,omitempty"` // pieces before this one that the listener was too slow for
}
