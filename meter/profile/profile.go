// Package profile holds meter models as data: which registers a maker put where, how they are coded, in what unit, and
// how much may be read at once; and where the meters of the other protocols leave their standard.
//
// Models are TOML files, embedded from the folder models and extendable by a folder of the operator's own. Each names
// the public document that it was taken from. Decoding is pure: registers in, exact decimals out, or an error; a value
// that is not a number is refused, never turned into a zero.
package profile

import (
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/quantity"
)

// Protocol is the family of protocols that a model speaks.
type Protocol string

// Protocols.
const (
	Modbus Protocol = "modbus"
	CJT188 Protocol = "cjt188"
	DLT645 Protocol = "dlt645"
	MBus   Protocol = "mbus"
)

// Profile is one meter model. Of Map, CJT188, DLT645 and MBus only the one of its protocol means something.
type Profile struct {
	Model    string // name in configs, e.g. "generic-gas-modbus"
	Title    string // name for people
	Source   string // title of the document that it was taken from
	URL      string // where that can be read; empty if nowhere
	Protocol Protocol
	Timing   Timing
	Map      Map
	CJT188   CJT188Variant
	DLT645   DLT645Variant
	MBus     MBusVariant
}

// Timing is how long the model's meters need. Zero fields leave it to the line or the protocol.
type Timing struct {
	Timeout time.Duration // how long a meter may think when nothing is known of it yet
	Min     time.Duration // an adaptive timeout does not go below
	Max     time.Duration // nor above
}

// Map is a checked register map.
type Map struct {
	Max       int     // most registers that one request may ask for, 1–125
	Bridge    int     // read up to that many registers that nobody wants to save a request
	Gaps      []Range // registers that must not be read (wire addresses)
	Registers []Register
	Clock     *ClockMap   // nil when the model has none, or nobody knows where
	Own       *AddressMap // nil when the address cannot be changed over the line
}

// Range is a run of registers of one table, both ends included.
type Range struct{ First, Last uint16 }

// Register is one value of a meter.
type Register struct {
	Name     string
	Function byte   // 3 holding, 4 input
	Address  uint16 // of its first register as on the wire, counted from 0
	Kind     Kind
	Words    int   // registers that it takes
	Order    Order // of the bytes within
	Scale    uint8 // decimals: the value is raw × Multiply × 10^−Scale
	Multiply int64 // 1 unless the model counts in steps
	Decimals uint8 // digits of the fraction of an integer+fraction pair
	Unit     quantity.Unit
}

// Block is one read request: Count registers from Start.
type Block struct {
	Function byte
	Start    uint16
	Count    int
}

// Contains tells whether the block carries all of r, and at which of its registers r begins.
func (b Block) Contains(r Register) (at int, ok bool) {
	at = int(r.Address) - int(b.Start)
	return at, b.Function == r.Function && at >= 0 && at+r.Words <= b.Count
}

// Decode reads all values that blocks carry; data[i] are the bytes of blocks[i] as they came, two a register. The error
// matches meter.ErrImplausible when a value is not a number, meter.ErrMalformed when the data is too short.
func (p *Profile) Decode(blocks []Block, data [][]byte) ([]meter.Value, error) {
	values := make([]meter.Value, 0, len(p.Map.Registers))
	for _, r := range p.Map.Registers {
		raw, err := find(r, blocks, data)
		if err != nil {
			return nil, err
		}
		n, err := r.Decode(raw)
		if err != nil {
			return nil, err
		}
		values = append(values, meter.Value{Name: r.Name, Number: n, Unit: r.Unit})
	}
	return values, nil
}

func find(r Register, blocks []Block, data [][]byte) ([]byte, error) {
	for i, b := range blocks {
		at, ok := b.Contains(r)
		if !ok || i >= len(data) {
			continue
		}
		if len(data[i]) != 2*b.Count {
			return nil, fmt.Errorf("%d bytes for %d registers: %w", len(data[i]), b.Count, meter.ErrMalformed)
		}
		return data[i][2*at : 2*(at+r.Words)], nil
	}
	return nil, fmt.Errorf("register %d (%s) was not read: %w", r.Address, r.Name, meter.ErrMalformed)
}
