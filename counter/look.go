package counter

import (
	"context"
	"errors"

	"tally/cardreader"
	"tally/cardreader/purse"
)

// openTries is how often a card is opened when opening or reading it goes wrong without anybody having taken it out.
const openTries = 3

// open opens the card of an insertion and reads it. The caller closes the purse.
func (d *desk) open(ctx context.Context, ins cardreader.Insertion) (Purse, purse.State, error) {
	var err error
	for range openTries {
		var p Purse
		if p, err = d.s.o.Open(ctx, d.name, ins); err == nil {
			var st purse.State
			if st, err = d.s.read(ctx, p); err == nil {
				return p, st, nil
			}
		}
		if p != nil {
			_ = p.Close() // nothing was written; there is nothing to lose
		}
		if !worthAnotherTry(err) || ctx.Err() != nil {
			break
		}
	}
	return nil, purse.State{}, err
}

func worthAnotherTry(err error) bool {
	e, ok := errors.AsType[*cardreader.Error](err)
	return ok && !errors.Is(err, cardreader.ErrNoCard) && (e.Class == cardreader.Retry || e.Class == cardreader.Unknown)
}

// look reads the card that lies there, settles what is open about it and shows it.
func (d *desk) look(working context.Context) {
	d.mu.Lock()
	ins, here, due := d.view.Insertion, d.here, d.view.Insertion != 0 && !d.looked
	d.looked = true
	d.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithCancel(working)
	defer cancel()
	defer context.AfterFunc(here, cancel)()

	p, st, release, err := d.openClaimed(ctx, ins)
	if err != nil {
		d.s.log.Warn("card cannot be read", "reader", d.name, "err", err)
		d.show(ins, func(v *Desk) {
			*v = Desk{Reader: d.name, Phase: Failed, Insertion: ins, Problem: cardRefusal(err)}
		})
		return
	}
	defer release()
	_ = p.Close() // it was only read
	d.present(ctx, ins, st)
}

// openClaimed opens and reads the card, and reserves it. When another desk is at work on the same card (it was pulled
// there in the middle of a write), it waits for that to end and reads again: nobody judges a card that somebody else
// may still be writing about.
func (d *desk) openClaimed(ctx context.Context, ins cardreader.Insertion) (Purse, purse.State, func(), error) {
	for {
		p, st, err := d.open(ctx, ins)
		if err != nil {
			return nil, st, nil, err
		}
		release, wait := d.s.claimAny(st)
		if release != nil {
			return p, st, release, nil
		}
		_ = p.Close() // it was only read
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, st, nil, refuse(cardreader.CodeCardRemoved, ctx.Err(), "reader", d.name)
		}
	}
}

// present resolves what is open about a card that was just read, and shows it. The card must be claimed.
func (d *desk) present(ctx context.Context, ins cardreader.Insertion, st purse.State) {
	waiting, err := d.s.resolve(ctx, st)
	if err == nil {
		err = d.s.witness(ctx, st)
	}
	var account *AccountView
	var known Account
	var last *Order
	if err == nil {
		err = d.s.view(ctx, func(tx Tx) error {
			a, err := d.s.standing(tx, st)
			account, last, known = nil, nil, a
			if a.No != "" {
				v := viewOf(a)
				account = &v
			}
			if a.No != "" || !customerCard(st.Kind) {
				last = newestDone(tx, st.Card)
			}
			return err
		})
	}
	d.s.mismatch(ctx, known, st, err)
	d.s.notice(ctx, known, st)
	next := Desk{Reader: d.name, Phase: Ready, Insertion: ins, Card: &st, Account: account, InDoubt: waiting, Last: last, Elsewhere: d.s.elsewhere(known, st)}
	if err != nil {
		next.Problem = AsRefusal(err)
		if next.Problem.Code == CodeStore || next.Problem.Code == CodeInternal {
			d.s.log.Error("card cannot be judged", "reader", d.name, "err", err)
		}
	}
	d.show(ins, func(v *Desk) { *v = next })
}

// unclear is the end of an order whose card fits neither before nor after: a leader decides. One of another counter goes
// back there.
func unclear(o Order) ending {
	if o.Op == OpFinish {
		return ending{state: Void, why: CodeQuarantine}
	}
	return ending{state: Quarantined, why: CodeQuarantine}
}

// newestDone is the newest order that the ledger knows to be on a card, nil when there is none. It is only shown; what
// may be done with it is judged anew when somebody asks.
func newestDone(tx Tx, c purse.CardID) *Order {
	journal, err := tx.OrdersOfCard(c, journalDepth)
	if err != nil {
		return nil
	}
	for _, o := range journal {
		if o.State == Done && (o.Plan.Make == "" || o.Op == purse.OpTool) {
			return &o
		}
	}
	return nil
}

// resolve judges every open order of a card by the card itself. It returns the order that is proven not to be there and
// waits for the clerk's choice.
func (s *Service) resolve(ctx context.Context, st purse.State) (*Order, error) {
	var open []Order
	err := s.view(ctx, func(tx Tx) (err error) {
		open, err = about(tx, st)
		return err
	})
	if err != nil {
		return nil, err
	}
	var waiting *Order
	for _, o := range open {
		if o.State == Quarantined {
			continue
		}
		e := ending{state: InDoubt, why: o.Why}
		switch s.o.Resolve(o.Plan, st) {
		case purse.OtherCard: // of the same number, but it was replaced: it says nothing
			continue
		case purse.Begun: // whatever was done, it can be finished
		case purse.Done:
			e.state = Done
		case purse.Unclear:
			e = unclear(o)
		}
		ended := o
		if e.state != o.State {
			if ended, err = s.endOrKeep(ctx, o.ID, e); err != nil {
				return nil, err
			}
		}
		if ended.State == InDoubt {
			waiting = &ended
		}
	}
	return waiting, nil
}
