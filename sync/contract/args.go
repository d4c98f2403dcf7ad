package contract

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// Arguments of commands. What a node does not know among them makes it refuse the command: half an order is not obeyed.

// ReadNowArgs asks for readings outside the schedule. They travel on rd like any other.
type ReadNowArgs struct {
	Meters []string `json:"meters,omitempty"` // all when empty
}

// ReadNowResult is what came of read_now.
type ReadNowResult struct {
	Read   int `json:"read"`   // meters that answered
	Failed int `json:"failed"` // meters that did not; each has its reading_failed on rd
}

// Valve orders. Opening only arms: it needs somebody at the meter.
const (
	ValveOpen  = "open"
	ValveClose = "close"
)

// ValveArgs moves the valve of one meter, never of several.
type ValveArgs struct {
	Meter string `json:"meter"`
	Do    string `json:"do"` // ValveOpen or ValveClose
}

// SetClockArgs sets the clocks of meters to the node's, which must be sound.
type SetClockArgs struct {
	Meters []string `json:"meters,omitempty"` // all when empty
}

// ResendArgs asks for records that the node was told to be committed, and that the centre has lost: it was restored from
// a backup. The centre keeps each once, however often it comes.
type ResendArgs struct {
	Stream Stream `json:"stream"`
	Epoch  string `json:"epoch"` // another epoch's records are not there
	From   uint64 `json:"from"`  // first
	To     uint64 `json:"to"`    // last; 0 for everything from From on
}

// ResendResult says from where on the node sends again. Records of the range before From are not kept any more.
type ResendResult struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// BackupArgs asks for a backup at once.
type BackupArgs struct{}

// LogLevelArgs changes how much the node logs, for a while.
type LogLevelArgs struct {
	Level string `json:"level"`           // debug, info, warn, error
	ForS  int    `json:"for_s,omitempty"` // seconds until the configured level holds again, at most a day; 0: one hour
}

// Args are the types that OpenArgs knows.
type Args interface {
	ReadNowArgs | ValveArgs | SetClockArgs | ResendArgs | BackupArgs | LogLevelArgs
}

// OpenArgs reads the arguments of a command strictly. Errors are *Invalid.
func OpenArgs[T Args](raw json.RawMessage) (T, error) {
	var args T
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&args); err != nil {
		return args, invalid(CodeBadRecord, "args", "not what this type of command takes")
	}
	if bad := checkArgs(args); bad != nil {
		return *new(T), bad
	}
	return args, nil
}

// CheckArgs says whether args are those of a type of command; a type that this version does not know is an error. Errors
// are *Invalid.
func CheckArgs(typ string, args json.RawMessage) error {
	var err error
	switch typ {
	case CommandReadNow:
		_, err = OpenArgs[ReadNowArgs](args)
	case CommandValve:
		_, err = OpenArgs[ValveArgs](args)
	case CommandSetClock:
		_, err = OpenArgs[SetClockArgs](args)
	case CommandResend:
		_, err = OpenArgs[ResendArgs](args)
	case CommandBackup:
		_, err = OpenArgs[BackupArgs](args)
	case CommandLogLevel:
		_, err = OpenArgs[LogLevelArgs](args)
	default:
		return invalid(CodeBadRecord, "type", "not a known one")
	}
	return err
}

func checkArgs(args any) *Invalid {
	bad := func(where, why string) *Invalid { return invalid(CodeBadRecord, "args."+where, "%s", why) }
	switch a := args.(type) {
	case ReadNowArgs:
		return checkMeters(a.Meters)
	case SetClockArgs:
		return checkMeters(a.Meters)
	case ValveArgs:
		if !short(a.Meter) {
			return bad("meter", "one meter must be named")
		}
		if a.Do != ValveOpen && a.Do != ValveClose {
			return bad("do", "neither open nor close")
		}
	case ResendArgs:
		switch {
		case !a.Stream.Known():
			return bad("stream", "not tx, ev or rd")
		case !isName(a.Epoch):
			return bad("epoch", "not 1 to 64 of [A-Za-z0-9_-]")
		case a.From == 0 || a.From > MaxSeq || a.To > MaxSeq || a.To != 0 && a.To < a.From:
			return bad("from", "not a range")
		}
	case LogLevelArgs:
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, a.Level) {
			return bad("level", "not debug, info, warn or error")
		}
		if a.ForS < 0 || a.ForS > int(24*time.Hour/time.Second) {
			return bad("for_s", "not 0 to 86400")
		}
	}
	return nil
}

// maxMeters is the most that one command names.
const maxMeters = 1000

func checkMeters(meters []string) *Invalid {
	if len(meters) > maxMeters {
		return invalid(CodeBadRecord, "args.meters", "more than %d", maxMeters)
	}
	if slices.ContainsFunc(meters, func(m string) bool { return !short(m) }) {
		return invalid(CodeBadRecord, "args.meters", "a name is not 1 to %d bytes", maxShort)
	}
	return nil
}
