package counter

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"

	"tally/cardreader/purse"
	"tally/meter/quantity"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// A customer whose card write ended without proof may take the card to another counter. That one helps as far as it is
// safe, and no further:
//
//   - It judges the card by the plan of the order, which came with the centre's word, as the order's own counter would. Our
//     sequence and our tag on the card prove the order done, wherever they are read: the counter bears witness, and the
//     card can be used there at once. The order's own counter closes it with its receipt when the word comes.
//   - While the card proves the order not written, nothing is sold on top of it. Somebody may write it again there, after
//     its own counter has handed it over (see Take).
//   - Money is given back only where it lies, by the order's own counter, and never while the order is handed over.
//   - Everything else is its own counter's matter.
//
// A layout that has no room for a tag cannot tell our order from an equal one, so that its cards go back to the counter
// of the order, and so does a card that was being made or changed.

// Elsewhere is an order in doubt of another counter, as the centre told of it.
type Elsewhere struct {
	Doubt contract.OrderInDoubt `json:"doubt"`
	Seen  bool                  `json:"seen,omitempty"`  // it was read on the card, here or at a third counter
	Wants []string              `json:"wants,omitempty"` // what was asked for here, oldest first
}

// plan is what the order would have put on the card; false when it cannot be judged here.
func (e Elsewhere) plan() (purse.Plan, bool) {
	var p purse.Plan
	if len(e.Doubt.Plan) == 0 || json.Unmarshal(e.Doubt.Plan, &p) != nil {
		return p, false
	}
	ours := p.Card == purse.CardID{Region: e.Doubt.Region, No: e.Doubt.Card} && p.Seq == e.Doubt.CardSeq && hexTag(p) == e.Doubt.CardTag
	return p, ours && tellable(p)
}

// tellable: the card itself tells the order from any other.
func tellable(p purse.Plan) bool { return p.Make == "" && tagOn(p) != purse.Tag{} }

// verdict is what a card says about an order of another counter.
func (s *Service) verdict(e Elsewhere, st purse.State) purse.Verdict {
	p, ok := e.plan()
	if !ok {
		return purse.OtherCard
	}
	return s.o.Resolve(p, st)
}

// doubtElsewhere refuses while an order of the account is in doubt at another counter.
func doubtElsewhere(a Account) error {
	for _, e := range a.Elsewhere {
		if !e.Seen {
			return refuse(CodeOpenElsewhere, nil, "order", e.Doubt.Order, "station", e.Doubt.Station)
		}
	}
	return nil
}

// witness tells the centre of orders of other counters that this card proves done, and takes them over.
func (s *Service) witness(ctx context.Context, st purse.State) error {
	found := false
	err := s.view(ctx, func(tx Tx) error {
		a, err := tx.AccountOfCard(st.Card)
		found = err == nil && slices.ContainsFunc(a.Elsewhere, func(e Elsewhere) bool { return s.proven(e, st) })
		return nil
	})
	if err != nil || !found {
		return err
	}
	err = s.o.Store.Update(context.WithoutCancel(ctx), func(tx Tx) error {
		a, err := tx.AccountOfCard(st.Card)
		if err != nil {
			return err
		}
		for i, e := range a.Elsewhere {
			if !s.proven(e, st) {
				continue
			}
			a = seen(a, i)
			if err := tx.Emit(s.witnessRecord(e.Doubt, st.Image)); err != nil {
				return err
			}
			s.log.Info("order of another counter is on the card", "order", e.Doubt.Order, "card", st.Card.String(), "station", e.Doubt.Station)
		}
		return tx.PutAccount(a)
	})
	return storeRefusal(err)
}

func (s *Service) proven(e Elsewhere, st purse.State) bool {
	return !e.Seen && st.Condition == purse.InUse && s.verdict(e, st) == purse.Done
}

// seen is an account whose i-th order of another counter is on the card.
func seen(a Account, i int) Account {
	a.Elsewhere = slices.Clone(a.Elsewhere)
	a.Elsewhere[i].Seen = true
	d := a.Elsewhere[i].Doubt
	if !ahead(a, d.CardIssue, d.CardSeq) {
		return a
	}
	p, _ := a.Elsewhere[i].plan() // it was judged by it
	a.CardSeq, a.CardIssue, a.CardUnit = d.CardSeq, d.CardIssue, purse.Unit(d.CardUnit)
	a.Last = &LastOrder{Seq: d.CardSeq, Tag: tagOn(p), Qty: purse.Amount(d.CardQty), Cumulative: purse.Amount(d.CardCum)}
	return bought(a, d.Period, quantity.Volume(d.VolumeL))
}

// ahead reports whether an order comes after all that the account knows of its card.
func ahead(a Account, issue uint8, seq uint16) bool {
	return (a.CardIssue == 0 || a.CardIssue == issue) && int16(seq-a.CardSeq) > 0
}

// bought counts what another counter sold in the customer's tiers.
func bought(a Account, period string, v quantity.Volume) Account {
	switch {
	case period == "":
	case period == a.PeriodStart:
		a.Bought = max(a.Bought+v, 0)
	case period > a.PeriodStart:
		a.PeriodStart, a.Bought = period, max(v, 0)
	}
	return a
}

// witnessRecord tells the centre that another counter's order is on its card.
func (s *Service) witnessRecord(d contract.OrderInDoubt, image purse.Image) outbox.Draft {
	return outbox.Draft{Stream: contract.Tx, Type: contract.TypeOrderWitnessed, ID: d.Order, Body: contract.OrderWitnessed{
		Order: d.Order, Account: d.Account, Region: d.Region, Card: d.Card, CardIssue: d.CardIssue, CardSeq: d.CardSeq, CardTag: d.CardTag,
		CardCum: d.CardCum, CardQty: d.CardQty, CardUnit: d.CardUnit, Station: s.o.Station, Image: hex.EncodeToString(image),
	}}
}

// mostPlan is the longest plan that goes into a record, which has 16 KiB. Those of the shipped layouts have a third of it.
const mostPlan = 12 << 10

// openRecord tells other counters of an order that has no proof.
func openRecord(o Order) outbox.Draft {
	d := contract.OrderInDoubt{
		Order: o.ID, Op: string(o.Op), Account: o.Account, Region: o.Card.Region, Card: o.Card.No, CardIssue: o.Plan.IssueCount, CardSeq: o.Plan.Seq,
		CardTag: hexTag(o.Plan), CardCum: int64(o.Plan.Cumulative), CardQty: int64(o.Plan.Order.Qty), CardUnit: string(o.Unit), VolumeL: int64(o.Volume),
		Period: o.Period, Price: int64(o.Price), Tier: o.Tier, IntentAt: contract.At(o.IntentAt), Station: o.Station, Why: o.Why,
	}
	if tellable(o.Plan) {
		if raw, err := json.Marshal(o.Plan); err == nil && len(raw) <= mostPlan {
			d.Plan = raw
		}
	}
	return outbox.Draft{Stream: contract.Tx, Type: contract.TypeOrderInDoubt, ID: o.ID, Body: d}
}

// elsewhere is what a desk shows of an order of another counter that stands against a sale; nil for none.
func (s *Service) elsewhere(a Account, st purse.State) *DoubtElsewhere {
	for _, e := range a.Elsewhere {
		if e.Seen {
			continue
		}
		return &DoubtElsewhere{
			Order: e.Doubt.Order, Station: e.Doubt.Station, At: e.Doubt.IntentAt.Time, Volume: quantity.Volume(e.Doubt.VolumeL),
			Takeable: takeable(e, s.verdict(e, st)), Asked: len(e.Wants) > 0,
		}
	}
	return nil
}
