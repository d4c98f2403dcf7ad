package counter

import (
	"context"
	"slices"

	"tally/cardreader/purse"
	"tally/counter/tariff"
)

// Refund gives the money of the newest order on a card back (退气): the card itself must prove that the meter has not
// taken it, and a team leader who is somebody else approves. Nobody hears "done", and no money is handed out, before
// the lower total was read back from the card.
func (s *Service) Refund(ctx context.Context, sess, approver Session, r Refund) (Receipt, error) {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return Receipt{}, err
	}
	second, err := s.allow(approver, Leader)
	if err != nil {
		return Receipt{}, err
	}
	if second.Operator == live.Operator {
		return Receipt{}, refuse(CodeOwnRequest, nil)
	}
	if r.Reason, err = written(r.Reason); err != nil {
		return Receipt{}, err
	}
	content := digest("refund %q %q %q %d %q %q", live.Operator, second.Operator, r.Reader, r.Insertion, r.Order, r.Reason)
	t := task{request: r.Request, content: content, reader: r.Reader, ins: r.Insertion, sess: live}
	return s.carryOut(ctx, t, func(w *writing) intent {
		return func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendRefund(tx, p, st, r, second) }
	})
}

func (w *writing) intendRefund(tx Tx, p Purse, st purse.State, r Refund, second Session) (Order, error) {
	op, err := still(tx, w.sess)
	if err != nil {
		return Order{}, err
	}
	if _, err := still(tx, second); err != nil {
		return Order{}, err
	}
	a, journal, err := w.desk.s.customer(tx, st)
	if err != nil {
		return Order{}, err
	}
	sold, err := tx.Order(r.Order)
	if err != nil {
		return Order{}, err
	}
	if err := mayRefund(a, st, journal, sold); err != nil {
		return Order{}, err
	}
	if w.desk.s.o.Resolve(sold.Plan, st) != purse.Done {
		return Order{}, refuse(CodeNotLast, nil, "order", sold.ID)
	}
	o := w.newOrder(purse.OpRefund, a, st)
	o.Of, o.Reason, o.ApprovedBy = sold.ID, r.Reason, second.Operator
	o.Volume, o.Amount, o.Table, o.Period = -sold.Volume, -sold.Amount, sold.Table, sold.Period
	o.Price, o.Tier = sold.Price, sold.Tier
	for _, l := range sold.Lines {
		o.Lines = append(o.Lines, tariff.Line{Tier: l.Tier, Volume: -l.Volume, Price: l.Price, Amount: -l.Amount})
	}
	sold.RefundedBy = o.ID
	if err := tx.PutOrder(sold); err != nil {
		return Order{}, err
	}
	return w.put(tx, p, st, o, a, op)
}

// mayRefund: an order that was paid, is the newest on this very card, was never refunded, and has provably not been
// taken by the meter.
func mayRefund(a Account, st purse.State, journal []Order, sold Order) error {
	switch {
	case sold.Card != st.Card || sold.Op != purse.OpBuy || sold.State != Done:
		return refuse(CodeNotLast, nil, "order", sold.ID)
	case sold.RefundedBy != "":
		return refuse(CodeRefunded, nil, "order", sold.ID)
	case a.Last != nil && a.Last.Order != "" && a.Last.Order != sold.ID:
		return refuse(CodeNotLast, nil, "order", sold.ID) // a card without sequence and tag would not tell
	}
	if err := sound(a, st); err != nil {
		return err
	}
	if err := sequence(a, st, journal); err != nil {
		return err
	}
	switch {
	case st.Order == nil || st.Order.Seq != sold.Plan.Seq || st.Order.Tag != tagOn(sold.Plan):
		return refuse(CodeNotLast, nil, "order", sold.ID)
	case st.Swiped || st.Waiting <= 0: // the meter's total is the card's
		return refuse(CodeSwiped, nil, "order", sold.ID)
	case brokenArea(st, "write_back"):
		return refuse(CodeNoProof, nil, "order", sold.ID)
	}
	return nil
}

// MakeUp puts the last order on its card again, which has lost it (掉气补气): the card must prove that it carries the
// order before that one, and that the meter has not taken the lost one. The order keeps its sequence and its total, so
// that a meter that took it nevertheless credits nothing twice. It costs nothing and there is nothing to choose.
func (s *Service) MakeUp(ctx context.Context, sess Session, m MakeUp) (Receipt, error) {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return Receipt{}, err
	}
	content := digest("make up %q %q %d", live.Operator, m.Reader, m.Insertion)
	t := task{request: m.Request, content: content, reader: m.Reader, ins: m.Insertion, sess: live}
	return s.carryOut(ctx, t, func(w *writing) intent {
		return func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendMakeUp(tx, p, st) }
	})
}

func (w *writing) intendMakeUp(tx Tx, p Purse, st purse.State) (Order, error) {
	s := w.desk.s
	op, err := still(tx, w.sess)
	if err != nil {
		return Order{}, err
	}
	a, journal, err := s.customer(tx, st)
	if err != nil {
		return Order{}, err
	}
	lost, err := s.lost(a, st, journal)
	if err != nil {
		return Order{}, err
	}
	o := w.newOrder(purse.OpMakeUp, a, st)
	o.Of, o.Volume, o.Price, o.Tier, o.Qty = lost.ID, lost.Volume, lost.Price, lost.Tier, lost.Plan.Qty
	if o, err = w.put(tx, p, st, o, a, op); err != nil {
		return o, err
	}
	if o.Plan.Seq != lost.Plan.Seq || o.Plan.Cumulative != lost.Plan.Cumulative {
		return o, refuse(CodeNoProof, nil, "order", lost.ID)
	}
	return o, nil
}

// lost finds the order that the ledger knows to be on the card and the card proves not to have.
func (s *Service) lost(a Account, st purse.State, journal []Order) (Order, error) {
	at := slices.IndexFunc(journal, func(o Order) bool {
		return o.State == Done && o.Plan.Make == "" && o.Plan.IssueCount == a.CardIssue
	})
	if at < 0 || journal[at].Op == purse.OpRefund || journal[at].Plan.Seq != a.CardSeq {
		return Order{}, refuse(CodeNoProof, nil)
	}
	o := journal[at]
	verdict := s.o.Resolve(o.Plan, st)
	switch {
	case verdict == purse.Done:
		return o, refuse(CodeAlreadyDone, nil, "order", o.ID)
	case verdict != purse.NotDone, o.Plan.Seq == 0 && o.Plan.Cumulative == 0: // a meter would take it once more
		return o, refuse(CodeNoProof, nil, "order", o.ID)
	case a.Seen != nil && a.Seen.Swiped && a.Seen.Seq == a.CardSeq: // this is an older image of the card
		return o, refuse(CodeSwiped, nil, "order", o.ID)
	}
	return o, sound(a, st)
}
