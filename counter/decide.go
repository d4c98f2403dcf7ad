package counter

import (
	"context"
	"strings"
	"unicode/utf8"
)

// MaxReason is the most letters of a written reason.
const MaxReason = 500

// Decision is how a leader ends an order in quarantine.
type Decision string

// Decisions.
const (
	// Written: the customer has the gas; the sale stands and gets its receipt.
	Written Decision = "written"
	// NotWritten: the customer has not; the money goes back.
	NotWritten Decision = "not_written"
)

// Decide ends an order in quarantine, whose card fits neither before nor after, or one in doubt whose card is lost. Only a leader does it, with a written
// reason, and never about an order of their own. Nothing is written to the card; one that disagrees with the ledger
// afterwards is refused until it is replaced.
func (s *Service) Decide(ctx context.Context, sess Session, order string, d Decision, reason string) error {
	live, err := s.allow(sess, Leader)
	if err != nil {
		return err
	}
	if reason, err = written(reason); err != nil {
		return err
	}
	e := ending{why: WhyDecided, by: live, decided: true, reason: reason}
	switch d {
	case Written:
		e.state = Done
	case NotWritten:
		e.state = Void
	default:
		return refuse(CodeBadRequest, nil)
	}
	var o Order
	if err := s.view(ctx, func(tx Tx) (err error) { o, err = tx.Order(order); return err }); err != nil {
		return err
	}
	gone := s.gone(ctx, o)
	switch {
	case o.Op == OpFinish && d == Written:
		return refuse(CodeNoProof, nil, "order", o.ID) // the counter whose order it is decides
	case o.State != Quarantined && o.State.Open() && !gone:
		return s.outcome(o)
	case o.State != Quarantined && !gone && (o.State != e.state || o.Why != WhyDecided):
		return refuse(CodeAlreadyDone, nil, "order", o.ID)
	case o.Operator == live.Operator:
		return refuse(CodeOwnRequest, nil)
	}
	e.gone = gone
	ended, err := s.end(ctx, order, e)
	if err != nil {
		return err
	}
	s.lookAgain(ended.Card)
	if ended.State != e.state {
		return refuse(CodeAlreadyDone, nil, "order", o.ID)
	}
	return nil
}

// written checks a reason that a person must give.
func written(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || utf8.RuneCountInString(reason) > MaxReason || !utf8.ValidString(reason) {
		return "", refuse(CodeReasonNeeded, nil)
	}
	return reason, nil
}
