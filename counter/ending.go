package counter

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"

	"tally/cardreader/purse"
	"tally/sync/contract"
)

// ending is how an order leaves the state intended (or in doubt): a state, and why.
type ending struct {
	state OrderState
	why   string  // stable code
	by    Session // who chose it, zero when the card alone decided

	// A leader's decision, which alone takes an order out of quarantine, and its reason.
	decided bool
	reason  string
	gone    bool // decided about an order in doubt whose card is lost
}

// end commits an ending: the order, the account, and the outbox record, in one transaction. An order that has an end
// already keeps it and is returned as it is; nothing is done twice.
func (s *Service) end(ctx context.Context, id string, e ending) (Order, error) {
	var o Order
	err := s.o.Store.Update(context.WithoutCancel(ctx), func(tx Tx) error {
		var err error
		if o, err = tx.Order(id); err != nil {
			return err
		}
		if !o.State.Open() || o.State == e.state || o.State == Quarantined != e.decided && !(e.gone && o.State == InDoubt) {
			return nil
		}
		if e.by.Operator != "" {
			if _, err := still(tx, e.by); err != nil {
				return err
			}
		}
		return s.close(tx, &o, e)
	})
	if err != nil {
		return o, storeRefusal(err)
	}
	s.mu.Lock()
	delete(s.pending, id)
	s.mu.Unlock()
	s.log.Info("order "+string(o.State), orderAttrs(o)...)
	s.watch.changed()
	return o, nil
}

// chainCoder is a Tx that knows the short code of the chain of money records as it ends within the transaction.
type chainCoder interface{ ChainCode() string }

func (s *Service) close(tx Tx, o *Order, e ending) error {
	o.State = e.state
	if !e.state.Open() {
		o.EndAt = s.o.Now()
	}
	if e.why != "" {
		o.Why = e.why
	}
	if e.by.Operator != "" {
		o.ClosedBy = e.by.Operator
	}
	if e.reason != "" {
		o.Reason = strings.TrimSpace(o.Reason + "\n" + e.reason)
	}
	var err error
	switch e.state {
	case Done:
		err = s.closeDone(tx, o)
		if c, ok := tx.(chainCoder); ok && err == nil {
			o.Audit = c.ChainCode()
		}
	case Void:
		err = s.closeVoid(tx, o)
	case InDoubt:
		o.Doubted = true
		err = tellDoubt(tx, contract.TypeCardInDoubt, *o)
	case Quarantined:
		o.Doubted = true
		err = tellDoubt(tx, contract.TypeQuarantine, *o)
	}
	return errors.Join(err, tx.PutOrder(*o))
}

// tellDoubt tells people of an order without proof, and other counters what they need to judge its card.
func tellDoubt(tx Tx, typ string, o Order) error {
	err := tx.Emit(doubtRecord(typ, o))
	if err != nil || o.Account == "" || o.Op == OpFinish {
		return err
	}
	return tx.Emit(openRecord(o))
}

// closeDone books an order whose card was read back. A sale was counted in its tiers with its intent, a refund is only
// now.
func (s *Service) closeDone(tx Tx, o *Order) error {
	if o.Account != "" { // a card that sets up meters is nobody's
		a, err := tx.Account(o.Account)
		if err != nil {
			return err
		}
		after := afterDone(a, *o)
		if err := tx.PutAccount(after); err != nil {
			return err
		}
		shown := viewOf(after)
		o.Shown = &shown
	}
	if op, err := tx.Operator(o.Operator); err == nil {
		o.ShownBy = op.Display
	}
	var err error
	if o.Receipt, err = tx.NextReceipt(s.o.Station); err != nil {
		return err
	}
	return tx.Emit(orderRecord(*o, recordTypes[o.Op].done))
}

// closeVoid gives the money and the tier volume of a sale back, or lets an order be refunded again whose refund came to
// nothing. The centre hears of it only when it has heard of the order before, as one in doubt: what ended before anybody
// was told of it never was.
//
// While another counter has the right to write the order, no money is given back for it: this is the one place that
// keeps the two apart.
func (s *Service) closeVoid(tx Tx, o *Order) error {
	if o.GivenTo != "" {
		return refuse(CodeHandedOver, nil, "order", o.ID, "station", o.GivenAt)
	}
	var err error
	switch o.Op {
	case purse.OpBuy:
		err = giveBack(tx, *o)
	case purse.OpRefund:
		err = refundable(tx, *o)
	case purse.OpIssue, purse.OpReissue:
		err = neverCame(tx, *o)
	}
	if err != nil || !o.Doubted {
		return err
	}
	return tx.Emit(orderRecord(*o, recordTypes[o.Op].void))
}

func giveBack(tx Tx, o Order) error {
	a, err := tx.Account(o.Account)
	if err != nil || a.PeriodStart != o.Period {
		return err
	}
	a.Bought -= o.Volume
	return tx.PutAccount(a)
}

// neverCame buries a card that was given up: should it turn up whole after all, nothing is sold to it.
func neverCame(tx Tx, o Order) error {
	a, err := tx.Account(o.Account)
	if err != nil {
		return err
	}
	bury(&a, DeadCard{Card: o.Card, Issue: o.Plan.IssueCount, Why: DeadRetired})
	return tx.PutAccount(a)
}

func refundable(tx Tx, refund Order) error {
	o, err := tx.Order(refund.Of)
	if err != nil {
		return err
	}
	o.RefundedBy = ""
	return tx.PutOrder(o)
}

// endOrKeep commits an ending, or keeps it in memory until the ledger can store it: settle tries again.
func (s *Service) endOrKeep(ctx context.Context, id string, e ending) (Order, error) {
	o, err := s.end(ctx, id, e)
	if err != nil {
		s.keep(id, e)
	}
	return o, err
}

func (s *Service) keep(id string, e ending) {
	s.mu.Lock()
	s.pending[id] = e
	s.mu.Unlock()
	s.watch.changed()
}

// settle stores what could not be stored, and marks the intents of an earlier run.
func (s *Service) settle(ctx context.Context) {
	s.mu.Lock()
	recovered := s.recovered
	kept := maps.Clone(s.pending)
	s.mu.Unlock()
	if !recovered {
		if err := s.recover(ctx); err != nil {
			s.log.Error("intents of the last run cannot be marked yet", "err", err)
			return
		}
	}
	for id, e := range kept {
		if o, err := s.end(ctx, id, e); err == nil {
			s.lookAgain(o.Card)
		}
	}
}

// recover finds every order that an earlier process left intended: nobody knows how its card write ended, so it is in
// doubt until its card is read. One transaction for all.
func (s *Service) recover(ctx context.Context) error {
	n := 0
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		n = 0
		open, err := tx.OpenOrders()
		if err != nil {
			return err
		}
		for _, o := range open {
			if o.State != Intended {
				continue
			}
			n++
			if err := s.close(tx, &o, ending{state: InDoubt, why: WhyRestart}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.recovered = true
	s.mu.Unlock()
	if n > 0 {
		s.log.Warn("orders in doubt after a restart", "orders", n)
	}
	s.watch.changed()
	return nil
}

// Why an order has its state, beside the codes of refusals and cards.
const (
	WhyRestart = "restart"        // the process ended during the card write
	WhyDecided = "leader_decided" // a leader decided about a quarantined order
)

// orderAttrs is what a log says of an order: no name, no phone.
func orderAttrs(o Order) []any {
	return []any{
		slog.String("order", o.ID), slog.String("state", string(o.State)), slog.String("account", o.Account),
		slog.String("card", o.Card.String()), slog.Int64("volume_l", int64(o.Volume)), slog.Int64("amount_fen", int64(o.Amount)),
		slog.String("operator", o.Operator), slog.Uint64("receipt", o.Receipt), slog.String("why", o.Why),
	}
}
