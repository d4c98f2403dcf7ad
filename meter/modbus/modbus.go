// Package modbus reads meters over Modbus RTU, Modbus TCP and RTU frames through a TCP gateway. It is the only importer
// of github.com/goburrow/modbus.
//
// The library packs and unpacks frames; it never sees a port. Our transporter stands on a [line.Line] and checks what
// v0.1.0 of the library does not: that an answer is of the right meter and function and as long as was asked, that an
// exception is one, that a TCP answer carries the number of its question, and that a late answer is never taken for
// another register's value.
//
// Frames: Modbus Application Protocol V1.1b3, Modbus over Serial Line V1.02, Modbus Messaging on TCP/IP V1.0b.
package modbus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goburrow/modbus"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/profile"
)

// Framing is how frames are wrapped on the line.
type Framing int

// Framings.
const (
	RTU        Framing = iota // serial: address, PDU, CRC
	TCP                       // MBAP header with a transaction number
	RTUOverTCP                // serial frames through a transparent gateway
)

// Options tune one meter; the zero value is useful.
type Options struct {
	Timeout time.Duration  // how long this meter may think; 0 = the line's
	Zone    *time.Location // of the meter's clock; nil = the node's
}

// Meter reads one slave by its profile. It implements meter.Meter.
type Meter struct {
	line   *line.Line
	kind   Framing
	unit   byte
	id     meter.ID
	model  *profile.Profile
	blocks []profile.Block
	opts   Options
}

var _ meter.Meter = (*Meter)(nil)

// New returns the meter with address unit (RTU: 1–247, TCP: 0–255) on l. The line is used, not owned.
func New(l *line.Line, kind Framing, unit byte, p *profile.Profile, id meter.ID, opts Options) (*Meter, error) {
	switch {
	case l == nil || p == nil:
		return nil, fmt.Errorf("meter %s: line and profile are needed", id)
	case kind != TCP && (unit < 1 || unit > 247):
		return nil, fmt.Errorf("meter %s: address %d: 1–247 are possible", id, unit)
	}
	blocks := p.Map.Plan()
	if len(blocks) == 0 {
		return nil, fmt.Errorf("meter %s: model %s has no registers", id, p.Model)
	}
	opts.Zone = cmp.Or(opts.Zone, time.Local)
	return &Meter{line: l, kind: kind, unit: unit, id: id, model: p, blocks: blocks, opts: opts}, nil
}

// maxRaw bounds the evidence kept with a reading.
const maxRaw = 512

// Read asks for all registers of the profile, block by block, without giving the line away in between.
func (m *Meter) Read(ctx context.Context) (meter.Reading, error) {
	lease, err := m.line.Lease(ctx, line.PriorityOf(ctx))
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", m.id, err)
	}
	defer lease.Release()
	s := m.session(ctx, lease)
	values, err := m.read(s)
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", m.id, err)
	}
	return meter.Reading{Meter: m.id, At: s.last.At, Line: m.line.Name(), Values: values, Raw: s.raw[:min(len(s.raw), maxRaw)]}, nil
}

func (m *Meter) session(ctx context.Context, lease *line.Lease) *session {
	return &session{ctx: ctx, lease: lease, kind: m.kind, unit: m.unit, timeout: m.opts.Timeout}
}

func (m *Meter) read(s *session) ([]meter.Value, error) {
	client := modbus.NewClient2(m.packager(), s)
	data := make([][]byte, len(m.blocks))
	for i, b := range m.blocks {
		if err := s.settle(client, b); err != nil {
			return nil, err
		}
		got, err := s.ask(client, b.Function, b.Start, b.Count)
		if err != nil {
			return nil, fmt.Errorf("registers %d–%d: %w", b.Start, int(b.Start)+b.Count-1, err)
		}
		data[i] = got
	}
	s.lease.Settle(s.peer()) // behind a question that was refused, a right answer proves that the old ones are past
	return m.model.Decode(m.blocks, data)
}

// packager gives the library's frame code for this meter; its own transport is never connected.
func (m *Meter) packager() modbus.Packager {
	if m.kind == TCP {
		h := modbus.NewTCPClientHandler("")
		h.SlaveId = m.unit
		return h
	}
	h := modbus.NewRTUClientHandler("")
	h.SlaveId = m.unit
	return h
}

// classify turns what the library says into the words of package meter.
func classify(err error) error {
	var refused *modbus.ModbusError
	if !errors.As(err, &refused) {
		if meter.Code(err) == "error" {
			return fmt.Errorf("%w: %w", meter.ErrMalformed, err) // the library found something we did not
		}
		return err
	}
	return exception(refused.ExceptionCode)
}

// exception gives the meaning of an exception code (Application Protocol V1.1b3, 7).
func exception(code byte) error {
	switch code {
	case modbus.ExceptionCodeAcknowledge, modbus.ExceptionCodeServerDeviceBusy:
		return fmt.Errorf("exception %02X: %w", code, meter.ErrBusy)
	case modbus.ExceptionCodeGatewayTargetDeviceFailedToRespond:
		return fmt.Errorf("exception %02X, the gateway got no answer: %w", code, meter.ErrSilent)
	case modbus.ExceptionCodeIllegalFunction, modbus.ExceptionCodeIllegalDataAddress, modbus.ExceptionCodeIllegalDataValue:
		return fmt.Errorf("exception %02X, check the meter's model: %w", code, meter.ErrException)
	}
	return fmt.Errorf("exception %02X: %w", code, meter.ErrException)
}
