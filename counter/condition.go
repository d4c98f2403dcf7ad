package counter

import (
	"context"
	"errors"
	"slices"

	"tally/cardreader"
	"tally/cardreader/purse"
)

// read reads a card, in use or not. Of one that is torn in the middle of being made, its plan in the journal says whose
// it is to be.
func (s *Service) read(ctx context.Context, p Purse) (purse.State, error) {
	st, err := p.Read(ctx)
	m, ok := p.(Maker)
	if err == nil || !ok || !notACard(err) {
		return st, err
	}
	st, serr := m.Survey(ctx)
	switch {
	case serr == nil:
		return st, nil
	case !notACard(serr) || len(st.Image) == 0:
		return st, serr
	}
	st.Condition = purse.Off
	var open []Order
	verr := s.view(ctx, func(tx Tx) (err error) {
		open, err = about(tx, st)
		return err
	})
	if verr != nil || len(open) == 0 {
		return purse.State{}, err
	}
	st.Card = open[0].Card
	return st, nil
}

// notACard: what lies there was read and is no card in use.
func notACard(err error) bool {
	e, ok := errors.AsType[*cardreader.Error](err)
	return ok && slices.Contains([]string{purse.CodeBlankCard, purse.CodeUnknownLayout, purse.CodeHeaderDamaged}, e.Code)
}

// about are the open orders that a card may tell the end of. A card that is being made is known by the plan; when several
// plans fit, it is nobody's.
func about(tx Tx, st purse.State) ([]Order, error) {
	all, err := tx.OpenOrders()
	var of, making []Order
	for _, o := range all {
		switch {
		case st.Condition != purse.InUse && o.Plan.Make != "" && purse.Resolve(o.Plan, st) != purse.OtherCard:
			making = append(making, o)
		case st.Condition == purse.InUse && o.Card == st.Card:
			of = append(of, o)
		}
	}
	if len(making) == 1 {
		return making, err
	}
	return of, err
}

// notInUse says why nothing can be sold to a card that is blank, half made or retired, and whose it was or is to be.
func (s *Service) notInUse(tx Tx, st purse.State) (Account, error) {
	if st.Condition == purse.Empty {
		return Account{}, refuse(CodeBlank, nil)
	}
	open, err := about(tx, st)
	if err != nil {
		return Account{}, err
	}
	for _, o := range open {
		if o.Account == "" {
			continue
		}
		if a, err := tx.Account(o.Account); err == nil {
			return a, refuse(CodeInDoubt, nil, "order", o.ID)
		}
	}
	return Account{}, refuse(CodeCardOff, nil, "card", st.Card.String())
}

// openElsewhere refuses while an order of the account is open that is about another card of theirs.
func openElsewhere(tx Tx, account string) error {
	all, err := tx.OpenOrders()
	if err != nil {
		return err
	}
	return openMoney(slices.DeleteFunc(all, func(o Order) bool { return o.Account != account }))
}

// buried reports whether a card is among the customer's dead ones.
func buried(a Account, st purse.State) bool {
	return slices.ContainsFunc(a.Dead, func(d DeadCard) bool { return d.Card == st.Card && st.IssueCount <= d.Issue })
}
