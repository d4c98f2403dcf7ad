package counter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tally/cardreader"
	"tally/cardreader/purse"
)

// maker is the card as something to be made.
func maker(p Purse) (Maker, error) {
	m, ok := p.(Maker)
	if !ok {
		return nil, refuse(cardreader.CodeNotSupported, nil)
	}
	return m, nil
}

// spare refuses a card that cannot become a new one: it is in use, of another utility, or somebody's operation on it is
// open.
func (s *Service) spare(tx Tx, st purse.State) error {
	switch {
	case st.Condition == purse.InUse:
		return refuse(CodeBlankNeeded, nil, "card", st.Card.String())
	case st.Condition == purse.Off && st.Card.Region != s.o.Region:
		return refuse(CodeOtherRegion, nil, "region", hex4(st.Card.Region), "ours", hex4(s.o.Region))
	}
	open, err := about(tx, st)
	if err == nil {
		err = openMoney(open)
	}
	return err
}

// number is the card number of a new card: as typed, else the old one's or one made from the account's number.
func number(a Account, typed string, old purse.CardID, issue uint8, rule string) (string, error) {
	switch {
	case typed != "" && !digitsOnly(typed), typed == "" && !digitsOnly(a.No):
		return "", refuse(CodeCardNumber, nil)
	case typed != "":
		return typed, nil
	case rule == RenumberNever && !old.IsZero():
		return old.No, nil
	case rule == RenumberNever || issue <= 1:
		return a.No, nil
	}
	return fmt.Sprintf("%02d%08s", issue-1, a.No), nil
}

// usedBefore reports whether the customer has, or had, a card of a number.
func usedBefore(a Account, no string) bool {
	return !a.Card.IsZero() && sameNumber(a.Card.No, no) ||
		slices.ContainsFunc(a.Dead, func(d DeadCard) bool { return sameNumber(d.Card.No, no) })
}

func digitsOnly(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// Rules of numbering of a card's layout, as Maker.Renumber says them.
const (
	RenumberNever  = "issue_count" // the number stays, the issue count tells the cards apart
	RenumberAlways = "new_number"
	RenumberNone   = "none" // a card of this layout cannot be replaced
)

// firstUnknown is above the issue count of any card that was taken over unread.
const firstUnknown = 0x3F

// nextIssue is the issue count of the customer's next card.
func nextIssue(a Account) (uint8, error) {
	last := max(a.LastIssue, a.CardIssue)
	if a.CardIssue == 0 && !a.Card.IsZero() {
		last = max(last, firstUnknown) // an older system issued the card, and nobody read it here: it may have any count
	}
	if last == 0xFF {
		return 0, refuse(CodeIssuesUsed, nil)
	}
	return last + 1, nil
}

// headerOf is what a customer's card says of its owner.
func (s *Service) headerOf(a Account, no string, issue uint8) purse.Header {
	h := purse.Header{
		Region: s.o.Region, CardNo: no, Unit: s.unitOf(a), Water: a.Water, IssueCount: issue, Kind: purse.KindUser,
		Tariff: s.pricesFor(a.PriceClass),
	}
	if digitsOnly(a.Meter) {
		h.MeterNo = a.Meter
	}
	return h
}

func (s *Service) unitOf(a Account) purse.Unit {
	if a.CardUnit != "" {
		return a.CardUnit
	}
	return s.o.CardUnit
}

// putMaking stores the order of a card that is made, changed or retired.
func (w *writing) putMaking(tx Tx, o Order, plan purse.Plan, err error) (Order, error) {
	if err != nil {
		return o, makingRefusal(err)
	}
	o.Plan, o.Card = plan, plan.Card
	if owner, err := tx.AccountOfCard(o.Card); err == nil && owner.No != o.Account {
		return o, refuse(CodeCardTaken, nil, "card", o.Card.String())
	} else if err != nil && !errors.Is(err, ErrNotFound) {
		return o, err
	}
	return o, tx.PutOrder(o)
}

// makingRefusal turns what a purse says about a card that it cannot make into a refusal.
func makingRefusal(err error) error {
	if e, ok := errors.AsType[*cardreader.Error](err); ok && e.Code == purse.CodeOutOfRange {
		return refuse(CodeCardNumber, err)
	}
	return planRefusal(err)
}

// Issue makes the card on the reader a customer's first one. It costs nothing.
func (s *Service) Issue(ctx context.Context, sess Session, r Issue) (Receipt, error) {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return Receipt{}, err
	}
	content := digest("issue %q %q %d %q %q", live.Operator, r.Reader, r.Insertion, r.Account, r.CardNo)
	t := task{request: r.Request, content: content, reader: r.Reader, ins: r.Insertion, sess: live}
	return s.carryOut(ctx, t, func(w *writing) intent {
		return func(tx Tx, p Purse, st purse.State) (Order, error) { return w.intendIssue(tx, p, st, r) }
	})
}

func (w *writing) intendIssue(tx Tx, p Purse, st purse.State, r Issue) (Order, error) {
	s := w.desk.s
	a, m, err := w.newCardFor(tx, p, st, r.Account)
	if err != nil {
		return Order{}, err
	}
	if !a.Card.IsZero() {
		return Order{}, refuse(CodeHasCard, nil, "card", a.Card.String())
	}
	rule := m.Renumber()
	issue, err := nextIssue(a)
	if err != nil {
		return Order{}, err
	}
	no, err := number(a, r.CardNo, purse.CardID{}, issue, rule)
	if err != nil {
		return Order{}, err
	}
	if rule != RenumberNever && usedBefore(a, no) {
		return Order{}, refuse(CodeCardTaken, nil, "card", purse.CardID{Region: s.o.Region, No: no}.String())
	}
	a.LastIssue = issue
	if err := tx.PutAccount(a); err != nil {
		return Order{}, err
	}
	o := w.newOrder(purse.OpIssue, a, purse.State{Unit: s.unitOf(a)})
	o.Swiped = KnownNone
	card := purse.NewCard{Header: s.headerOf(a, no, issue), Tag: TagOf(o.ID)}
	if card.Carry, err = w.carried(tx, a, &o); err != nil { // of a card that was retired: the meter counts on from there
		return o, err
	}
	plan, err := m.Remake(st, card)
	return w.putMaking(tx, o, plan, err)
}

// newCardFor checks that a new card can be made for an account of what lies on the reader.
func (w *writing) newCardFor(tx Tx, p Purse, st purse.State, account string) (Account, Maker, error) {
	if err := w.desk.s.staleAccounts(); err != nil {
		return Account{}, nil, err
	}
	if _, err := still(tx, w.sess); err != nil {
		return Account{}, nil, err
	}
	m, err := maker(p)
	if err != nil {
		return Account{}, nil, err
	}
	a, err := tx.Account(account)
	if err != nil {
		return a, m, err
	}
	if err := w.desk.s.spare(tx, st); err != nil {
		return a, m, err
	}
	if err := openElsewhere(tx, a.No); err != nil {
		return a, m, err
	}
	return a, m, doubtElsewhere(a)
}
