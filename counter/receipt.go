package counter

import (
	"context"

	"tally/counter/tariff"
)

// Receipt returns a finished sale. again counts and marks a further print (重打 第 n 次).
func (s *Service) Receipt(ctx context.Context, sess Session, order string, again bool) (Receipt, error) {
	roles := []Role{Clerk, Leader, Finance, Admin}
	if again {
		roles = []Role{Clerk, Leader}
	}
	live, err := s.allow(sess, roles...)
	if err != nil {
		return Receipt{}, err
	}
	if !again {
		return s.stands(ctx, order)
	}
	var o Order
	err = s.o.Store.Update(ctx, func(tx Tx) (err error) {
		if _, err = still(tx, live); err != nil {
			return err
		}
		if o, err = tx.Order(order); err != nil {
			return err
		}
		if o.State != Done {
			return s.outcome(o)
		}
		o.Copies++
		return tx.PutOrder(o)
	})
	if err != nil {
		return Receipt{}, storeRefusal(err)
	}
	s.log.Info("receipt printed again", append(orderAttrs(o), "copy", o.Copies, "by", live.Operator)...)
	return s.receipt(ctx, o)
}

// receipt makes the receipt of an order that is done.
func (s *Service) receipt(ctx context.Context, o Order) (Receipt, error) {
	r := Receipt{
		Op: o.Op, No: o.Receipt, Station: o.Station, Order: o.ID, At: o.EndAt, Operator: o.Operator, Volume: o.Volume,
		Lines: o.Lines, Amount: o.Amount, Capitals: tariff.Capitals(o.Amount), Copy: o.Copies, CardSeq: o.Plan.Seq, Audit: o.Audit,
	}
	r.Card, r.OldCard, r.Meter, r.OldMeter, r.Kind, r.Uses, r.Cause = o.Card, o.OldCard, o.Meter, o.OldMeter, o.Kind, o.Uses, o.Cause
	r.Issue, r.Unit, r.OnCard = o.Plan.IssueCount, o.Unit, o.Qty
	if o.Shown != nil || o.Account == "" && o.ShownBy != "" {
		if o.Shown != nil {
			r.Account = *o.Shown
		}
		if o.ShownBy != "" {
			r.Operator = o.ShownBy
		}
		return r, nil
	}
	err := s.view(ctx, func(tx Tx) error { // of an order from before it kept that
		if op, err := tx.Operator(o.Operator); err == nil && op.Display != "" {
			r.Operator = op.Display
		}
		if o.Account == "" { // a card that sets up meters
			return nil
		}
		a, err := tx.Account(o.Account)
		if err != nil {
			return err
		}
		r.Account = viewOf(a)
		return nil
	})
	return r, err
}
