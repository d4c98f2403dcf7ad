package countertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// StoreSuite is what every counter.Store must pass, the one in memory and the real one. open returns a new, empty store
// that the test closes itself.
func StoreSuite(t *testing.T, open func(t *testing.T) counter.Store) {
	for name, test := range map[string]func(t *testing.T, s suite){
		"accounts":         suiteAccounts,
		"orders":           suiteOrders,
		"operators":        suiteOperators,
		"receipts":         suiteReceipts,
		"nothing of error": suiteAtomic,
		"views do not put": suiteView,
	} {
		t.Run(name, func(t *testing.T) { test(t, suite{t, open(t)}) })
	}
}

type suite struct {
	t     *testing.T
	store counter.Store
}

func (s suite) update(f func(counter.Tx) error) {
	s.t.Helper()
	if err := s.store.Update(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s suite) view(f func(counter.Tx) error) {
	s.t.Helper()
	if err := s.store.View(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func wantNotFound(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, counter.ErrNotFound) {
		t.Errorf("%s: %v", what, err)
	}
}

func suiteAccounts(t *testing.T, s suite) {
	card, other := purse.CardID{Region: 1, No: "00000001"}, purse.CardID{Region: 1, No: "00000002"}
	a := counter.Account{No: "2", Name: "王小明", Card: card, Bought: 7, Locks: []counter.Lock{{Reason: "r", By: "b"}}}
	s.update(func(tx counter.Tx) error {
		return errors.Join(tx.PutAccount(a), tx.PutAccount(counter.Account{No: "1"}), tx.PutAccount(counter.Account{No: "3"}))
	})
	s.view(func(tx counter.Tx) error {
		got, err := tx.AccountOfCard(card)
		if err != nil || !cmp.Equal(got, a) {
			t.Errorf("account of card: %v\n%s", err, cmp.Diff(a, got))
		}
		_, err = tx.Account("4")
		wantNotFound(t, "account 4", err)
		_, err = tx.AccountOfCard(purse.CardID{})
		wantNotFound(t, "account of no card", err)
		var order string
		err = tx.EachAccount(func(a counter.Account) bool {
			order += a.No
			return a.No != "2"
		})
		if order != "12" {
			t.Errorf("accounts were visited as %s", order)
		}
		return err
	})
	a.Card = other
	s.update(func(tx counter.Tx) error { return tx.PutAccount(a) })
	s.view(func(tx counter.Tx) error {
		_, err := tx.AccountOfCard(card)
		wantNotFound(t, "account of the old card", err)
		got, err := tx.AccountOfCard(other)
		if got.No != "2" {
			t.Errorf("account of the new card: %+v", got)
		}
		return err
	})
}

func suiteOrders(t *testing.T, s suite) {
	card := purse.CardID{Region: 1, No: "00000001"}
	order := func(n int, state counter.OrderState) counter.Order {
		return counter.Order{
			ID: fmt.Sprintf("%032d", n), Request: fmt.Sprint("request ", n), Card: card, State: state,
			Plan: purse.Plan{Seq: uint16(n), Tag: purse.Tag{1, 2, 3}, Before: purse.Image{1}, After: purse.Image{2}},
		}
	}
	s.update(func(tx counter.Tx) error {
		foreign := order(9, counter.InDoubt)
		foreign.Card.No = "00000009"
		return errors.Join(tx.PutOrder(order(2, counter.Intended)), tx.PutOrder(order(1, counter.Done)),
			tx.PutOrder(order(3, counter.InDoubt)), tx.PutOrder(order(4, counter.Void)), tx.PutOrder(foreign))
	})
	numbers := func(orders []counter.Order) (out []uint16) {
		for _, o := range orders {
			out = append(out, o.Plan.Seq)
		}
		return out
	}
	s.view(func(tx counter.Tx) error {
		got, err := tx.OrderOfRequest("request 3")
		if err != nil || !cmp.Equal(got, order(3, counter.InDoubt)) {
			t.Errorf("order of a request: %v\n%s", err, cmp.Diff(order(3, counter.InDoubt), got))
		}
		_, err = tx.Order("x")
		wantNotFound(t, "order x", err)
		_, err = tx.OrderOfRequest("x")
		wantNotFound(t, "order of request x", err)
		open, err1 := tx.OpenOrders()
		last, err2 := tx.OrdersOfCard(card, 3)
		if diff := cmp.Diff([]uint16{2, 3, 9}, numbers(open)); diff != "" {
			t.Errorf("open orders: %s", diff)
		}
		if diff := cmp.Diff([]uint16{4, 3, 2}, numbers(last)); diff != "" {
			t.Errorf("orders of the card: %s", diff)
		}
		return errors.Join(err1, err2)
	})
	s.update(func(tx counter.Tx) error {
		return errors.Join(tx.PutOrder(order(2, counter.Done)), tx.PutOrder(order(3, counter.Void)))
	})
	s.view(func(tx counter.Tx) error {
		open, err := tx.OpenOrders()
		if diff := cmp.Diff([]uint16{9}, numbers(open)); diff != "" {
			t.Errorf("open orders afterwards: %s", diff)
		}
		return err
	})
}

func suiteOperators(t *testing.T, s suite) {
	o := counter.Operator{Name: "chen", Display: "陈", No: 7, Role: counter.Clerk, Password: "$x", Disabled: true}
	s.update(func(tx counter.Tx) error { return tx.PutOperator(o) })
	s.view(func(tx counter.Tx) error {
		got, err := tx.Operator("chen")
		if got != o {
			t.Errorf("operator: %s", cmp.Diff(o, got))
		}
		_, missing := tx.Operator("Chen")
		wantNotFound(t, "operator Chen", missing)
		_, missing = tx.Operator("")
		wantNotFound(t, "operator without a name", missing)
		return err
	})
}

func suiteReceipts(t *testing.T, s suite) {
	for want := uint64(1); want <= 3; want++ {
		var got, other uint64
		s.update(func(tx counter.Tx) (err error) {
			if got, err = tx.NextReceipt("A"); err != nil {
				return err
			}
			other, err = tx.NextReceipt(fmt.Sprint("B", want))
			return err
		})
		if got != want || other != 1 {
			t.Errorf("receipt %d of A and %d of a new station, want %d and 1", got, other, want)
		}
	}
}

func suiteAtomic(t *testing.T, s suite) {
	enough := errors.New("enough")
	err := s.store.Update(context.Background(), func(tx counter.Tx) error {
		_, err := tx.NextReceipt("A")
		draft := outbox.Draft{Stream: contract.Ev, Type: contract.TypeNodeStarted, ID: "1", Body: contract.NodeStarted{}}
		return errors.Join(err, tx.PutAccount(counter.Account{No: "1"}), tx.Emit(draft), enough)
	})
	if !errors.Is(err, enough) {
		t.Errorf("the error of f comes back as %v", err)
	}
	s.view(func(tx counter.Tx) error {
		_, err := tx.Account("1")
		wantNotFound(t, "account of a transaction that ended in an error", err)
		return nil
	})
	s.update(func(tx counter.Tx) error {
		n, err := tx.NextReceipt("A")
		if n != 1 {
			t.Errorf("receipt %d after a transaction that took 1 and failed", n)
		}
		return err
	})
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.store.Update(cancelled, func(counter.Tx) error { return nil }); err == nil {
		t.Error("committed for somebody who has gone")
	}
}

func suiteView(t *testing.T, s suite) {
	for name, put := range map[string]func(counter.Tx) error{
		"account":  func(tx counter.Tx) error { return tx.PutAccount(counter.Account{No: "1"}) },
		"order":    func(tx counter.Tx) error { return tx.PutOrder(counter.Order{ID: "1"}) },
		"operator": func(tx counter.Tx) error { return tx.PutOperator(counter.Operator{Name: "x"}) },
		"receipt":  func(tx counter.Tx) error { _, err := tx.NextReceipt("A"); return err },
		"record": func(tx counter.Tx) error {
			return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: contract.TypeNodeStarted, ID: "1", Body: contract.NodeStarted{}})
		},
	} {
		if err := s.store.View(context.Background(), put); err == nil {
			t.Errorf("a view put a %s", name)
		}
	}
}
