package storage

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/counter"
)

// checkIndices compares what the entries say with what their indices say, both ways by counting.
func checkIndices(tx *bbolt.Tx) error {
	if err := checkAccounts(tx); err != nil {
		return err
	}
	return checkOrders(tx)
}

func checkAccounts(tx *bbolt.Tx) error {
	cards := 0
	err := tx.Bucket(bAccounts).ForEach(func(k, v []byte) error {
		var a counter.Account
		if err := json.Unmarshal(v, &a); err != nil || a.No != string(k) {
			return fmt.Errorf("account %.60q is not what was stored: %w", k, ErrDamaged)
		}
		if a.Card.IsZero() {
			return nil
		}
		cards++
		return pointsTo(tx, bAccCards, cardKey(a.Card), a.No)
	})
	if err != nil {
		return err
	}
	return countIs(tx, bAccCards, cards)
}

func checkOrders(tx *bbolt.Tx) error {
	var requests, cards, open int
	err := tx.Bucket(bOrders).ForEach(func(k, v []byte) error {
		var o counter.Order
		if err := json.Unmarshal(v, &o); err != nil || o.ID != string(k) {
			return fmt.Errorf("order %.60q is not what was stored: %w", k, ErrDamaged)
		}
		if o.Request != "" {
			requests++
			if err := pointsTo(tx, bRequests, []byte(o.Request), o.ID); err != nil {
				return err
			}
		}
		if !o.Card.IsZero() {
			cards++
			if err := pointsTo(tx, bCardOrders, cardOrderKey(o.Card, o.ID), ""); err != nil {
				return err
			}
		}
		if o.State.Open() {
			open++
			return pointsTo(tx, bOpen, []byte(o.ID), "")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range []struct {
		bucket []byte
		n      int
	}{{bRequests, requests}, {bCardOrders, cards}, {bOpen, open}} {
		if err := countIs(tx, c.bucket, c.n); err != nil {
			return err
		}
	}
	return nil
}

func pointsTo(tx *bbolt.Tx, index, key []byte, want string) error {
	got := tx.Bucket(index).Get(key)
	if got == nil || string(got) != want {
		return fmt.Errorf("index %s has %.60q for %.60q, want %.60q: %w", index, got, key, want, ErrDamaged)
	}
	return nil
}

func countIs(tx *bbolt.Tx, index []byte, want int) error {
	got := 0
	c := tx.Bucket(index).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		got++
	}
	if got != want {
		return fmt.Errorf("index %s has %d entries for %d: %w", index, got, want, ErrDamaged)
	}
	return nil
}
