package storage

import (
	"bytes"
	"errors"
	"fmt"

	"tally/cardreader/purse"
	"tally/counter"
)

// Order implements counter.OrderTx.
func (t *ledgerTx) Order(id string) (counter.Order, error) {
	var o counter.Order
	err := t.load(bOrders, []byte(id), &o)
	return o, err
}

// OrderOfRequest implements counter.OrderTx.
func (t *ledgerTx) OrderOfRequest(request string) (counter.Order, error) {
	id := t.w.tx.Bucket(bRequests).Get([]byte(request))
	if id == nil {
		return counter.Order{}, fmt.Errorf("order of request: %w", counter.ErrNotFound)
	}
	return t.Order(string(id))
}

// PutOrder implements counter.OrderTx. A request id that another order has is refused with ErrRequestTaken.
func (t *ledgerTx) PutOrder(o counter.Order) error {
	if err := checkKey("order id", o.ID); err != nil {
		return err
	}
	old, err := t.Order(o.ID)
	if err != nil && !errors.Is(err, counter.ErrNotFound) {
		return err
	}
	if err := t.indexRequest(old, o); err != nil {
		return err
	}
	if err := t.indexCardOrder(old, o); err != nil {
		return err
	}
	if err := t.indexOpen(o); err != nil {
		return err
	}
	return t.w.putJSON(bOrders, []byte(o.ID), o)
}

func (t *ledgerTx) indexRequest(old, o counter.Order) error {
	if old.Request != "" && old.Request != o.Request {
		if err := t.w.delete(bRequests, []byte(old.Request)); err != nil {
			return err
		}
	}
	if o.Request == "" {
		return nil
	}
	if err := checkKey("request id", o.Request); err != nil {
		return err
	}
	has := t.w.tx.Bucket(bRequests).Get([]byte(o.Request))
	switch {
	case string(has) == o.ID:
		return nil
	case has != nil:
		return fmt.Errorf("request of order %s: %w %s", o.ID, ErrRequestTaken, has)
	}
	return t.w.put(bRequests, []byte(o.Request), []byte(o.ID))
}

func (t *ledgerTx) indexCardOrder(old, o counter.Order) error {
	if old.Card == o.Card && old.ID != "" {
		return nil
	}
	if !old.Card.IsZero() {
		if err := t.w.delete(bCardOrders, cardOrderKey(old.Card, o.ID)); err != nil {
			return err
		}
	}
	if o.Card.IsZero() {
		return nil
	}
	if err := checkKey("card number", o.Card.No); err != nil {
		return err
	}
	return t.w.put(bCardOrders, cardOrderKey(o.Card, o.ID), []byte{})
}

func (t *ledgerTx) indexOpen(o counter.Order) error {
	listed := t.w.tx.Bucket(bOpen).Get([]byte(o.ID)) != nil
	switch {
	case o.State.Open() && !listed:
		return t.w.put(bOpen, []byte(o.ID), []byte{})
	case !o.State.Open() && listed:
		return t.w.delete(bOpen, []byte(o.ID))
	}
	return nil
}

// OpenOrders implements counter.OrderTx. Ids are ordered by time.
func (t *ledgerTx) OpenOrders() ([]counter.Order, error) {
	var open []counter.Order
	c := t.w.tx.Bucket(bOpen).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		o, err := t.Order(string(k))
		if err != nil {
			return nil, err
		}
		open = append(open, o)
	}
	return open, nil
}

// OrdersOfCard implements counter.OrderTx.
func (t *ledgerTx) OrdersOfCard(card purse.CardID, n int) ([]counter.Order, error) {
	var found []counter.Order
	prefix := cardOrderKey(card, "")
	c := t.w.tx.Bucket(bCardOrders).Cursor()
	// Seek behind the card's last order, then walk back.
	k, _ := c.Seek(append(cardKey(card), 1))
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	for ; k != nil && bytes.HasPrefix(k, prefix) && len(found) < n; k, _ = c.Prev() {
		o, err := t.Order(string(k[len(prefix):]))
		if err != nil {
			return nil, err
		}
		found = append(found, o)
	}
	return found, nil
}
