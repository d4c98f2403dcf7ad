package contract

import "fmt"

// Codes of nacks and of refused envelopes.
const (
	CodeBadVersion  = "bad_version"  // envelope version this centre does not speak
	CodeBadEnvelope = "bad_envelope" // the envelope contradicts itself; nothing of it can be trusted
	CodeBadRecord   = "bad_record"   // one record is not what the contract says
	CodeTooLarge    = "too_large"    // above the limits of its stream
	CodeConflict    = "conflict"     // same identity as a stored record, other bytes
	CodeWrongNode   = "wrong_node"   // the topic is of another node than the envelope

	CodeBadSignature = "bad_signature" // a command or a desired state that nobody trusted has signed for this node
)

// Invalid tells what is wrong with a message and where.
type Invalid struct {
	Code  string // one of the codes above
	Where string // path within the message, e.g. "records[3].seq"
	Why   string
}

// Error is one line for a log; it never repeats a record's content.
func (e *Invalid) Error() string { return fmt.Sprintf("%s: %s: %s", e.Code, e.Where, e.Why) }

func invalid(code, where, why string, args ...any) *Invalid {
	return &Invalid{Code: code, Where: where, Why: fmt.Sprintf(why, args...)}
}

// at puts the place in front of what an inner decoder found.
func (e *Invalid) at(prefix string) *Invalid {
	c := *e
	c.Where = prefix + "." + e.Where
	return &c
}
