package counter

import (
	"context"

	"tally/cardreader/purse"
)

// ChangeMeter makes the customer's card anew for another meter. Nothing of the old one survives on it: its orders, what it
// wrote back, its settings; the issue count goes up, so that an older image of the card is dead.
func (s *Service) ChangeMeter(ctx context.Context, sess Session, r MeterChange) (Receipt, error) {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return Receipt{}, err
	}
	if r.Reason, err = written(r.Reason); err != nil {
		return Receipt{}, err
	}
	content := digest("change meter %q %q %d %q %d %d %q", live.Operator, r.Reader, r.Insertion, r.Meter, r.Remaining, r.Money, r.Reason)
	t := task{request: r.Request, content: content, reader: r.Reader, ins: r.Insertion, sess: live}
	return s.carryOut(ctx, t, func(w *writing) intent {
		return func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendChange(tx, p, st, r) }
	})
}

func (w *writing) intendChange(tx Tx, p Purse, st purse.State, r MeterChange) (Order, error) {
	s := w.desk.s
	op, err := still(tx, w.sess)
	if err != nil {
		return Order{}, err
	}
	m, err := maker(p)
	if err != nil {
		return Order{}, err
	}
	a, err := s.ownCard(tx, st)
	if err != nil {
		return Order{}, err
	}
	switch {
	case !digitsOnly(r.Meter):
		return Order{}, refuse(CodeBadMeter, nil)
	case r.Meter == a.Meter:
		return Order{}, refuse(CodeSameMeter, nil, "meter", a.Meter)
	}
	if st.Unsaid { // what the old meter has taken would be carried over once more
		return Order{}, refuse(CodeNotSwiped, nil, "volume", shownAmount(st.Order.Qty, st.Unit))
	}
	left, err := leftOver(st, r)
	if err != nil {
		return Order{}, err
	}
	issue, err := nextIssue(a)
	if err != nil {
		return Order{}, err
	}
	a.LastIssue = issue
	if err := tx.PutAccount(a); err != nil {
		return Order{}, err
	}
	o := w.newOrder(purse.OpMeterChange, a, st)
	o.OldMeter, o.Meter, o.OldCard, o.OldIssue, o.Reason = a.Meter, r.Meter, a.Card, a.CardIssue, r.Reason
	o.Qty, o.Volume = left, inUnits(left, st.Unit)
	if t, ok := s.table(a.PriceClass, s.day()); ok {
		o.Price, o.Tier = firstPrice(t), 1
	}
	after := a
	after.Meter, after.CardUnit, after.Water = r.Meter, st.Unit, st.Water
	card := purse.NewCard{Header: s.headerOf(after, a.Card.No, issue), Tag: TagOf(o.ID)}
	if left > 0 {
		order := s.onCard(o, after, op)
		order.Op, order.Qty = purse.OpMeterChange, left
		card.Carry = &purse.Carry{Order: order, Seq: 1, Cumulative: left}
	}
	plan, err := m.Remake(st, card)
	return w.putMaking(tx, o, plan, err)
}

// ownCard is whose card this is, and that its orders are those of the ledger; what stands against a sale otherwise
// (locks, a meter that is not the customer's any more) does not matter.
func (s *Service) ownCard(tx Tx, st purse.State) (Account, error) {
	if st.Condition != purse.InUse {
		return s.notInUse(tx, st)
	}
	a, journal, err := s.customer(tx, st)
	if err != nil {
		return a, err
	}
	same := st
	same.Meter = ""
	if err := sound(a, same); err != nil {
		return a, err
	}
	return a, sequence(a, st, journal)
}

// leftOver is what goes to the new meter: what the old one had left, and the order that it never took. A meter's credit
// only falls between two visits of its card, so it cannot have more left than it last wrote back; what it had lent by then
// comes off the order, and never makes less than nothing.
func leftOver(st purse.State, r MeterChange) (purse.Amount, error) {
	var wrote, left purse.Amount
	if st.WriteBack != nil {
		wrote = st.WriteBack.Remaining
	}
	switch step := st.Unit.Litres(); {
	case money(st.Unit):
		left = purse.Amount(r.Money)
	case step == 0 || r.Remaining%step != 0 || r.Money != 0:
		return 0, refuse(CodeBadAmount, nil, "step", step.String())
	default:
		left = purse.Amount(r.Remaining / step)
	}
	if left < 0 || left > max(wrote, 0) {
		return 0, refuse(CodeOverRemaining, nil, "most", shownAmount(max(wrote, 0), st.Unit))
	}
	return max(left+min(wrote, 0)+max(st.Waiting, 0), 0), nil
}
