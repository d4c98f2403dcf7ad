package counter

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"tally/cardreader/purse"
	"tally/meter/quantity"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// OpFinish is the write of another counter's order, which was handed over to this one. The order on the card is the other
// counter's, byte for byte; no money is taken for it here, and none is given back.
const OpFinish purse.Op = "finish"

// maxWants is how often an order may be asked for at one counter.
const maxWants = 8

// Take asks the counter of an order in doubt to hand it over, so that its card, which lies here and proves that the order
// is not there, can be written here. The answer comes with the centre's word and needs both counters and the centre to be
// reached; until then nothing has changed. Asking again does no harm.
//
// Why nothing is doubled: the right to write the order here and the right to give its money back are one right, and it
// lies in one ledger at a time. Its own counter has it until it commits the name of a want (Order.GivenTo), and from then
// on gives nothing back; this counter has it while the order under that very name is open in its journal. A want names
// one such order and is never used again: who returned it, or has ended it, has it no more, however late or often the
// centre's old word comes. Its own counter takes the right back only on hearing that this very want was returned. The one
// thing that breaks it is a ledger that was put back to a backup of before the hand-over: it believes that it still has
// the right until the first word of the centre reaches it.
//
// When the node of its own counter is gone for good, a person at the centre gives the order in its place; that node hears of
// it before anything else should it come back (see hearRuling). Where it was not gone and has given the money back in the
// meantime, the right was in two ledgers by that person's word, and both records are reported.
//
// Writing an order again under its own sequence and tag is harmless wherever it is done, so that its own counter may do
// that at any time.
func (s *Service) Take(ctx context.Context, sess Session, order string) error {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return err
	}
	var card purse.CardID
	for _, v := range s.Desks() {
		if v.Elsewhere != nil && v.Elsewhere.Order == order && v.Card != nil {
			if !v.Elsewhere.Takeable {
				return refuse(CodeOpenElsewhere, nil, "order", order, "station", v.Elsewhere.Station)
			}
			card = v.Card.Card
		}
	}
	if card.IsZero() {
		return refuse(CodeCardNeeded, nil, "order", order)
	}
	want, err := s.ids.next(s.o.Now())
	if err != nil {
		return refuse(CodeInternal, err)
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		if _, err := still(tx, live); err != nil {
			return err
		}
		a, err := tx.AccountOfCard(card)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(a.Elsewhere, func(e Elsewhere) bool { return e.Doubt.Order == order && !e.Seen })
		if i < 0 || len(a.Elsewhere[i].Wants) >= maxWants {
			return refuse(CodeCardNeeded, nil, "order", order)
		}
		a.Elsewhere = slices.Clone(a.Elsewhere)
		a.Elsewhere[i].Wants = append(slices.Clone(a.Elsewhere[i].Wants), want)
		if err := tx.PutAccount(a); err != nil {
			return err
		}
		return tx.Emit(handRecord(contract.TypeOrderWanted, contract.HandOver{
			Order: order, Account: a.No, Want: want, Station: s.o.Station, Operator: live.Operator,
		}))
	})
	if err != nil {
		return storeRefusal(err)
	}
	s.log.Info("order of another counter asked for", "order", order, "want", want, "operator", live.Operator)
	s.lookAgain(card)
	return nil
}

// takeable: it makes sense to ask for the order, whose card proves that it is not there.
func takeable(e Elsewhere, v purse.Verdict) bool {
	return v == purse.NotDone && (e.Doubt.Op == string(purse.OpBuy) || e.Doubt.Op == string(purse.OpMakeUp))
}

// receive puts an order that was handed over into the journal. It is in doubt there, so that the card is judged before
// anything is written, and it is put there once.
func (s *Service) receive(tx Tx, a Account, e Elsewhere, od contract.OpenDoubt) error {
	plan, ok := e.plan()
	given := od.Given
	if given == "" || !ok || !slices.Contains(e.Wants, given) {
		return nil
	}
	if _, err := tx.Order(given); !errors.Is(err, ErrNotFound) {
		return err // nil: it was received
	}
	d := e.Doubt
	o := Order{
		ID: given, Request: given, Op: OpFinish, State: InDoubt, Account: a.No, Card: plan.Card, Meter: a.Meter, Station: s.o.Station, Water: a.Water,
		IntentAt: d.IntentAt.Time, Period: d.Period, Unit: purse.Unit(d.CardUnit), Volume: quantity.Volume(d.VolumeL), Plan: plan, Qty: plan.Qty,
		Price: quantity.Price(d.Price), Tier: d.Tier, Doubted: true, Why: d.Why, Of: d.Order,
	}
	if r := od.Ruled; r != nil && r.Want == given {
		o.ApprovedBy = r.By
	}
	s.log.Info("order of another counter was handed over", orderAttrs(o)...)
	return tx.PutOrder(o)
}

// asOf is an order as its own counter would put it on the card.
func asOf(o Order) Order {
	if o.Op == OpFinish {
		o.ID, o.Op = o.Of, o.Plan.Order.Op
	}
	return o
}

// finished takes over an order of another counter that was written here and read back.
func finished(a Account, o Order) Account {
	i := slices.IndexFunc(a.Elsewhere, func(e Elsewhere) bool { return e.Doubt.Order == o.Of })
	if i < 0 || a.Elsewhere[i].Seen {
		return a
	}
	return seen(a, i)
}

// finishRecord tells the centre of the end of such a write: the order is on its card, or it will not be written here.
func finishRecord(typ string, o Order) outbox.Draft {
	if typ == contract.TypeOrderReturned {
		return handRecord(typ, contract.HandOver{Order: o.Of, Account: o.Account, Want: o.ID, Station: o.Station, Operator: o.ClosedBy})
	}
	return outbox.Draft{Stream: contract.Tx, Type: typ, ID: o.Of, Body: contract.OrderWitnessed{
		Order: o.Of, Account: o.Account, Region: o.Card.Region, Card: o.Card.No, CardIssue: o.Plan.IssueCount, CardSeq: o.Plan.Seq, CardTag: hexTag(o.Plan),
		CardCum: int64(o.Plan.Cumulative), CardQty: int64(o.Plan.Order.Qty), CardUnit: string(o.Unit), Station: o.Station, Wrote: o.ID,
		Operator: o.ClosedBy, Image: hex.EncodeToString(o.Plan.After),
	}}
}
