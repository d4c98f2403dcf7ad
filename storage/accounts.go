package storage

import (
	"context"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/cardreader/purse"
	"tally/counter"
)

// load decodes the value of key, or says that it is not there.
func (t *ledgerTx) load(bucket, key []byte, v any) error {
	raw := t.w.tx.Bucket(bucket).Get(key)
	if raw == nil {
		return fmt.Errorf("%s %.60q: %w", bucket, key, counter.ErrNotFound)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("decode %s %.60q: %w: %w", bucket, key, err, ErrDamaged)
	}
	return nil
}

// Account implements counter.AccountTx.
func (t *ledgerTx) Account(no string) (counter.Account, error) {
	var a counter.Account
	err := t.load(bAccounts, []byte(no), &a)
	return a, err
}

// AccountOfCard implements counter.AccountTx.
func (t *ledgerTx) AccountOfCard(c purse.CardID) (counter.Account, error) {
	no := t.w.tx.Bucket(bAccCards).Get(cardKey(c))
	if no == nil || c.IsZero() {
		return counter.Account{}, fmt.Errorf("account of card: %w", counter.ErrNotFound)
	}
	return t.Account(string(no))
}

// PutAccount implements counter.AccountTx. A card that another account has is refused with ErrCardTaken.
func (t *ledgerTx) PutAccount(a counter.Account) error {
	if err := checkKey("account number", a.No); err != nil {
		return err
	}
	old, err := t.Account(a.No)
	if err == nil && old.Card != a.Card && !old.Card.IsZero() {
		if err := t.w.delete(bAccCards, cardKey(old.Card)); err != nil {
			return err
		}
	}
	if err := t.indexCard(a); err != nil {
		return err
	}
	return t.w.putJSON(bAccounts, []byte(a.No), a)
}

func (t *ledgerTx) indexCard(a counter.Account) error {
	if a.Card.IsZero() {
		return nil
	}
	if err := checkKey("card number", a.Card.No); err != nil {
		return err
	}
	has := t.w.tx.Bucket(bAccCards).Get(cardKey(a.Card))
	switch {
	case string(has) == a.No:
		return nil
	case has != nil:
		return fmt.Errorf("card of account %s: %w %s", a.No, ErrCardTaken, has)
	}
	return t.w.put(bAccCards, cardKey(a.Card), []byte(a.No))
}

// EachAccount implements counter.AccountTx.
func (t *ledgerTx) EachAccount(f func(counter.Account) bool) error { return t.eachFrom("", f) }

// AccountsFrom returns at most most accounts with the number no or above, by number. Whoever goes through all of them in
// steps holds no transaction open meanwhile.
func (s *Store) AccountsFrom(ctx context.Context, no string, most int) (list []counter.Account, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.ledger.view(func(tx *bbolt.Tx) error {
		return (&ledgerTx{w: newWriteTx(tx), by: s.opts.stamper()}).eachFrom(no, func(a counter.Account) bool {
			list = append(list, a)
			return len(list) < most
		})
	})
	return list, err
}

func (t *ledgerTx) eachFrom(no string, f func(counter.Account) bool) error {
	c := t.w.tx.Bucket(bAccounts).Cursor()
	for k, v := c.Seek([]byte(no)); k != nil; k, v = c.Next() {
		var a counter.Account
		if err := json.Unmarshal(v, &a); err != nil {
			return fmt.Errorf("decode account %.60q: %w: %w", k, err, ErrDamaged)
		}
		if !f(a) {
			return nil
		}
	}
	return nil
}
