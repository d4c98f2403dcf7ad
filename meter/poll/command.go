package poll

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// Why a valve was not moved. Nothing was sent to the meter.
var (
	ErrForbidden = errors.New("valve may not be moved that way by this node")
	ErrTyped     = errors.New("number that was typed is not the meter's")
	ErrUnread    = errors.New("an earlier valve command has no outcome yet, read the meter first")
	ErrMoving    = errors.New("a valve command is under way")
)

// ReadNow reads one meter at once, before everything scheduled, and hands the reading to the Sink as well, marks
// included. Somebody who does not wait in front of a screen says so with line.WithPriority(ctx, line.Command). It does
// not retry. A failure is returned and handed over.
func (p *Poller) ReadNow(ctx context.Context, id meter.ID) (meter.Reading, error) {
	t, err := p.find(id)
	if err != nil {
		return meter.Reading{}, fmt.Errorf("read: %w", err)
	}
	priority := line.PriorityOf(ctx)
	if priority != line.Command {
		priority = line.Interactive
	}
	r, err := p.read(ctx, t, priority, 1)
	if err != nil {
		if ctx.Err() == nil {
			f := p.remember(t, err)
			p.queue.put(item{failure: &f})
		}
		return meter.Reading{}, err
	}
	r = p.keep(t, r)
	p.mu.Lock()
	if t.next.After(time.Now().Add(t.Every)) { // it was dead: back to its own interval
		t.next = time.Now().Add(t.Every)
	}
	p.mu.Unlock()
	hint(t.lane.wake)
	return r, nil
}

// valve is what is known of a meter's valve. The Poller's mutex guards all but moving.
type valve struct {
	moving  sync.Mutex
	state   meter.ValveState // as the last command left it; empty if there was none since the start
	at      time.Time        // when it ended
	unknown bool             // the outcome is open
}

// read takes a reading that is younger than the last command: the meter has told what became of it.
func (v *valve) read(r meter.Reading) {
	if v.unknown && r.At.After(v.at) {
		v.unknown, v.state = false, ""
	}
}

// Valve closes or arms a meter's valve. typed is the meter's number as somebody typed it for this very command. The
// command is sent at most once and to this meter only; what comes back is where the valve reads afterwards. An error
// matching meter.ErrOutcomeUnknown says that only reading the meter again tells what happened, and until it was read no
// further command is sent. ErrUnknown, ErrTyped, ErrForbidden, ErrUnread, ErrMoving and meter.ErrUnable prove that nothing was
// sent. A command that is on its way is not broken off when ctx ends.
func (p *Poller) Valve(ctx context.Context, id meter.ID, want meter.ValveState, typed string) (meter.ValveState, error) {
	t, err := p.find(id)
	if err != nil {
		return meter.ValveUnknown, fmt.Errorf("move valve: %w", err)
	}
	if err := p.mayMove(ctx, t, want, typed); err != nil {
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s: %w", t.ID, err)
	}
	if !t.valve.moving.TryLock() {
		return meter.ValveUnknown, fmt.Errorf("move valve of meter %s: %w", t.ID, ErrMoving)
	}
	defer t.valve.moving.Unlock()
	return p.move(ctx, t, want)
}

// mayMove says why a command is not sent.
func (p *Poller) mayMove(ctx context.Context, t *target, want meter.ValveState, typed string) error {
	allowed, known := map[meter.ValveState]bool{meter.ValveClosed: t.Permit.Close, meter.ValveOpen: t.Permit.Open}[want]
	_, able := t.Meter.(meter.Valve)
	p.mu.Lock()
	unread := t.valve.unknown
	p.mu.Unlock()
	switch {
	case typed != string(t.ID):
		return ErrTyped
	case !known || !allowed:
		return fmt.Errorf("%q: %w", want, ErrForbidden)
	case !able:
		return meter.ErrUnable
	case unread:
		return ErrUnread
	}
	return ctx.Err()
}

// move sends the command, once, and notes what became of it.
func (p *Poller) move(ctx context.Context, t *target, want meter.ValveState) (meter.ValveState, error) {
	ctx, cancel := context.WithTimeout(line.WithPriority(context.WithoutCancel(ctx), line.Command), p.opts.Limit)
	defer cancel()
	state, err := t.Meter.(meter.Valve).SetValve(ctx, want)
	proven := err == nil || errors.Is(err, meter.ErrException) || errors.Is(err, meter.ErrUnable) ||
		errors.Is(err, meter.ErrLine) && !errors.Is(err, meter.ErrOutcomeUnknown)
	if !proven && !errors.Is(err, meter.ErrOutcomeUnknown) {
		err = fmt.Errorf("%w: %w", meter.ErrOutcomeUnknown, err)
	}
	p.mu.Lock()
	t.valve.state, t.valve.at, t.valve.unknown = state, p.opts.Now(), !proven
	p.mu.Unlock()
	p.opts.Log.Info("valve command", "meter", t.ID, "want", want, "reads", state, "err", err)
	return state, err
}
