package counter

import (
	"context"
	"time"

	"tally/cardreader/purse"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Types of event records about a card that is not where it should be; their body is a CardReport.
const (
	TypeCardLost  = "card_lost"
	TypeCardFound = "card_found"
)

// CardReport tells the centre that a customer's card was reported as lost (挂失), or that it was found again (解挂).
type CardReport struct {
	Account   string        `json:"account"`
	Region    uint16        `json:"region"`
	Card      string        `json:"card"`
	CardIssue uint8         `json:"card_issue"`
	Reason    string        `json:"reason"`
	By        string        `json:"by"`
	At        contract.Time `json:"at"`
}

// ReportLost marks a customer's card as lost, or as found again: a lost one is refused wherever it turns up. The customer
// asks for both.
func (s *Service) ReportLost(ctx context.Context, sess Session, account string, lost bool, reason string) error {
	live, err := s.allow(sess, Clerk, Leader)
	if err != nil {
		return err
	}
	if reason, err = written(reason); err != nil {
		return err
	}
	at := s.o.Now().UTC().Truncate(time.Millisecond)
	var a Account
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		if _, err := still(tx, live); err != nil {
			return err
		}
		var err error
		if a, err = tx.Account(account); err != nil {
			return err
		}
		switch {
		case a.Card.IsZero():
			return refuse(CodeNoCard, nil, "account", account)
		case lost == (a.Lost != nil):
			return nil // it is so already
		}
		typ := TypeCardFound
		a.Lost = nil
		if lost {
			typ, a.Lost = TypeCardLost, &Mark{Reason: reason, By: live.Operator, At: at}
		}
		if err := tx.PutAccount(a); err != nil {
			return err
		}
		return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: typ, ID: a.No, Body: CardReport{
			Account: a.No, Region: a.Card.Region, Card: a.Card.No, CardIssue: a.CardIssue, Reason: reason, By: live.Operator, At: contract.At(at),
		}})
	})
	if err != nil {
		return storeRefusal(err)
	}
	s.log.Info("card reported", "account", a.No, "lost", lost, "by", live.Operator)
	s.lookAgain(a.Card)
	s.watch.changed()
	return nil
}

// notLost refuses to write an order on a card that was reported lost; one that replaces it is another card.
func (s *Service) notLost(tx Tx, o Order) error {
	if o.Account == "" || o.Plan.Make == purse.MakeNew {
		return nil
	}
	a, err := tx.Account(o.Account)
	if err != nil || a.Lost == nil || a.Card != o.Card {
		return err
	}
	return refuse(CodeCardLost, nil, "reason", a.Lost.Reason, "by", a.Lost.By, "at", a.Lost.At.In(s.o.Location).Format("2006-01-02 15:04"))
}

// gone reports whether the card of an order in doubt cannot come back: it is reported lost. A leader decides then without
// it.
func (s *Service) gone(ctx context.Context, o Order) bool {
	if o.State != InDoubt || o.Account == "" {
		return false
	}
	var a Account
	err := s.view(ctx, func(tx Tx) (err error) { a, err = tx.Account(o.Account); return err })
	return err == nil && a.Lost != nil && a.Card == o.Card
}
