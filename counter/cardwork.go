package counter

import (
	"context"

	"tally/cardreader/purse"
)

// PriceCard puts the prices of today on the customer's card (写价). Its orders stay as they are.
func (s *Service) PriceCard(ctx context.Context, sess Session, r CardWork) (Receipt, error) {
	return s.work(ctx, sess, r, "price", func(w *writing, tx Tx, p Purse, st purse.State) (Order, error) {
		a, m, err := w.cardToChange(tx, p, st)
		if err != nil {
			return Order{}, err
		}
		prices := s.pricesFor(a.PriceClass)
		if prices == nil {
			return Order{}, refuse(CodeNoCardPrices, nil)
		}
		o := w.newOrder(purse.OpTariff, a, st)
		o.Reason, o.Table = r.Reason, int(prices.Release)
		plan, err := m.Change(st, purse.Change{Tariff: prices, Tag: TagOf(o.ID)})
		if err == nil && string(plan.Before) == string(plan.After) {
			return o, refuse(CodePricesThere, nil)
		}
		return w.putMaking(tx, o, plan, err)
	})
}

// Retire takes the customer's card out of use (注销). What lies on it must have been taken by the meter, or given back.
func (s *Service) Retire(ctx context.Context, sess Session, r CardWork) (Receipt, error) {
	reason, err := written(r.Reason)
	if err != nil {
		return Receipt{}, err
	}
	r.Reason = reason
	return s.work(ctx, sess, r, "retire", func(w *writing, tx Tx, p Purse, st purse.State) (Order, error) {
		a, m, err := w.cardToChange(tx, p, st)
		if err != nil {
			return Order{}, err
		}
		if st.Waiting > 0 || brokenArea(st, "write_back") && !st.Swiped {
			return Order{}, refuse(CodeNotSwiped, nil, "volume", shownAmount(st.Waiting, st.Unit))
		}
		o := w.newOrder(purse.OpRetire, a, st)
		o.Reason, o.OldCard, o.OldIssue = r.Reason, a.Card, a.CardIssue
		plan, err := m.Change(st, purse.Change{Tag: TagOf(o.ID)})
		return w.putMaking(tx, o, plan, err)
	})
}

func (s *Service) work(ctx context.Context, sess Session, r CardWork, what string,
	do func(*writing, Tx, Purse, purse.State) (Order, error)) (Receipt, error) {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return Receipt{}, err
	}
	content := digest("%s %q %q %d %q", what, live.Operator, r.Reader, r.Insertion, r.Reason)
	t := task{request: r.Request, content: content, reader: r.Reader, ins: r.Insertion, sess: live}
	return s.carryOut(ctx, t, func(w *writing) intent {
		return func(tx Tx, p Purse, st purse.State) (Order, error) { return do(w, tx, p, st) }
	})
}

// cardToChange is the customer of the card that lies there, as something that can be changed.
func (w *writing) cardToChange(tx Tx, p Purse, st purse.State) (Account, Maker, error) {
	if _, err := still(tx, w.sess); err != nil {
		return Account{}, nil, err
	}
	m, err := maker(p)
	if err != nil {
		return Account{}, nil, err
	}
	a, err := w.desk.s.ownCard(tx, st)
	return a, m, err
}

// MakeTool makes the card on the reader one that sets meters up, with a number of uses that the meters count down. A leader
// does it, with a written reason.
func (s *Service) MakeTool(ctx context.Context, sess Session, r ToolCard) (Receipt, error) {
	live, err := s.allow(sess, Leader)
	if err != nil {
		return Receipt{}, err
	}
	if r.Reason, err = written(r.Reason); err != nil {
		return Receipt{}, err
	}
	switch {
	case customerCard(r.Kind) || r.Kind == "":
		return Receipt{}, refuse(CodeBadKind, nil, "kind", string(r.Kind))
	case r.Uses < 1 || r.Uses > MostUses:
		return Receipt{}, refuse(CodeBadUses, nil)
	case !digitsOnly(r.CardNo):
		return Receipt{}, refuse(CodeCardNumber, nil)
	}
	content := digest("tool %q %q %d %q %q %d %q %t %q", live.Operator, r.Reader, r.Insertion, r.CardNo, r.Kind, r.Uses, r.Class, r.Water, r.Reason)
	t := task{request: r.Request, content: content, reader: r.Reader, ins: r.Insertion, sess: live}
	return s.carryOut(ctx, t, func(w *writing) intent {
		return func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendTool(tx, p, st, r) }
	})
}

func (w *writing) intendTool(tx Tx, p Purse, st purse.State, r ToolCard) (Order, error) {
	s := w.desk.s
	op, err := still(tx, w.sess)
	if err != nil {
		return Order{}, err
	}
	m, err := maker(p)
	if err != nil {
		return Order{}, err
	}
	if err := s.spare(tx, st); err != nil {
		return Order{}, err
	}
	o := w.newOrder(purse.OpTool, Account{}, purse.State{Unit: s.o.CardUnit})
	o.Kind, o.Uses, o.Reason, o.Qty, o.Water = r.Kind, r.Uses, r.Reason, purse.Amount(r.Uses), r.Water
	h := purse.Header{Region: s.o.Region, CardNo: r.CardNo, Unit: s.o.CardUnit, Water: r.Water, IssueCount: 1, Kind: r.Kind}
	if r.Class != "" {
		t, ok := s.table(r.Class, s.day())
		if !ok {
			return o, refuse(CodeNoTariff, nil, "class", r.Class)
		}
		if h.Tariff = s.pricesFor(r.Class); h.Tariff == nil {
			return o, refuse(CodeNoCardPrices, nil)
		}
		o.Price, o.Tier, o.Table = firstPrice(t), 1, t.Version
	}
	order := s.onCard(o, Account{}, op)
	order.Op, order.Qty = purse.OpBuy, purse.Amount(r.Uses)
	carry := &purse.Carry{Order: order, Seq: uint16(r.Uses), Cumulative: purse.Amount(r.Uses)}
	plan, err := m.Remake(st, purse.NewCard{Header: h, Carry: carry, Tag: TagOf(o.ID)})
	return w.putMaking(tx, o, plan, err)
}
