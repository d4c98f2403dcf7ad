package counter

import (
	"context"
	"slices"

	"tally/cardreader/purse"
	"tally/meter/quantity"
)

// Fee is what a replacement costs the customer, from the published list: nothing unless it is on it.
func (s *Service) Fee(cause string) quantity.Money { return s.o.ReissueFees[cause] }

// Reissue makes the card on the reader the one that replaces a customer's card. What the meter took of the last order is
// known from the card's last visit; where it is not, the clerk says it and the approver, a leader and somebody else,
// agrees; a zero approver is none. The last order goes on the new card under its old sequence and total, so that a
// meter that took it nevertheless credits nothing twice.
func (s *Service) Reissue(ctx context.Context, sess, approver Session, r Reissue) (Receipt, error) {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return Receipt{}, err
	}
	var second Session
	if approver.Token != "" {
		if second, err = s.allow(approver, Leader); err != nil {
			return Receipt{}, err
		}
		if second.Operator == live.Operator {
			return Receipt{}, refuse(CodeOwnRequest, nil)
		}
	}
	switch {
	case !slices.Contains(Causes(), r.Cause):
		return Receipt{}, refuse(CodeBadCause, nil)
	case r.Fee != s.Fee(r.Cause):
		return Receipt{}, refuse(CodeQuoteChanged, nil, "amount", s.Fee(r.Cause).String())
	}
	if r.Reason, err = written(r.Reason); err != nil {
		return Receipt{}, err
	}
	content := digest("reissue %q %q %q %d %q %q %q %q %d %q", live.Operator, second.Operator, r.Reader, r.Insertion, r.Account, r.CardNo,
		r.Cause, r.Reason, r.Fee, r.Swiped)
	t := task{request: r.Request, content: content, reader: r.Reader, ins: r.Insertion, sess: live}
	return s.carryOut(ctx, t, func(w *writing) intent {
		return func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendReissue(tx, p, st, r, second) }
	})
}

func (w *writing) intendReissue(tx Tx, p Purse, st purse.State, r Reissue, second Session) (Order, error) {
	s := w.desk.s
	a, m, err := w.newCardFor(tx, p, st, r.Account)
	if err != nil {
		return Order{}, err
	}
	rule := m.Renumber()
	switch {
	case a.Card.IsZero():
		return Order{}, refuse(CodeNoCard, nil, "account", a.No)
	case rule == RenumberNone:
		return Order{}, refuse(CodeNotReplaced, nil)
	}
	how, err := w.swiped(tx, a, r.Swiped, second)
	if err != nil {
		return Order{}, err
	}
	issue, err := nextIssue(a)
	if err != nil {
		return Order{}, err
	}
	no, err := number(a, r.CardNo, a.Card, issue, rule)
	if err != nil {
		return Order{}, err
	}
	if rule != RenumberNever && usedBefore(a, no) { // the number is what tells the cards apart
		return Order{}, refuse(CodeCardTaken, nil, "card", purse.CardID{Region: s.o.Region, No: no}.String())
	}
	o := w.newOrder(purse.OpReissue, a, purse.State{Unit: s.unitOf(a)})
	o.Cause, o.Reason, o.Amount, o.Swiped, o.ApprovedBy = r.Cause, r.Reason, r.Fee, how, second.Operator
	o.OldCard, o.OldIssue = a.Card, a.CardIssue
	a.LastIssue = issue
	if err := tx.PutAccount(a); err != nil {
		return o, err
	}
	card := purse.NewCard{Header: s.headerOf(a, no, issue), Tag: TagOf(o.ID)}
	if card.Carry, err = w.carried(tx, a, &o); err != nil {
		return o, err
	}
	plan, err := m.Remake(st, card)
	return w.putMaking(tx, o, plan, err)
}

// swiped finds out whether the meter took the last order of a card that is not there.
func (w *writing) swiped(tx Tx, a Account, said string, second Session) (string, error) {
	switch {
	case a.Last == nil && a.CardSeq == 0, a.Last != nil && a.Last.Qty <= 0: // sequences begin again at 0
		return KnownNone, nil
	case a.Last == nil:
		return "", refuse(CodeNoProof, nil) // of an older system, and never read here
	case a.Seen != nil && a.Seen.Seq == a.CardSeq && a.Seen.Swiped:
		return KnownTaken, nil
	case said != SwipedYes && said != SwipedNo:
		return "", refuse(CodeSaySwiped, nil, "volume", inUnits(a.Last.Qty, w.desk.s.unitOf(a)).String())
	case second.Operator == "":
		return "", refuse(CodeSayApproved, nil)
	}
	if _, err := still(tx, second); err != nil {
		return "", err
	}
	if said == SwipedYes {
		return KnownYes, nil
	}
	return KnownNo, nil
}

// carried is the order that a replacement begins with: the last one of the old card, its quantity only when the meter has
// not taken it.
func (w *writing) carried(tx Tx, a Account, o *Order) (*purse.Carry, error) {
	if a.Last == nil || a.CardSeq == 0 && a.Last.Seq == 0 && a.Last.Cumulative == 0 && a.Last.Qty == 0 {
		return nil, nil
	}
	op, err := tx.Operator(w.sess.Operator)
	if err != nil {
		return nil, err
	}
	last := *a.Last
	o.Of = last.Order
	if last.Order != "" {
		if was, err := tx.Order(last.Order); err == nil {
			o.Price, o.Tier = was.Price, was.Tier
		}
	}
	if o.Swiped == KnownNo {
		o.Qty = last.Qty
		o.Volume = inUnits(last.Qty, o.Unit)
	}
	order := w.desk.s.onCard(*o, a, op)
	order.Op, order.Qty = purse.OpReissue, o.Qty
	c := &purse.Carry{Order: order, Seq: last.Seq, Cumulative: last.Cumulative}
	c.Said = &purse.WriteBack{Seq: last.Seq, Accepted: last.Cumulative, MeterNo: a.Meter}
	if o.Swiped == KnownNo {
		c.Said.Seq, c.Said.Accepted = last.Seq-1, max(last.Cumulative-last.Qty, 0)
	}
	if a.Seen != nil {
		c.Said.Remaining = a.Seen.Remaining
	}
	return c, nil
}
