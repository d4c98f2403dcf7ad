package counter

import (
	"context"
	"regexp"

	"tally/cardreader"
	"tally/cardreader/purse"
)

var requestID = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)

// Sell carries out a quote. The same Request with the same content gives the same receipt or the same refusal, however
// often it comes, while it is under way, after it ended and after a restart; with another content it is refused. A
// refusal from before the intent was stored leaves nothing behind and is worked out anew.
func (s *Service) Sell(ctx context.Context, sess Session, r Sell) (Receipt, error) {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return Receipt{}, err
	}
	content := digest("sell %q %q %d %d %d %d %d", live.Operator, r.Ask.Reader, r.Ask.Insertion, r.Ask.Volume, r.Ask.Money, r.Volume, r.Amount)
	t := task{request: r.Request, content: content, reader: r.Ask.Reader, ins: r.Ask.Insertion, sess: live}
	return s.carryOut(ctx, t, func(w *writing) intent {
		return func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendSale(tx, p, st, r) }
	})
}

// task is a new order that somebody asked for, on the card that they saw.
type task struct {
	request string
	content string
	reader  string
	ins     cardreader.Insertion
	sess    Session
}

// carryOut makes one card write of a request, or finds the one that was made of it before.
func (s *Service) carryOut(ctx context.Context, t task, intend func(*writing) intent) (Receipt, error) {
	if !requestID.MatchString(t.request) {
		return Receipt{}, refuse(CodeBadRequest, nil)
	}
	return s.calls.once(ctx, "request "+t.request, t.content, func(answer func(Receipt, error)) {
		if o, err := s.orderOfRequest(ctx, t.request); err == nil {
			answer(s.again(ctx, o, t.content))
			return
		} else if codeOf(err) != CodeNotFound {
			answer(Receipt{}, err)
			return
		}
		d, err := s.desk(t.reader)
		if err == nil {
			err = d.begin(t.ins, func(ctx context.Context, ins cardreader.Insertion) {
				w := writing{desk: d, ins: ins, task: t, sess: t.sess, answer: answer}
				w.run(ctx, intend(&w))
			})
		}
		if err != nil {
			answer(Receipt{}, err)
		}
	})
}

func (s *Service) orderOfRequest(ctx context.Context, request string) (o Order, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		o, err = tx.OrderOfRequest(request)
		return err
	})
	return o, err
}

// again answers a request that is in the ledger already.
func (s *Service) again(ctx context.Context, o Order, content string) (Receipt, error) {
	if o.Content != content {
		return Receipt{}, refuse(CodeRequestReused, nil)
	}
	if o.State == Done {
		return s.receipt(ctx, o)
	}
	return Receipt{}, s.outcome(o)
}

// outcome is the refusal that belongs to an order that is not done.
func (s *Service) outcome(o Order) *Refusal {
	s.mu.Lock()
	kept, ok := s.pending[o.ID]
	s.mu.Unlock()
	switch {
	case ok && kept.state == Done:
		return refuse(CodeNotStored, nil, "order", o.ID)
	case o.State == Void:
		return refuse(CodeNotWritten, nil, "order", o.ID)
	case o.State == Quarantined:
		return refuse(CodeQuarantine, nil, "order", o.ID)
	}
	return refuse(CodeWriteUnknown, nil, "order", o.ID)
}

// intendSale prices the sale, compares it with what the customer agreed to and books the money.
func (w *writing) intendSale(tx Tx, p Purse, st purse.State, r Sell) (Order, error) {
	s := w.desk.s
	op, err := still(tx, w.sess)
	if err != nil {
		return Order{}, err
	}
	of, err := s.offer(tx, st, r.Ask)
	if err != nil {
		return Order{}, err
	}
	if of.volume != r.Volume || of.amount != r.Amount {
		return Order{}, refuse(CodeQuoteChanged, nil, "volume", of.volume.String(), "amount", of.amount.String())
	}
	a := of.account
	if a.Bought, err = a.Bought.Add(of.volume); err != nil {
		return Order{}, priceRefusal(err)
	}
	o := w.newOrder(purse.OpBuy, a, st)
	o.Volume, o.Amount, o.Lines, o.Table = of.volume, of.amount, of.lines, of.table.Version
	o.Price, o.Tier = of.onCard()
	if err := tx.PutAccount(a); err != nil {
		return Order{}, err
	}
	return w.put(tx, p, st, o, a, op)
}

// newOrder fills what every new order has.
func (w *writing) newOrder(op purse.Op, a Account, st purse.State) Order {
	return Order{
		ID: w.id, Request: w.task.request, Content: w.task.content, Op: op, State: Intended, Account: a.No, Card: st.Card,
		Meter: a.Meter, Operator: w.sess.Operator, Station: w.desk.s.o.Station, IntentAt: w.at, Period: a.PeriodStart,
		Unit: st.Unit, Water: a.Water,
	}
}

// put works out the bytes and stores the order.
func (w *writing) put(tx Tx, p Purse, st purse.State, o Order, a Account, op Operator) (Order, error) {
	var err error
	if o.Plan, err = p.Plan(st, w.desk.s.onCard(o, a, op)); err != nil {
		return o, planRefusal(err)
	}
	return o, tx.PutOrder(o)
}
