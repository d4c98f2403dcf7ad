package contract

import (
	"encoding/json"
	"time"
)

// Types of commands.
const (
	CommandReadNow  = "read_now"  // read meters outside the schedule
	CommandValve    = "valve"     // open or close; never repeated by anybody but a person
	CommandSetClock = "set_clock" // of a meter
	CommandResend   = "resend"    // move the watermark of a stream back, as far as records are kept
	CommandBackup   = "backup"
	CommandLogLevel = "log_level"
)

// Command is something that a node does once. The centre repeats it until it sees the result.
type Command struct {
	ID      string          `json:"id"`
	Node    string          `json:"node"`
	Counter uint64          `json:"counter"` // per node, never used twice
	Issued  Time            `json:"issued"`
	Expires Time            `json:"expires"` // not begun after this
	Type    string          `json:"type"`
	Args    json.RawMessage `json:"args"`
}

// MaxLife is the longest that a command may be valid.
const MaxLife = 7 * 24 * time.Hour

func (c Command) check() *Invalid {
	bad := func(where, why string, args ...any) *Invalid { return invalid(CodeBadRecord, where, why, args...) }
	switch {
	case !isName(c.ID):
		return bad("id", "not 1 to 64 of [A-Za-z0-9_-]")
	case CheckNode(c.Node) != nil:
		return bad("node", "not a node name")
	case c.Counter == 0 || c.Counter > MaxSeq:
		return bad("counter", "not 1 to 2^53-1")
	case c.Issued.IsZero() || !c.Expires.After(c.Issued.Time) || c.Expires.Sub(c.Issued.Time) > MaxLife:
		return bad("expires", "not within %s after issued", MaxLife)
	case !isName(c.Type):
		return bad("type", "not 1 to 64 of [A-Za-z0-9_-]")
	case len(c.Args) == 0 || c.Args[0] != '{':
		return bad("args", "not an object")
	}
	return nil
}

// InTime says whether the command may be begun now. A clock that differs a little from the centre's is no reason to
// refuse what was just issued.
func (c Command) InTime(now time.Time) bool {
	const slack = 5 * time.Minute
	return now.Before(c.Expires.Time) && now.After(c.Issued.Add(-slack))
}

// Desired is how a node should be. The newest version replaces all before it.
type Desired struct {
	Node    string                     `json:"node"`
	Version uint64                     `json:"version"` // per node, always growing
	Issued  Time                       `json:"issued"`
	Parts   map[string]json.RawMessage `json:"parts"` // prices, locks, accounts, settings; a part that is missing stays as it is
}

func (d Desired) check() *Invalid {
	switch {
	case CheckNode(d.Node) != nil:
		return invalid(CodeBadRecord, "node", "not a node name")
	case d.Version == 0 || d.Version > MaxSeq:
		return invalid(CodeBadRecord, "version", "not 1 to 2^53-1")
	case d.Issued.IsZero():
		return invalid(CodeBadRecord, "issued", "missing")
	}
	return nil
}

// TypeCommandResult is the type of the record on ev that answers a command; its ID is the command's.
const TypeCommandResult = "command_result"

// Outcomes of a command.
const (
	Done        = "done"
	Failed      = "failed"      // it was tried and did not work; nothing has changed
	Unknown     = "unknown"     // it was begun and nobody knows how it ended; it is not tried again
	NotInTime   = "not_in_time" // expired, or the clock is not to be trusted; not begun
	Unsupported = "unsupported" // this node does not know the type; not begun
)

// CommandResult is the body of command_result.
type CommandResult struct {
	Command string          `json:"command"`
	Counter uint64          `json:"counter"`
	Type    string          `json:"type"`
	Outcome string          `json:"outcome"`
	Text    string          `json:"text,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}
