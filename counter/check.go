package counter

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// journalDepth is how many orders of a card are looked at. Open ones are always among the newest, because an open order
// stops the next.
const journalDepth = 8

// standing finds the customer of a card that was just read, and why nothing can be sold to this card now (nil when
// nothing stands against it). The account is returned along with a refusal as soon as it is known. The reasons are
// tried from "who is this" over "is money open" to "what does the card say", so that the clerk hears the true one.
func (s *Service) standing(tx Tx, st purse.State) (Account, error) {
	if st.Condition != purse.InUse {
		return s.notInUse(tx, st)
	}
	a, journal, err := s.customer(tx, st)
	if err != nil {
		return a, err
	}
	if len(a.Locks) > 0 {
		l := a.Locks[0]
		return a, refuse(CodeLocked, nil, "reason", l.Reason, "by", l.By, "at", l.At.In(s.o.Location).Format("2006-01-02 15:04"))
	}
	if s.o.RefuseArrears && a.Arrears > 0 {
		return a, refuse(CodeArrears, nil, "amount", a.Arrears.String())
	}
	if err := sound(a, st); err != nil {
		return a, err
	}
	if err := sequence(a, st, journal); err != nil {
		return a, err
	}
	if gasOn(st) {
		return a, refuse(CodeNotSwiped, nil, "volume", shownAmount(st.Order.Qty, st.Unit), "at", st.Order.At)
	}
	return a, nil
}

// customer finds whose card this is, with its newest orders, newest first, and refuses while one of them is open.
func (s *Service) customer(tx Tx, st purse.State) (Account, []Order, error) {
	if st.Card.Region != s.o.Region {
		return Account{}, nil, refuse(CodeOtherRegion, nil, "region", hex4(st.Card.Region), "ours", hex4(s.o.Region))
	}
	if !customerCard(st.Kind) {
		return Account{}, nil, refuse(CodeNotUserCard, nil, "kind", string(st.Kind))
	}
	a, err := tx.AccountOfCard(st.Card)
	if errors.Is(err, ErrNotFound) {
		return stranger(tx, st)
	}
	if err != nil {
		return a, nil, err
	}
	if l := a.Lost; l != nil {
		return a, nil, refuse(CodeCardLost, nil, "reason", l.Reason, "by", l.By, "at", l.At.In(s.o.Location).Format("2006-01-02 15:04"))
	}
	if err := issue(a, st); err != nil {
		return a, nil, err
	}
	journal, err := tx.OrdersOfCard(st.Card, journalDepth)
	if err == nil {
		err = openMoney(journal)
	}
	if err == nil {
		err = openElsewhere(tx, a.No)
	}
	if err == nil {
		err = doubtElsewhere(a)
	}
	return a, journal, err
}

// stranger says why a card is no customer's: it is a dead card of one, or nobody's.
func stranger(tx Tx, st purse.State) (a Account, none []Order, err error) {
	err = tx.EachAccount(func(o Account) bool {
		if slices.ContainsFunc(o.Dead, func(d DeadCard) bool { return d.Card == st.Card && st.IssueCount <= d.Issue }) {
			a = o
		}
		return a.No == ""
	})
	switch {
	case err != nil:
		return a, nil, err
	case a.No != "":
		return a, nil, refuse(CodeCardReplaced, nil, "card", st.Card.No, "ledger", a.Card.No)
	}
	return a, nil, refuse(CodeUnknownCard, nil, "card", st.Card.String())
}

// customerCard tells cards that carry gas from those that set up meters.
func customerCard(k purse.Kind) bool {
	return slices.Contains([]purse.Kind{purse.KindUser, purse.KindOpen, purse.KindReissue, purse.KindTransfer}, k)
}

// openMoney refuses while an order of the card has no end.
func openMoney(journal []Order) error {
	for _, o := range journal {
		switch {
		case o.State == Quarantined:
			return refuse(CodeQuarantine, nil, "order", o.ID)
		case o.State.Open():
			return refuse(CodeInDoubt, nil, "order", o.ID)
		}
	}
	return nil
}

// sound refuses a card that cannot carry this customer's gas.
func sound(a Account, st purse.State) error {
	switch {
	case st.Unit.Litres() == 0 && !money(st.Unit):
		return refuse(cardreader.CodeNotSupported, nil, "unit", string(st.Unit))
	case damaged(st):
		return refuse(CodeDamaged, nil, "damaged", strings.Join(st.Damaged, " "))
	}
	bound := st.Meter
	if w := st.WriteBack; bound == "" && w != nil {
		bound = w.MeterNo // the first meter that took the card has bound it
	}
	if bound != "" && a.Meter != "" && !sameNumber(bound, a.Meter) {
		return refuse(CodeOtherMeter, nil, "meter", bound, "ours", a.Meter)
	}
	return nil
}

// sameNumber compares numbers that cards fill up with zeros in front.
func sameNumber(a, b string) bool { return strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0") }

// issue refuses a card that was replaced, and one that replaced ours without this ledger knowing.
func issue(a Account, st purse.State) error {
	says := []string{"card", strconv.Itoa(int(st.IssueCount)), "ledger", strconv.Itoa(int(a.CardIssue))}
	switch {
	case a.CardIssue == 0 || st.IssueCount == a.CardIssue:
		return nil
	case st.IssueCount < a.CardIssue || buried(a, st):
		return refuse(CodeCardReplaced, nil, says...)
	}
	return refuse(CodeCardAhead, nil, says...)
}

// gasOn reports whether the card carries gas that the meter has not taken. After a refund the newest order is not
// swiped either, but its total is what the meter has credited already: nothing waits on the card.
func gasOn(st purse.State) bool {
	return !st.Swiped && (st.Waiting != 0 || brokenArea(st, "write_back"))
}

func brokenArea(st purse.State, prefix string) bool {
	return slices.ContainsFunc(st.Damaged, func(w string) bool { return strings.HasPrefix(w, prefix) })
}

// damaged tells a card whose orders cannot be told, or whose write-back is broken so that nobody knows whether the
// order was swiped. A torn area beside a valid one is what an interrupted write leaves, and no reason.
func damaged(st purse.State) bool {
	switch {
	case brokenArea(st, "slots_conflict"):
		return true
	case st.Order == nil:
		return len(st.Damaged) > 0
	}
	return !st.Swiped && st.WriteBack == nil && brokenArea(st, "write_back")
}

// sequence refuses an older image of the card and a write that the ledger does not know, on the card itself or taken by
// the meter. Sequences wrap (RFC 1982).
func sequence(a Account, st purse.State, journal []Order) error {
	var on purse.OnCard
	switch {
	case st.Order != nil:
		on = *st.Order
	case a.CardSeq != 0:
		return refuse(CodeDamaged, nil) // there were orders on it
	}
	says := []string{"card", strconv.Itoa(int(on.Seq)), "ledger", strconv.Itoa(int(a.CardSeq))}
	taken := st.WriteBack != nil && int16(st.WriteBack.Seq-a.CardSeq) > 0
	switch ahead := int16(on.Seq - a.CardSeq); {
	case ahead < 0 && !taken:
		return refuse(CodeCardBehind, nil, says...)
	case ahead > 0 || taken || !known(on, a, journal) || tookAnother(on, st):
		return refuse(CodeCardAhead, nil, says...)
	}
	return nil
}

// tookAnother: the meter says that it took this sequence, with another total. It took the order of another card, such as
// one that was replaced where this ledger could not know it.
func tookAnother(on purse.OnCard, st purse.State) bool {
	w := st.WriteBack
	return w != nil && w.Seq == on.Seq && on.Cumulative != 0 && w.Accepted != 0 && w.Accepted != on.Cumulative
}

// known compares the newest order on the card with the one that the journal says is there.
func known(on purse.OnCard, a Account, journal []Order) bool {
	if l := a.Last; l != nil && l.Seq == a.CardSeq { // written here or at another counter
		return on.Tag == l.Tag && on.Cumulative == l.Cumulative
	}
	for _, o := range journal { // of a ledger from before the account knew
		if o.State == Done && o.Plan.Make == "" && o.Plan.Seq == a.CardSeq && o.Plan.IssueCount == a.CardIssue {
			return on.Tag == tagOn(o.Plan) && on.Cumulative == o.Plan.Cumulative
		}
	}
	return true // from before this ledger
}

// rolled is the account with its tier counter started again when a new period has begun. A clock set back never opens
// an old period.
func rolled(a Account, t tariff.Table, day string) (Account, error) {
	start, err := tariff.PeriodStart(t.PeriodMonths, day)
	if err != nil {
		return a, priceRefusal(err)
	}
	if a.PeriodStart < start {
		a.PeriodStart, a.Bought = start, 0
	}
	return a, nil
}

// limits refuses a volume that customer or meter may not have.
func limits(a Account, st purse.State, v quantity.Volume) error {
	if a.MaxPurchase > 0 && v > a.MaxPurchase {
		return refuse(CodeOverLimit, nil, "most", a.MaxPurchase.String())
	}
	if a.MaxPeriod > 0 && v > a.MaxPeriod-a.Bought {
		return refuse(CodeOverPeriod, nil, "most", max(a.MaxPeriod-a.Bought, 0).String(), "limit", a.MaxPeriod.String())
	}
	if a.Hoard > 0 {
		var left quantity.Volume
		if st.WriteBack != nil {
			left = inUnits(st.WriteBack.Remaining, st.Unit)
		}
		if v > a.Hoard-left {
			return refuse(CodeOverHoard, nil, "most", max(a.Hoard-left, 0).String(), "left", left.String(), "ceiling", a.Hoard.String())
		}
	}
	return nil
}

// moneyLimits refuses an amount over the customer's limit for one purchase, or that would take a money meter over the
// ceiling of credit; both are worth what they cost in the first tier. What is bought in a period is counted in volume, which
// a money card does not buy.
func moneyLimits(a Account, st purse.State, m quantity.Money, price quantity.Price) error {
	if most := worth(a.MaxPurchase, price); most > 0 && m > most {
		return refuse(CodeOverLimit, nil, "money", most.String())
	}
	ceiling := worth(a.Hoard, price)
	var left quantity.Money
	if st.WriteBack != nil {
		left = quantity.Money(st.WriteBack.Remaining)
	}
	if ceiling > 0 && m > ceiling-left {
		return refuse(CodeOverHoard, nil, "money", max(ceiling-left, 0).String(), "ceiling_money", ceiling.String())
	}
	return nil
}

// shownAmount is a card's amount as people read it, in m³ or yuan.
func shownAmount(n purse.Amount, u purse.Unit) string {
	if money(u) {
		return quantity.Money(n).String()
	}
	return inUnits(n, u).String()
}

// inUnits is what a card's amount is in litres. A card's fields have at most 4 bytes, so it cannot overflow; a hostile
// State that does is cut to zero.
func inUnits(n purse.Amount, u purse.Unit) quantity.Volume {
	if n > 1<<40 || n < -(1<<40) {
		return 0
	}
	return quantity.Volume(n) * u.Litres()
}

func hex4(n uint16) string { return purse.CardID{Region: n}.String()[:4] }
