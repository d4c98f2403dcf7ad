// Package fieldwork is what a technician does with one meter: clock, history, registers, address, valve. The command
// does it over a line that it opened, the daemon over a line that it owns; both do it here, so that the rules are the
// same.
//
// What changes a meter is sent once, is read back, and has one of four outcomes. A change that ended without an answer
// is unknown, and nothing here repeats it.
package fieldwork

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// What can be done.
const (
	Identify   = "identify"
	ReadClock  = "clock"
	SetClock   = "set_clock"
	History    = "history"
	Registers  = "registers"
	ReadItem   = "item"
	Address    = "address"
	SetAddress = "set_address"
	ReadValve  = "valve"
	CloseValve = "close_valve"
	ArmValve   = "arm_valve" // allow the customer to open at the meter
)

// Act is one thing to do.
type Act struct {
	Do      string    `json:"do"`
	Typed   string    `json:"typed,omitempty"` // the meter's number as somebody typed it for this very act
	From    time.Time `json:"from,omitzero"`   // History, inclusive
	To      time.Time `json:"to,omitzero"`     // History, exclusive
	Table   byte      `json:"table,omitempty"` // Registers: 3 holding, 4 input
	Start   uint16    `json:"start,omitempty"` // Registers, counted from 0
	Count   int       `json:"count,omitempty"`
	Item    string    `json:"item,omitempty"`
	Address string    `json:"address,omitempty"` // SetAddress
}

// Changes tells whether the act changes something at the meter.
func (a Act) Changes() bool {
	switch a.Do {
	case SetClock, SetAddress, CloseValve, ArmValve:
		return true
	}
	return false
}

// Outcome says what became of a change.
type Outcome string

// Outcomes.
const (
	Done    Outcome = "done"     // read back as wanted
	Refused Outcome = "refused"  // the meter said no
	Unknown Outcome = "unknown"  // only reading the meter again tells
	NotSent Outcome = "not_sent" // nothing was sent to the meter
)

// Result is what came of an act. Of a change Outcome is set; then Code and Message say why it is not Done.
type Result struct {
	At       time.Time        `json:"at,omitzero"` // when the meter answered
	Outcome  Outcome          `json:"outcome,omitempty"`
	Code     string           `json:"code,omitempty"`
	Message  string           `json:"message,omitempty"`
	Before   string           `json:"before,omitempty"` // as the meter said
	After    string           `json:"after,omitempty"`
	Valve    meter.ValveState `json:"valve,omitempty"`
	Shows    time.Time        `json:"shows,omitzero"` // the meter's clock
	Memories []meter.Memory   `json:"memories,omitempty"`
	Words    []uint16         `json:"words,omitempty"`
	Reading  *meter.Reading   `json:"reading,omitempty"`
	Identity *meter.Identity  `json:"identity,omitempty"`
	Address  string           `json:"address,omitempty"`
}

// Codes of changes that were not sent.
const (
	CodeTyped     = "typed"         // the number that was typed is not the meter's
	CodeTaken     = "address_taken" // another meter answers at the new address
	CodeUnproven  = "unproven"      // whether the new address is free could not be found out
	CodeUnable    = "unable"
	CodeUnread    = "unread" // an earlier command has no outcome yet
	CodeForbidden = "forbidden"
	CodeLine      = "line"
)

// Meter is a meter with what the acts need to know of it.
type Meter struct {
	Number meter.ID
	Driver meter.Meter
	// Patience is how long an answer is waited for; 0 if that is not known.
	Patience time.Duration
	// Elsewhere is a driver for whatever answers at another address of the same line.
	Elsewhere func(address string) (meter.Meter, error)
}

// changeTime bounds a change with its reading back. Somebody who presses Ctrl-C meanwhile learns the outcome first.
const changeTime = 2 * time.Minute

// Do carries an act out. Reads return the meter's error; a change returns its outcome and no error. now is the clock that
// meters are set by.
func Do(ctx context.Context, m Meter, a Act, now func() time.Time) (Result, error) {
	ctx = line.WithPriority(ctx, line.Interactive)
	if !a.Changes() {
		return read(ctx, m, a)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTime)
	defer cancel()
	switch a.Do {
	case SetClock:
		return setClock(ctx, m, now), nil
	case SetAddress:
		return setAddress(ctx, m, a), nil
	}
	return moveValve(ctx, m, a), nil
}

func read(ctx context.Context, m Meter, a Act) (Result, error) {
	var r Result
	var err error
	switch a.Do {
	case Identify:
		d, ok := m.Driver.(meter.Identifier)
		if !ok {
			return r, unable(m, "say what it is")
		}
		var id meter.Identity
		id, err = d.Identify(ctx)
		r.Identity, r.At = &id, id.At
	case ReadClock:
		d, ok := m.Driver.(meter.ClockReader)
		if !ok {
			return r, unable(m, "tell its clock")
		}
		r.Shows, r.At, err = d.ReadClock(ctx)
	case History:
		d, ok := m.Driver.(meter.History)
		if !ok {
			return r, unable(m, "tell its history")
		}
		r.Memories, err = d.ReadHistory(ctx, a.From, a.To)
	case Registers:
		d, ok := m.Driver.(meter.RegisterReader)
		if !ok {
			return r, unable(m, "tell single registers")
		}
		r.Words, r.At, err = d.ReadRegisters(ctx, a.Table, a.Start, a.Count)
	case ReadItem:
		d, ok := m.Driver.(meter.Items)
		if !ok {
			return r, unable(m, "tell single items")
		}
		var got meter.Reading
		got, err = d.ReadItem(ctx, a.Item)
		r.Reading, r.At = &got, got.At
	case Address:
		d, ok := m.Driver.(meter.AddressReader)
		if !ok {
			return r, unable(m, "tell its address")
		}
		r.Address, err = d.ReadAddress(ctx)
	case ReadValve:
		d, ok := m.Driver.(meter.ValveReader)
		if !ok {
			return r, unable(m, "tell its valve")
		}
		r.Valve, err = d.ReadValve(ctx)
	default:
		return r, fmt.Errorf("do %q: %w", a.Do, errors.ErrUnsupported)
	}
	if err != nil {
		return Result{}, err
	}
	return r, nil
}

func unable(m Meter, what string) error {
	return fmt.Errorf("meter %s does not %s: %w", m.Number, what, meter.ErrUnable)
}
