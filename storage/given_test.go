package storage_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter"
	"tally/meter/quantity"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func card(no string) purse.CardID { return purse.CardID{Region: 0x571, No: no} }

func account(n int) counter.Account {
	no := fmt.Sprintf("%06d", n)
	return counter.Account{No: no, Name: "张三", Card: card("c" + no), Meter: "m" + no}
}

func order(n int, state counter.OrderState) counter.Order {
	id := fmt.Sprintf("o%06d", n)
	return counter.Order{ID: id, Request: "r" + id, State: state, Account: "000001", Card: card("c000001"), IntentAt: noon, Amount: quantity.Money(n)}
}

func draft(stream contract.Stream, n int) outbox.Draft {
	return outbox.Draft{Stream: stream, Type: contract.TypeSale, ID: fmt.Sprintf("o%06d", n), Body: contract.Sale{Order: fmt.Sprintf("o%06d", n), AmountFen: int64(n)}}
}

func reading(id string, n int64) meter.Reading {
	return meter.Reading{Meter: meter.ID(id), At: noon.Add(time.Duration(n) * time.Minute), Line: "l1", Raw: []byte{1, 2, 3},
		Values: []meter.Value{{Name: meter.Volume, Number: quantity.Decimal{Unscaled: n, Scale: 2}, Unit: quantity.UnitCubicMetre}}}
}

func emit(t testing.TB, s *storage.Store, drafts ...outbox.Draft) {
	t.Helper()
	update(t, s, func(tx counter.Tx) error {
		for _, d := range drafts {
			if err := tx.Emit(d); err != nil {
				return err
			}
		}
		return nil
	})
}

func update(t testing.TB, s *storage.Store, f func(counter.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func view(t testing.TB, s *storage.Store, f func(counter.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatalf("view: %v", err)
	}
}

func keep(t testing.TB, s *storage.Store, r meter.Reading) {
	t.Helper()
	if err := s.Keep(t.Context(), r); err != nil {
		t.Fatalf("keep: %v", err)
	}
}

func read(t testing.TB, s *storage.Store, stream contract.Stream, from uint64) []outbox.Record {
	t.Helper()
	recs, err := s.Queue(stream).Read(t.Context(), from, 1<<20, 1<<30)
	if err != nil {
		t.Fatalf("read %s from %d: %v", stream, from, err)
	}
	return recs
}

func ack(t testing.TB, s *storage.Store, stream contract.Stream, n uint64) {
	t.Helper()
	if err := s.Queue(stream).Ack(t.Context(), contract.Ack{Epoch: s.Epoch(), Ack: n}); err != nil {
		t.Fatalf("ack %d: %v", n, err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func state(s *storage.Store, stream contract.Stream) outbox.State {
	st := s.Queue(stream).State()
	st.Epoch = ""
	return st
}
