package fieldwork

import (
	"context"
	"errors"
	"strings"
	"time"

	"tally/meter"
)

// Judge says what an error of a command proves, and puts it into the result. It is the one place that decides.
func (r *Result) Judge(err error) {
	switch {
	case err == nil:
		r.Outcome = Done
		return
	case errors.Is(err, meter.ErrOutcomeUnknown):
		r.Outcome, r.Code = Unknown, "outcome_unknown"
	case errors.Is(err, meter.ErrException), errors.Is(err, meter.ErrBusy):
		r.Outcome, r.Code = Refused, meter.Code(err)
	case errors.Is(err, meter.ErrUnable):
		r.Outcome, r.Code = NotSent, CodeUnable
	case errors.Is(err, meter.ErrLine): // from the wait for the line: drivers mark what came later as unknown
		r.Outcome, r.Code = NotSent, CodeLine
	default:
		r.Outcome, r.Code = Unknown, "outcome_unknown"
	}
	r.Message = strings.ReplaceAll(err.Error(), "\n", "; ") // joined errors
}

func notSent(code, message string) Result {
	return Result{Outcome: NotSent, Code: code, Message: message}
}

// moveValve closes or arms, once. It wants the meter's number typed.
func moveValve(ctx context.Context, m Meter, a Act) Result {
	d, ok := m.Driver.(meter.Valve)
	switch {
	case a.Typed == "" || a.Typed != string(m.Number):
		return notSent(CodeTyped, "number that was typed is not the meter's")
	case !ok:
		return notSent(CodeUnable, unable(m, "have a valve that can be moved").Error())
	}
	before, err := valveNow(ctx, m)
	if errors.Is(err, meter.ErrLine) {
		return notSent(CodeLine, err.Error())
	}
	want := meter.ValveClosed
	if a.Do == ArmValve {
		want = meter.ValveOpen
	}
	state, err := d.SetValve(ctx, want)
	r := Result{Before: string(before), After: string(state), Valve: state, At: time.Now()}
	r.Judge(err)
	return r
}

// valveNow is where the valve stands, unknown if the meter does not say.
func valveNow(ctx context.Context, m Meter) (meter.ValveState, error) {
	d, ok := m.Driver.(meter.ValveReader)
	if !ok {
		return meter.ValveUnknown, nil
	}
	return d.ReadValve(ctx)
}

const clockForm = "2006-01-02T15:04:05Z07:00"

// setClock sets the meter's clock to ours.
func setClock(ctx context.Context, m Meter, now func() time.Time) Result {
	d, ok := m.Driver.(meter.ClockSetter)
	if !ok {
		return notSent(CodeUnable, unable(m, "let its clock be set").Error())
	}
	var r Result
	if c, ok := m.Driver.(meter.ClockReader); ok {
		shows, _, err := c.ReadClock(ctx)
		switch {
		case errors.Is(err, meter.ErrLine):
			return notSent(CodeLine, err.Error())
		case err == nil:
			r.Before = shows.Format(clockForm)
		}
	}
	r.Judge(d.SetClock(ctx, now))
	if r.Outcome == NotSent || r.Outcome == Refused {
		return r
	}
	if c, ok := m.Driver.(meter.ClockReader); ok {
		if shows, at, err := c.ReadClock(ctx); err == nil {
			r.After, r.Shows, r.At = shows.Format(clockForm), shows, at
		}
	}
	return r
}

// setAddress changes the address, after it has made sure that nobody answers at the new one.
func setAddress(ctx context.Context, m Meter, a Act) Result {
	d, ok := m.Driver.(meter.AddressSetter)
	switch {
	case a.Typed == "" || a.Typed != string(m.Number):
		return notSent(CodeTyped, "number that was typed is not the meter's")
	case !ok || m.Elsewhere == nil:
		return notSent(CodeUnable, unable(m, "let its address be changed").Error())
	}
	there, err := m.Elsewhere(a.Address)
	if err != nil {
		return notSent(CodeUnproven, err.Error())
	}
	for range 2 { // once silent may be chance
		switch err := probe(ctx, there); {
		case errors.Is(err, meter.ErrLine):
			return notSent(CodeLine, err.Error())
		case !errors.Is(err, meter.ErrSilent):
			return notSent(CodeTaken, "somebody answers at address "+a.Address)
		}
	}
	// The meter itself must be heard: silence at the new address on a line that is dead proves nothing.
	if err := probe(ctx, m.Driver); err != nil && !errors.Is(err, meter.ErrException) {
		return notSent(CodeUnproven, "the meter does not answer at its old address: "+err.Error())
	}
	r := Result{Before: string(m.Number), Address: a.Address}
	r.Judge(d.SetAddress(ctx, a.Address))
	if r.Outcome == Done {
		r.After = a.Address
	}
	return r
}

// probe asks whether somebody is there.
func probe(ctx context.Context, m meter.Meter) error {
	if p, ok := m.(meter.Prober); ok {
		return p.Probe(ctx)
	}
	_, err := m.Read(ctx)
	return err
}
