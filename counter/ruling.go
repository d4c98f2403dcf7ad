package counter

import (
	"cmp"
	"slices"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// A node that comes back after the centre took it for lost hears what was decided in its place, and obeys before it does
// anything else about the order. What it has done before that it cannot take back: both records are told then, and people
// decide. An order that is being written just now is left alone; the centre tells of it again when the write has ended.

// Why an order has its state after the centre has decided about it.
const (
	WhyCentreWritten    = "centre_written"
	WhyCentreRefunded   = "centre_refunded"
	WhyCentreNotWritten = "centre_not_written"
)

var whyRuled = map[string]string{
	contract.RuleWritten: WhyCentreWritten, contract.RuleRefunded: WhyCentreRefunded, contract.RuleNotWritten: WhyCentreNotWritten,
}

// hearRuling takes the centre's decision about an order of this counter, each one once.
func (s *Service) hearRuling(tx Tx, o *Order, d contract.OpenDoubt) error {
	r := d.Ruled
	if r == nil || o.Ruled == r.Name() || r.Closes() && (o.State == Intended || whyRuled[r.Do] == "") {
		return nil
	}
	answer := ruledRecord(*o, *r, obeys(*o, *r, d.Returned))
	o.Ruled = r.Name()
	if err := tx.Emit(outbox.Draft{Stream: contract.Tx, Type: contract.TypeOrderRuled, ID: o.ID, Body: answer}); err != nil {
		return err
	}
	attrs := append(orderAttrs(*o), "decision", r.Do, "by", r.By)
	switch {
	case !answer.Obeyed:
		s.log.Error("the centre has decided otherwise about an order in the belief that this node was lost", attrs...)
	case r.Closes() && o.State.Open():
		s.log.Warn("the centre has settled an order in the belief that this node was lost", attrs...)
		o.GivenTo, o.GivenAt = "", "" // nobody may write it any more
		return s.close(tx, o, ending{state: endOf(*r), why: whyRuled[r.Do], reason: r.Because + " (" + r.By + ")"})
	default:
		s.log.Warn("the centre has decided about an order in the belief that this node was lost", attrs...)
	}
	return tx.PutOrder(*o)
}

// endOf is the end that a decision gives an order.
func endOf(r contract.Ruling) OrderState {
	if r.Do == contract.RuleWritten {
		return Done
	}
	return Void
}

// obeys reports whether an order is, or can still become, as was decided. Money that was given back here is not
// compatible with an order that somebody else may write or was paid back elsewhere.
func obeys(o Order, r contract.Ruling, returned []string) bool {
	switch {
	case o.State.Open():
		return true
	case r.Do == contract.RuleGiven:
		return o.State == Done || slices.Contains(returned, r.Want)
	case r.Do == contract.RuleRefunded:
		return o.State == Void && o.Why == WhyCentreRefunded
	}
	return o.State == endOf(r)
}

func ruledRecord(o Order, r contract.Ruling, obeyed bool) contract.OrderRuled {
	body := contract.OrderRuled{
		Order: o.ID, Account: o.Account, Do: r.Do, Want: r.Want, RuledAt: r.At, Obeyed: obeyed, State: string(o.State), Why: o.Why,
		Operator: cmp.Or(o.ClosedBy, o.Operator), Station: o.Station, VolumeL: int64(o.Volume), AmountFen: int64(o.Amount),
	}
	if !o.State.Open() {
		end := contract.At(o.EndAt)
		body.EndAt = &end
	}
	return body
}

// givenAt is the counter that an order was given to, as far as it is known here.
func givenAt(d contract.OpenDoubt) string {
	if r := d.Ruled; r != nil && r.Want == d.Given {
		return cmp.Or(r.Station, "–")
	}
	return "–"
}
