package meter

import (
	"context"
	"errors"
)

// ValveState is where a meter's valve stands, in the meter's own words.
type ValveState string

// Valve states.
const (
	ValveOpen    ValveState = "open"
	ValveClosed  ValveState = "closed"
	ValveFault   ValveState = "fault"   // the meter says that it cannot tell or cannot move
	ValveUnknown ValveState = "unknown" // the meter could not be asked
)

// ErrOutcomeUnknown says that a command may or may not have been carried out. Only reading the meter again tells;
// sending the command again does not.
var ErrOutcomeUnknown = errors.New("outcome of the command is unknown")

// Valve is a meter with a valve that can be moved from afar. To open means, with most makers, to allow the customer to
// open at the meter: it arms.
type Valve interface {
	// SetValve sends the command exactly once, to this meter only, and reads back where the valve stands. A nil error
	// proves that it reads back as wanted. ErrException proves that the meter refused. Any other error matches
	// ErrOutcomeUnknown and comes with the state that could be read, if any: valves move slowly. Nothing here
	// repeats a command; a caller that repeats one takes that upon itself.
	SetValve(ctx context.Context, want ValveState) (ValveState, error)
}

// ValveReader is a meter that tells where its valve stands.
type ValveReader interface {
	// ReadValve asks. It changes nothing.
	ReadValve(ctx context.Context) (ValveState, error)
}
