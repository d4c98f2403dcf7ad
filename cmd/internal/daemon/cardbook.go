package daemon

import (
	"context"
	"errors"
	"time"

	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/counter"
)

// CardOrders implements control.CardBook.
func (d door) CardOrders(ctx context.Context, card purse.CardID, n int) ([]control.CardOrder, error) {
	var orders []control.CardOrder
	err := d.n.store.View(ctx, func(tx counter.Tx) error {
		journal, err := tx.OrdersOfCard(card, n)
		orders = make([]control.CardOrder, 0, len(journal))
		for _, o := range journal {
			orders = append(orders, control.OrderOf(o))
		}
		return err
	})
	return orders, err
}

// OpenOrders implements control.CardBook.
func (d door) OpenOrders(ctx context.Context) ([]control.CardOrder, error) {
	open, err := d.n.service.OpenOrders(ctx)
	if err != nil {
		return nil, err
	}
	here := map[purse.CardID]purse.State{}
	for _, k := range d.n.service.Desks() {
		if k.Card != nil {
			here[k.Card.Card] = *k.Card
		}
	}
	orders := make([]control.CardOrder, 0, len(open))
	for _, o := range open {
		c := control.OrderOf(o)
		if st, ok := here[o.Card]; ok {
			c.Verdict = purse.Resolve(o.Plan, st)
		}
		orders = append(orders, c)
	}
	return orders, nil
}

// LookAgain implements control.CardBook.
func (d door) LookAgain(ctx context.Context, reader string) error {
	err := d.n.service.LookAgain(ctx, reader)
	if r, ok := errors.AsType[*counter.Refusal](err); ok && r.Code == counter.CodeBusy {
		return &control.Error{Code: control.CodeDeskBusy, Message: r.Error()}
	} else if ok {
		return &control.Error{Code: r.Code, Message: r.Error()}
	}
	return err
}

// WatchCards implements control.CardWatcher.
func (d door) WatchCards(ctx context.Context, emit func(control.CardEvent) error) error {
	changed, cancel := d.n.service.Subscribe()
	defer cancel()
	var before []counter.Desk
	for {
		now := d.n.service.Desks()
		for _, e := range control.DiffDesks(before, now, time.Now()) {
			if err := emit(e); err != nil {
				return err
			}
		}
		before = now
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}
