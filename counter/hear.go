package counter

import (
	"errors"
	"slices"

	"tally/cardreader/purse"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// WhyWitnessed: another counter read the order on its card.
const WhyWitnessed = "witnessed"

// CodeWrittenVoid in a CardMismatch: an order that was given up here was read on its card at another counter.
const CodeWrittenVoid = "void_but_written"

// hearOwn takes what other counters say of orders of this one. It comes before everything else of a delta: an order that
// is done counts in its own place, not as somebody else's.
func (s *Service) hearOwn(tx Tx, d AccountDelta) error {
	for _, od := range d.Doubts {
		o, err := tx.Order(od.Doubt.Order)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err == nil {
			err = s.hear(tx, o, od)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) hear(tx Tx, o Order, d contract.OpenDoubt) error {
	if w := d.Seen; w != nil && isOf(*w, o) {
		switch {
		case o.State.Open():
			s.log.Info("another counter has seen the order on its card", append(orderAttrs(o), "station", w.Station)...)
			if err := s.close(tx, &o, ending{state: Done, why: WhyWitnessed}); err != nil {
				return err
			}
		case o.State == Void:
			if err := s.contradicted(tx, o, *w); err != nil {
				return err
			}
		}
	}
	if err := s.hearRuling(tx, &o, d); err != nil {
		return err
	}
	if !o.State.Open() {
		return nil
	}
	was := o
	if o.GivenTo != "" && slices.Contains(d.Returned, o.GivenTo) {
		o.GivenTo, o.GivenAt = "", ""
	}
	if o.GivenTo == "" && d.Given != "" { // by the centre, or before this ledger was restored from a backup
		o.GivenTo, o.GivenAt = d.Given, givenAt(d)
	}
	if i := slices.IndexFunc(d.Wanted, func(w contract.HandOver) bool { return !slices.Contains(d.Returned, w.Want) }); i >= 0 && mayGive(o) {
		w := d.Wanted[i]
		o.GivenTo, o.GivenAt = w.Want, w.Station
		s.log.Info("order handed over to another counter", append(orderAttrs(o), "station", w.Station)...)
		if err := tx.Emit(handRecord(contract.TypeOrderGiven, contract.HandOver{Order: o.ID, Account: o.Account, Want: w.Want, Station: w.Station})); err != nil {
			return err
		}
	}
	if o.GivenTo == was.GivenTo {
		return nil
	}
	return tx.PutOrder(o)
}

// mayGive: an order in doubt whose card tells it from any other, that somebody paid for and nobody else writes. A refund is not handed
// over: its money lies here.
func mayGive(o Order) bool {
	return o.State == InDoubt && o.GivenTo == "" && tellable(o.Plan) && (o.Op == purse.OpBuy || o.Op == purse.OpMakeUp)
}

// isOf reports whether a witness speaks of this order: sequence and tag are both ours.
func isOf(w contract.OrderWitnessed, o Order) bool {
	return tellable(o.Plan) && w.CardSeq == o.Plan.Seq && w.CardTag == hexTag(o.Plan) && w.Card == o.Card.No && w.Region == o.Card.Region
}

// contradicted tells the centre that an order is on its card whose money was given back: a leader decided so
// without the card.
func (s *Service) contradicted(tx Tx, o Order, w contract.OrderWitnessed) error {
	s.log.Error("an order that was given up is on its card", append(orderAttrs(o), "station", w.Station)...)
	return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: TypeCardMismatch, ID: o.Card.String(), Body: CardMismatch{
		Account: o.Account, Region: w.Region, Card: w.Card, Code: CodeWrittenVoid, LedgerSeq: o.Plan.Seq - 1, CardSeq: w.CardSeq, CardIssue: w.CardIssue,
		CardTag: w.CardTag, CardCum: w.CardCum, CardUnit: w.CardUnit, Image: w.Image,
	}})
}

// hearElsewhere is what the account knows of other counters' orders after a delta. Those that were handed over to us are in
// our journal from now on, and those that have an end leave it.
func (s *Service) hearElsewhere(tx Tx, a Account, d AccountDelta) ([]Elsewhere, error) {
	var out []Elsewhere
	for _, od := range d.Doubts {
		if _, err := tx.Order(od.Doubt.Order); !errors.Is(err, ErrNotFound) {
			if err != nil {
				return nil, err
			}
			continue // ours
		}
		if od.Ruled != nil && od.Ruled.Closes() {
			continue // the centre has settled it; its ledger is lost, and this one has another
		}
		e := Elsewhere{Doubt: od.Doubt, Seen: od.Seen != nil}
		if i := slices.IndexFunc(a.Elsewhere, func(e Elsewhere) bool { return e.Doubt.Order == od.Doubt.Order }); i >= 0 {
			e.Seen, e.Wants = e.Seen || a.Elsewhere[i].Seen, a.Elsewhere[i].Wants
		}
		if err := s.receive(tx, a, e, od); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	for _, e := range a.Elsewhere {
		if slices.ContainsFunc(out, func(o Elsewhere) bool { return o.Doubt.Order == e.Doubt.Order }) {
			continue
		}
		for _, want := range e.Wants {
			if err := s.letGo(tx, want); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// letGo ends a write for another counter whose order has an end.
func (s *Service) letGo(tx Tx, want string) error {
	o, err := tx.Order(want)
	if errors.Is(err, ErrNotFound) || err == nil && !o.State.Open() {
		return nil
	}
	if err != nil {
		return err
	}
	return s.close(tx, &o, ending{state: Void, why: WhyEnded})
}

// WhyEnded: the order of another counter that was to be written has an end.
const WhyEnded = "ended_elsewhere"

func handRecord(typ string, h contract.HandOver) outbox.Draft {
	return outbox.Draft{Stream: contract.Tx, Type: typ, ID: h.Order, Body: h}
}
