package storage_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/outbox"
)

func TestAccountsSurviveReopenAndFollowTheirCard(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	update(t, s, func(tx counter.Tx) error { return errors.Join(tx.PutAccount(account(1)), tx.PutAccount(account(2))) })
	moved := account(1)
	moved.Card = card("new")
	update(t, s, func(tx counter.Tx) error { return tx.PutAccount(moved) })
	storagetest.CheckAndClose(t, s)

	s = storagetest.Open(t, dir, storage.Options{})
	view(t, s, func(tx counter.Tx) error {
		got, err := tx.AccountOfCard(card("new"))
		if diff := cmp.Diff(moved, got); err != nil || diff != "" {
			t.Errorf("account of the new card: %v %s", err, diff)
		}
		_, err = tx.AccountOfCard(account(1).Card)
		wantErr(t, err, counter.ErrNotFound)
		_, err = tx.Account("nobody")
		wantErr(t, err, counter.ErrNotFound)
		var nos []string
		err = tx.EachAccount(func(a counter.Account) bool { nos = append(nos, a.No); return len(nos) < 2 })
		if diff := cmp.Diff([]string{"000001", "000002"}, nos); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

func TestACardHasOneAccount(t *testing.T) {
	s := storagetest.New(t)
	update(t, s, func(tx counter.Tx) error { return tx.PutAccount(account(1)) })
	thief := account(2)
	thief.Card = account(1).Card
	err := s.Update(t.Context(), func(tx counter.Tx) error { return tx.PutAccount(thief) })
	wantErr(t, err, storage.ErrCardTaken)
	first := account(1)
	first.Card = thief.Card
	update(t, s, func(tx counter.Tx) error {
		free := account(1)
		free.Card.Region, free.Card.No = 0, ""
		return errors.Join(tx.PutAccount(free), tx.PutAccount(thief))
	})
	view(t, s, func(tx counter.Tx) error {
		got, err := tx.AccountOfCard(thief.Card)
		if got.No != thief.No {
			t.Errorf("card belongs to %q", got.No)
		}
		return err
	})
}

func TestOrdersKeepTheirIndices(t *testing.T) {
	s := storagetest.New(t)
	update(t, s, func(tx counter.Tx) error {
		return errors.Join(tx.PutOrder(order(3, counter.Intended)), tx.PutOrder(order(1, counter.InDoubt)), tx.PutOrder(order(2, counter.Done)))
	})
	update(t, s, func(tx counter.Tx) error { return tx.PutOrder(order(3, counter.Done)) })
	view(t, s, func(tx counter.Tx) error {
		open, err := tx.OpenOrders()
		if err != nil || len(open) != 1 || open[0].ID != "o000001" {
			t.Errorf("open: %v %v", open, err)
		}
		ofCard, err := tx.OrdersOfCard(card("c000001"), 2)
		if err != nil || len(ofCard) != 2 || ofCard[0].ID != "o000003" || ofCard[1].ID != "o000002" {
			t.Errorf("of card: %v %v", ofCard, err)
		}
		o, err := tx.OrderOfRequest("ro000002")
		if err != nil || o.ID != "o000002" {
			t.Errorf("of request: %v %v", o.ID, err)
		}
		_, err = tx.OrderOfRequest("nobody's")
		wantErr(t, err, counter.ErrNotFound)
		return nil
	})
}

func TestARequestHasOneOrder(t *testing.T) {
	s := storagetest.New(t)
	update(t, s, func(tx counter.Tx) error { return tx.PutOrder(order(1, counter.Done)) })
	twin := order(2, counter.Intended)
	twin.Request = order(1, counter.Done).Request
	err := s.Update(t.Context(), func(tx counter.Tx) error { return tx.PutOrder(twin) })
	wantErr(t, err, storage.ErrRequestTaken)
}

func TestOrdersOfACardDoNotMixWithALongerNumber(t *testing.T) {
	s := storagetest.New(t)
	long := order(2, counter.Done)
	long.Card = card("c0000011")
	update(t, s, func(tx counter.Tx) error { return errors.Join(tx.PutOrder(order(1, counter.Done)), tx.PutOrder(long)) })
	view(t, s, func(tx counter.Tx) error {
		got, err := tx.OrdersOfCard(card("c000001"), 9)
		if len(got) != 1 || got[0].ID != "o000001" {
			t.Errorf("got %v", got)
		}
		return err
	})
}

func TestReceiptsHaveNoGap(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	var got []uint64
	next := func(fail error) func(counter.Tx) error {
		return func(tx counter.Tx) error {
			n, err := tx.NextReceipt("hall 1")
			if fail == nil {
				got = append(got, n)
			}
			return errors.Join(err, fail)
		}
	}
	update(t, s, next(nil))
	wantErr(t, s.Update(t.Context(), next(counter.ErrNoRoom)), counter.ErrNoRoom)
	update(t, s, next(nil))
	storagetest.CheckAndClose(t, s)
	s = storagetest.Open(t, dir, storage.Options{})
	update(t, s, next(nil))
	if diff := cmp.Diff([]uint64{1, 2, 3}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOperators(t *testing.T) {
	s := storagetest.New(t)
	want := counter.Operator{Name: "li", Display: "李", No: 7, Role: counter.Clerk, Password: "$argon2id$x"}
	update(t, s, func(tx counter.Tx) error { return tx.PutOperator(want) })
	view(t, s, func(tx counter.Tx) error {
		got, err := tx.Operator("li")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

func TestKeysThatCannotBeToldApartAreRefused(t *testing.T) {
	s := storagetest.New(t)
	bad := []func(counter.Tx) error{
		func(tx counter.Tx) error { return tx.PutAccount(counter.Account{}) },
		func(tx counter.Tx) error { return tx.PutAccount(counter.Account{No: "1", Card: card("a\x00b")}) },
		func(tx counter.Tx) error { return tx.PutOrder(counter.Order{ID: "a\x00"}) },
		func(tx counter.Tx) error { return tx.PutOrder(counter.Order{ID: strings.Repeat("x", 2000)}) },
		func(tx counter.Tx) error { return tx.PutOperator(counter.Operator{}) },
		func(tx counter.Tx) error { _, err := tx.NextReceipt(""); return err },
	}
	for i, f := range bad {
		if err := s.Update(t.Context(), f); !errors.Is(err, storage.ErrBadKey) {
			t.Errorf("%d: got %v", i, err)
		}
	}
	wantErr(t, s.Keep(t.Context(), reading("", 1)), storage.ErrBadKey)
}

func TestAViewCannotPut(t *testing.T) {
	s := storagetest.New(t)
	err := s.View(t.Context(), func(tx counter.Tx) error { return tx.PutAccount(account(1)) })
	if err == nil {
		t.Fatal("put in a view was taken")
	}
}

func TestEmitFixesTheRecord(t *testing.T) {
	s := storagetest.Open(t, t.TempDir(), storage.Options{
		Now: func() time.Time { return noon }, Mono: func() time.Duration { return 1500 * time.Millisecond }, Boot: "b1",
		Clock: func() string { return "unsure" },
	})
	emit(t, s, draft(contract.Tx, 1), draft(contract.Ev, 9), draft(contract.Tx, 2))
	emit(t, s, draft(contract.Tx, 3))
	prev := ""
	for i, r := range read(t, s, contract.Tx, 1) {
		var rec contract.Record
		if err := json.Unmarshal(r.Raw, &rec); err != nil {
			t.Fatal(err)
		}
		want := contract.Record{Seq: uint64(i + 1), ID: draft(contract.Tx, i+1).ID, Type: contract.TypeSale, At: contract.At(noon),
			Mono: 1500, Boot: "b1", Clock: "unsure", Prev: prev, Body: rec.Body}
		if diff := cmp.Diff(want, rec); diff != "" || r.Seq != rec.Seq {
			t.Errorf("record %d: %s", i+1, diff)
		}
		again, err := json.Marshal(r.Raw)
		if err != nil || string(again) != string(r.Raw) {
			t.Errorf("an envelope would change record %d: %v", i+1, err)
		}
		sum := sha256.Sum256(r.Raw)
		prev = hex.EncodeToString(sum[:])
	}
	if got := state(s, contract.Tx); got.Next != 4 || got.Waiting() != 3 {
		t.Errorf("state %+v", got)
	}
}

func TestEmitRefusesWhatNoEnvelopeCarries(t *testing.T) {
	s := storagetest.New(t)
	big := draft(contract.Tx, 1)
	big.Body = strings.Repeat("x", contract.MaxRecord)
	err := s.Update(t.Context(), func(tx counter.Tx) error {
		if err := tx.PutAccount(account(1)); err != nil {
			return err
		}
		return tx.Emit(big)
	})
	wantErr(t, err, outbox.ErrTooLarge)
	view(t, s, func(tx counter.Tx) error {
		_, err := tx.Account("000001")
		wantErr(t, err, counter.ErrNotFound)
		return nil
	})
	for _, d := range []outbox.Draft{draft(contract.Rd, 1), draft("xx", 1), {Stream: contract.Tx, Body: func() {}}} {
		if err := s.Update(t.Context(), func(tx counter.Tx) error { return tx.Emit(d) }); err == nil {
			t.Errorf("draft for %q was taken", d.Stream)
		}
	}
	if got := state(s, contract.Tx).Next; got != 1 {
		t.Errorf("next is %d", got)
	}
}
