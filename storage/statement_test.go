package storage_test

import (
	"testing"
	"time"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/outbox"
)

var zone = time.FixedZone("UTC+8", 8*60*60)

func statements(t *testing.T, s *storage.Store) []contract.Statement {
	t.Helper()
	var list []contract.Statement
	for _, raw := range read(t, s, contract.Ev, 1) {
		var rec contract.Record
		var st contract.Statement
		decode(t, raw.Raw, &rec)
		if rec.Type == contract.TypeStatement {
			decode(t, rec.Body, &st)
			list = append(list, st)
		}
	}
	return list
}

func sell(t *testing.T, s *storage.Store, typ string, fen int64) {
	t.Helper()
	update(t, s, func(tx counter.Tx) error {
		return tx.Emit(outbox.Draft{Stream: contract.Tx, Type: typ, ID: "o", Body: contract.Sale{VolumeL: 10 * fen, AmountFen: fen}})
	})
}

func TestEachBusinessDayIsStatedOnce(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, zone)
	dir := t.TempDir()
	opts := storage.Options{Now: func() time.Time { return now }}
	s := storagetest.Open(t, dir, opts)
	state := func(want int) {
		t.Helper()
		if n, err := s.State(t.Context(), storage.Days{Zone: zone, Most: 31}); err != nil || n != want {
			t.Fatalf("%d statements, %v, want %d", n, err, want)
		}
	}
	state(0)
	sell(t, s, contract.TypeSale, 100)
	now = time.Date(2026, 11, 20, 23, 59, 59, 0, zone)
	sell(t, s, contract.TypeSale, 20)
	sell(t, s, contract.TypeSaleVoid, 5000)
	now = time.Date(2026, 11, 21, 0, 0, 0, 0, zone)
	sell(t, s, contract.TypeSale, 3)
	now = now.Add(-time.Hour) // the clock was set back
	sell(t, s, contract.TypeSale, 1)
	now = now.Add(2 * time.Hour)
	state(1)
	state(0)
	storagetest.CheckAndClose(t, s)
	s = storagetest.Open(t, dir, opts)
	state(0)
	now = now.AddDate(0, 0, 3) // switched off over the weekend
	state(3)
	got := statements(t, s)
	if len(got) != 4 {
		t.Fatalf("%d statements", len(got))
	}
	if d := got[0]; d.Sales != 3 || d.AmountFen != 121 || d.VolumeL != 1210 || !d.From.Equal(time.Date(2026, 11, 20, 0, 0, 0, 0, zone)) {
		t.Errorf("20 November: %+v", d)
	}
	if d := got[1]; d.Sales != 1 || d.AmountFen != 3 || len(d.Heads) == 0 || d.Heads[0].Seq != 5 {
		t.Errorf("21 November: %+v", d)
	}
	if d := got[3]; d.Sales != 0 || !d.To.Equal(time.Date(2026, 11, 24, 0, 0, 0, 0, zone)) {
		t.Errorf("23 November: %+v", d)
	}
}

// TestAClockThatWasWrongDoesNotEndStatements: ten years ahead for a while.
func TestAClockThatWasWrongDoesNotEndStatements(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, zone)
	s := storagetest.Open(t, t.TempDir(), storage.Options{Now: func() time.Time { return now }})
	days := storage.Days{Zone: zone, Most: 5}
	for _, c := range []struct {
		now  time.Time
		want int
	}{{now, 0}, {now.AddDate(10, 0, 0), 5}, {now.AddDate(0, 0, 1), 0}, {now.AddDate(0, 0, 2), 1}} {
		now = c.now
		if n, err := s.State(t.Context(), days); err != nil || n != c.want {
			t.Errorf("at %s: %d statements, %v, want %d", now, n, err, c.want)
		}
	}
}
