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
	if !requestID.MatchString(r.Request) {
		return Receipt{}, refuse(CodeBadRequest, nil)
	}
	content := digest("sell %q %q %d %d %d %d %d", live.Operator, r.Ask.Reader, r.Ask.Insertion, r.Ask.Volume, r.Ask.Money, r.Volume, r.Amount)
	return s.calls.once(ctx, "sell "+r.Request, content, func(answer func(Receipt, error)) {
		if o, err := s.orderOfRequest(ctx, r.Request); err == nil {
			answer(s.again(ctx, o, content))
			return
		} else if AsRefusal(err).Code != CodeNotFound {
			answer(Receipt{}, err)
			return
		}
		d, err := s.desk(r.Ask.Reader)
		if err == nil {
			err = d.begin(r.Ask.Insertion, func(ctx context.Context, ins cardreader.Insertion) {
				w := writing{desk: d, ins: ins, sess: live, answer: answer}
				w.run(ctx, func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendSale(tx, p, st, r, content) })
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

// intendSale prices the sale, compares it with what the customer agreed to, works out the bytes and books the money.
func (w *writing) intendSale(tx Tx, p Purse, st purse.State, r Sell, content string) (Order, error) {
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
	o := Order{
		ID: w.id, Request: r.Request, Content: content, Op: purse.OpBuy, State: Intended, Account: a.No, Card: st.Card,
		Meter: a.Meter, Operator: op.Name, Station: s.o.Station, IntentAt: w.at, Period: a.PeriodStart, Unit: st.Unit,
		Volume: of.volume, Amount: of.amount, Lines: of.lines, Table: of.table.Version,
	}
	if o.Plan, err = p.Plan(st, s.order(o, a, op)); err != nil {
		return Order{}, planRefusal(err)
	}
	if err := tx.PutAccount(a); err != nil {
		return Order{}, err
	}
	return o, tx.PutOrder(o)
}
