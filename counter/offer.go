package counter

import (
	"context"

	"tally/cardreader/purse"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// offer is what a sale would be, worked out within one transaction.
type offer struct {
	account Account // its period rolled
	table   tariff.Table
	volume  quantity.Volume
	amount  quantity.Money
	lines   []tariff.Line
}

// offer works out what was asked for, or refuses it with the true reason.
func (s *Service) offer(tx Tx, st purse.State, a Ask) (offer, error) {
	account, err := s.standing(tx, st)
	if err != nil {
		return offer{}, err
	}
	if err := s.stale(); err != nil {
		return offer{}, err
	}
	day := s.day()
	table, ok := s.table(account.PriceClass, day)
	if !ok {
		return offer{}, refuse(CodeNoTariff, nil, "class", account.PriceClass)
	}
	if account, err = rolled(account, table, day); err != nil {
		return offer{}, err
	}
	of := offer{account: account, table: table}
	if money(st.Unit) {
		if a.Volume != 0 || a.Money <= 0 {
			return offer{}, refuse(CodeBadAmount, nil)
		}
		of.amount = a.Money
		return of, moneyLimits(account, st, of.amount, firstPrice(table))
	}
	if err := of.price(st.Unit.Litres(), a); err != nil {
		return offer{}, err
	}
	return of, limits(account, st, of.volume)
}

// onCard is the price that the card says: of the last tier that was bought in, of a money card the first.
func (of offer) onCard() (quantity.Price, uint8) {
	if len(of.lines) == 0 {
		return firstPrice(of.table), 1
	}
	last := of.lines[len(of.lines)-1]
	return last.Price, uint8(last.Tier)
}

// price fills volume, amount and lines from the one that was asked for.
func (of *offer) price(step quantity.Volume, a Ask) error {
	var err error
	switch {
	case (a.Volume != 0) == (a.Money != 0) || a.Volume < 0 || a.Money < 0:
		return refuse(CodeBadAmount, nil)
	case a.Volume%step != 0:
		return refuse(CodeBadAmount, nil, "step", step.String())
	case a.Volume != 0:
		of.volume = a.Volume
		of.lines, of.amount, err = tariff.Quote(of.table, of.account.Bought, a.Volume)
	default:
		of.volume, of.lines, of.amount, err = tariff.ForMoney(of.table, of.account.Bought, a.Money, step)
	}
	if err != nil {
		return priceRefusal(err)
	}
	if of.volume == 0 {
		return refuse(CodeTooLittle, nil, "step", step.String())
	}
	return nil
}

// onCard is what goes on the card for an order of the journal.
func (s *Service) onCard(o Order, a Account, op Operator) purse.Order {
	o = asOf(o)
	order := purse.Order{
		Tag: TagOf(o.ID), Journal: journalOf(o.ID), Op: o.Op, Qty: qtyOf(o), Price: o.Price, Tier: o.Tier,
		Alarm: setting(s.o.Alarm, o.Unit, o.Price), Hoard: setting(a.Hoard, o.Unit, o.Price), Overdraft: setting(s.o.Overdraft, o.Unit, o.Price),
		At: o.IntentAt.In(s.o.Location), Workstation: s.o.StationNo, Operator: op.No,
	}
	if o.Op == purse.OpBuy && a.PriceClass != "" {
		order.Tariff = s.pricesFor(a.PriceClass)
	}
	return order
}

// Quote says what an Ask would cost, on the card that the clerk saw. Nothing is written.
func (s *Service) Quote(ctx context.Context, sess Session, a Ask) (Quote, error) {
	if _, err := s.allow(sess, Clerk, Leader); err != nil {
		return Quote{}, err
	}
	st, err := s.shown(a.Reader, a.Insertion)
	if err != nil {
		return Quote{}, err
	}
	var of offer
	err = s.view(ctx, func(tx Tx) (err error) {
		of, err = s.offer(tx, st, a)
		return err
	})
	if err != nil {
		return Quote{}, err
	}
	q := Quote{Ask: a, Account: of.account.No, Volume: of.volume, Amount: of.amount, Lines: of.lines, Table: of.table.Version}
	if a.Money > 0 {
		q.Change = a.Money - of.amount
	}
	return q, nil
}
