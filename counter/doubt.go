package counter

import (
	"context"

	"tally/cardreader"
	"tally/cardreader/purse"
)

// Retry writes an order in doubt again, after its card proved once more that it is not there. The money was paid; only
// the proof counts, no limit is asked again.
func (s *Service) Retry(ctx context.Context, sess Session, order string) (Receipt, error) {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return Receipt{}, err
	}
	return s.choose(ctx, "retry ", order, live, func(ctx context.Context, w *writing) {
		w.run(ctx, func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendAgain(tx, p, st, order) })
	})
}

// Void gives up an order in doubt, after its card proved once more that it is not there: the money goes back.
func (s *Service) Void(ctx context.Context, sess Session, order string) error {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return err
	}
	if done, err := s.voidNew(ctx, live, order); done {
		return err
	}
	_, err = s.choose(ctx, "void ", order, live, func(ctx context.Context, w *writing) { w.void(ctx, order) })
	switch code := codeOf(err); {
	case err == nil:
		return refuse(CodeAlreadyDone, nil, "order", order)
	case code == CodeNotWritten:
		return nil // it is void
	}
	return err
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return AsRefusal(err).Code
}

// choose carries out the clerk's choice about an order in doubt on the desk where its card lies. An order with an end
// answers with that end.
func (s *Service) choose(ctx context.Context, what, id string, live Session, work func(context.Context, *writing)) (Receipt, error) {
	return s.calls.once(ctx, what+id, "", func(answer func(Receipt, error)) {
		r, err := s.stands(ctx, id)
		if codeOf(err) != CodeWriteUnknown {
			answer(r, err)
			return
		}
		d, ins, err := s.deskWith(id)
		if err == nil {
			err = d.begin(ins, func(ctx context.Context, ins cardreader.Insertion) {
				work(ctx, &writing{desk: d, ins: ins, sess: live, answer: answer})
			})
		}
		if err != nil {
			answer(Receipt{}, err)
		}
	})
}

// stands is how an order stands: its receipt, or the refusal that belongs to its state.
func (s *Service) stands(ctx context.Context, id string) (Receipt, error) {
	var o Order
	err := s.view(ctx, func(tx Tx) (err error) {
		o, err = tx.Order(id)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	if o.State == Done {
		return s.receipt(ctx, o)
	}
	return Receipt{}, s.outcome(o)
}

// intendAgain stores the intent of the same order once more, with the bytes that the card needs now. The order keeps its
// sequence, tag and sum; a card on which these would come out otherwise is judged first.
func (w *writing) intendAgain(tx Tx, p Purse, st purse.State, id string) (Order, error) {
	s := w.desk.s
	op, err := still(tx, w.sess)
	if err != nil {
		return Order{}, err
	}
	o, err := tx.Order(id)
	if err != nil {
		return Order{}, err
	}
	verdict := s.o.Resolve(o.Plan, st)
	if o.State != InDoubt || verdict != purse.NotDone && verdict != purse.Begun {
		return o, errJudge
	}
	if err := s.notLost(tx, o); err != nil {
		return o, err
	}
	if o.Plan.Make != "" || verdict == purse.Begun {
		return w.resume(tx, p, st, o, op)
	}
	a, err := tx.Account(o.Account)
	if err != nil {
		return o, err
	}
	if o.Op == purse.OpRefund && (st.Swiped || brokenArea(st, "write_back")) {
		return o, refuse(CodeSwiped, nil, "order", o.Of) // since it was asked for
	}
	plan, err := p.Plan(st, s.onCard(o, a, op))
	if err != nil {
		return o, planRefusal(err)
	}
	if plan.Seq != o.Plan.Seq || plan.Tag != o.Plan.Tag || plan.Cumulative != o.Plan.Cumulative || o.Op == OpFinish && !sameOrder(plan, o.Plan) {
		return o, refuse(CodeInternal, nil, "order", o.ID)
	}
	o.Plan, o.State, o.ClosedBy = plan, Intended, op.Name
	if o.Op == OpFinish {
		o.Operator = op.Name
	}
	return o, tx.PutOrder(o)
}

// sameOrder: both put the same order on the card, wherever on it.
func sameOrder(a, b purse.Plan) bool {
	a.Order.Slot = b.Order.Slot
	return a.Order == b.Order
}

// resume stores the intent of the rest of a card that is half made, changed or retired, or of an order half written over
// one that was not taken.
func (w *writing) resume(tx Tx, p Purse, st purse.State, o Order, op Operator) (Order, error) {
	m, err := maker(p)
	if err != nil {
		return o, err
	}
	plan, err := m.Change(st, purse.Change{Resume: &o.Plan})
	if err != nil {
		return o, planRefusal(err)
	}
	o.Plan, o.State, o.ClosedBy = plan, Intended, op.Name
	return o, tx.PutOrder(o)
}

// voidNew gives up a new card in doubt without seeing it: whatever it has become, it is dead from now on, and the next
// one has another issue count. One that lies on a reader is judged first.
func (s *Service) voidNew(ctx context.Context, live Session, id string) (bool, error) {
	var o Order
	err := s.view(ctx, func(tx Tx) (err error) { o, err = tx.Order(id); return err })
	if err != nil || o.Plan.Make != purse.MakeNew || o.State != InDoubt {
		return false, nil
	}
	ended, err := s.end(ctx, id, ending{state: Void, why: o.Why, by: live})
	if err == nil && ended.State != Void {
		err = s.outcome(ended)
		if ended.State == Done {
			err = refuse(CodeAlreadyDone, nil, "order", id)
		}
	}
	if d, ins, derr := s.deskWith(id); derr == nil { // half made: it is nobody's now
		d.relook(ins)
	}
	return true, err
}

// void reads the card and gives the order up when it is not there.
func (w *writing) void(ctx context.Context, id string) {
	d, s := w.desk, w.desk.s
	d.phase(w.ins, Writing)
	p, st, release, err := w.open(ctx)
	if err != nil {
		d.relook(w.ins)
		w.reply(Receipt{}, err)
		return
	}
	defer release()
	_ = p.Close() // it was only read
	var o Order
	if err = s.view(ctx, func(tx Tx) (err error) { o, err = tx.Order(id); return err }); err == nil && o.State == InDoubt {
		switch s.o.Resolve(o.Plan, st) {
		case purse.NotDone:
			_, err = s.end(ctx, id, ending{state: Void, why: o.Why, by: w.sess})
		case purse.Begun:
			err = refuse(CodeBegun, nil, "order", o.ID)
		}
	}
	d.present(ctx, w.ins, st)
	if err != nil {
		w.reply(Receipt{}, err)
		return
	}
	w.reply(s.stands(ctx, id))
}

// OpenOrders lists what is in doubt or in quarantine, oldest first. An order that is being written just now is not; one
// whose result could not be stored yet is shown as in doubt.
func (s *Service) OpenOrders(ctx context.Context) ([]Order, error) {
	var all []Order
	err := s.view(ctx, func(tx Tx) (err error) {
		all, err = tx.OpenOrders()
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Order, 0, len(all))
	for _, o := range all {
		if o.State == Intended {
			kept, ok := s.pending[o.ID]
			if !ok && s.recovered {
				continue
			}
			o.State, o.Why = InDoubt, kept.why
		}
		out = append(out, o)
	}
	return out, nil
}
