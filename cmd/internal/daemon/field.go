package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tally/cmd/internal/control"
	"tally/cmd/internal/devices"
	"tally/cmd/internal/fieldwork"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/poll"
)

// Lines implements control.Field.
func (d door) Lines(context.Context) ([]control.Line, error) {
	var lines []control.Line
	for _, w := range d.n.wires {
		l := control.Line{
			Name: w.cfg.Name, Kind: w.cfg.Kind, Where: w.cfg.Port + w.cfg.Address, Protocol: w.cfg.Protocol,
			Baud: w.cfg.Baud, Parity: w.cfg.Parity, StopBits: w.cfg.StopBits, Open: w.line.Stats().Up,
		}
		for _, m := range w.cfg.Meters {
			l.Offset = time.Time{}.In(devices.ZoneOf(m)).Format("-07:00")
			l.Meters = append(l.Meters, control.LineMeter{ID: m.ID, Unit: m.Unit, Address: m.Address, Kind: m.Kind, Model: m.Model})
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// MeterDo implements control.Field. Valve and clock go through the schedule, which knows what it may and what is under
// way; everything that changes a meter is logged.
func (d door) MeterDo(ctx context.Context, id meter.ID, a fieldwork.Act) (fieldwork.Result, error) {
	m, ok := d.n.field(id)
	if !ok {
		return fieldwork.Result{}, &control.Error{Code: control.CodeNotFound, Message: fmt.Sprintf("no meter %q on this node", id)}
	}
	var r fieldwork.Result
	var err error
	switch a.Do {
	case fieldwork.CloseValve, fieldwork.ArmValve:
		r = d.n.moveValve(ctx, m, a)
	case fieldwork.SetClock:
		r = d.n.setClock(ctx, m)
	default:
		r, err = fieldwork.Do(ctx, m, a, time.Now)
	}
	if a.Changes() {
		d.n.log.Info("technician changed a meter", "meter", id, "what", a.Do, "outcome", r.Outcome, "before", r.Before, "after", r.After, "why", r.Message)
	}
	return r, err
}

// moveValve lets the schedule move a valve, once.
func (n *Node) moveValve(ctx context.Context, m fieldwork.Meter, a fieldwork.Act) fieldwork.Result {
	want := meter.ValveClosed
	if a.Do == fieldwork.ArmValve {
		want = meter.ValveOpen
	}
	before := fieldwork.Result{Valve: meter.ValveUnknown}
	if a.Typed == string(m.Number) { // otherwise nothing is asked either
		if was, err := fieldwork.Do(ctx, m, fieldwork.Act{Do: fieldwork.ReadValve}, time.Now); err == nil {
			before = was
		}
	}
	state, err := n.poller.Valve(ctx, m.Number, want, a.Typed)
	r := fieldwork.Result{Before: string(before.Valve), After: string(state), Valve: state, At: time.Now()}
	for _, refusal := range []struct {
		err  error
		code string
	}{
		{poll.ErrTyped, fieldwork.CodeTyped}, {poll.ErrForbidden, fieldwork.CodeForbidden}, {poll.ErrUnread, fieldwork.CodeUnread},
		{poll.ErrMoving, fieldwork.CodeUnread}, {context.Canceled, fieldwork.CodeLine},
	} {
		if errors.Is(err, refusal.err) && !errors.Is(err, meter.ErrOutcomeUnknown) {
			return fieldwork.Result{Outcome: fieldwork.NotSent, Code: refusal.code, Message: err.Error(), Valve: meter.ValveUnknown}
		}
	}
	r.Judge(err)
	return r
}

// setClock lets the schedule set a clock, once.
func (n *Node) setClock(ctx context.Context, m fieldwork.Meter) fieldwork.Result {
	var r fieldwork.Result
	clock := fieldwork.Act{Do: fieldwork.ReadClock}
	if was, err := fieldwork.Do(ctx, m, clock, time.Now); err == nil {
		r.Before = was.Shows.Format(time.RFC3339)
	}
	err := n.poller.SetClock(ctx, m.Number)
	if errors.Is(err, poll.ErrClock) {
		return fieldwork.Result{Outcome: fieldwork.NotSent, Code: "node_clock", Message: err.Error()}
	}
	r.Judge(err)
	if r.Outcome == fieldwork.NotSent || r.Outcome == fieldwork.Refused {
		return r
	}
	if is, err := fieldwork.Do(context.WithoutCancel(ctx), m, clock, time.Now); err == nil {
		r.After, r.Shows, r.At = is.Shows.Format(time.RFC3339), is.Shows, is.At
	}
	return r
}

// field finds the driver of a meter.
func (n *Node) field(id meter.ID) (fieldwork.Meter, bool) {
	for _, w := range n.wires {
		if m, ok := w.meters[id]; ok {
			return m, true
		}
	}
	return fieldwork.Meter{}, false
}

// wireOf finds a line.
func (n *Node) wireOf(name string) (wire, error) {
	for _, w := range n.wires {
		if w.cfg.Name == name {
			return w, nil
		}
	}
	return wire{}, &control.Error{Code: control.CodeNotFound, Message: fmt.Sprintf("no line %q on this node", name)}
}

// longestLoan is when a borrower that neither asks nor goes away loses the line: one that was stopped, or forgot it.
const longestLoan = 10 * time.Minute

// Lend implements control.Field.
func (d door) Lend(ctx context.Context, name string, use func(control.Wire) error) error {
	w, err := d.n.wireOf(name)
	if err != nil {
		return err
	}
	lease, err := w.line.Lease(ctx, line.Interactive)
	if err != nil {
		return err
	}
	defer lease.Release()
	if err := lease.Quiet(ctx); err != nil && !errors.Is(err, line.ErrNoisy) { // a technician may want to see the noise
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, longestLoan)
	defer cancel()
	raw, err := lease.Raw(ctx)
	if err != nil {
		return err
	}
	d.n.log.Debug("line lent to a technician", "line", name)
	return errors.Join(use(raw), raw.Close())
}

// heardQueue is how many pieces wait for a listener that is slow.
const heardQueue = 1024

// Overhear implements control.Field.
func (d door) Overhear(ctx context.Context, name string, emit func(control.Heard) error) error {
	w, err := d.n.wireOf(name)
	if err != nil {
		return err
	}
	heard := make(chan control.Heard, heardQueue)
	lost := 0 // only the line's holder touches it, one at a time
	stop := w.line.Tap(func(h line.Heard) {
		piece := control.Heard{At: h.At, Sent: h.Sent, Bytes: append([]byte(nil), h.Bytes...), Lost: lost}
		select {
		case heard <- piece:
			lost = 0
		default:
			lost++
		}
	})
	defer stop()
	if err := emit(control.Heard{}); err != nil {
		return err
	}
	for {
		select {
		case h := <-heard:
			if err := emit(h); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}
