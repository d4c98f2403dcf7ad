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

// TestALateSaleRestatesItsDay: the clock goes back over a midnight whose day was stated already, and comes back before
// anybody looks. The day is stated anew, with a number of its own, and no other day suffers.
func TestALateSaleRestatesItsDay(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, zone)
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{Now: func() time.Time { return now }})
	sellAt := func(at time.Time, fen int64) {
		t.Helper()
		now = at
		sell(t, s, contract.TypeSale, fen)
	}
	state := func(at time.Time, want int) {
		t.Helper()
		now = at
		if n, err := s.State(t.Context(), storage.Days{Zone: zone, Most: 31}); err != nil || n != want {
			t.Fatalf("%d statements at %s, %v, want %d", n, at, err, want)
		}
	}
	midnight := time.Date(2026, 11, 21, 0, 0, 0, 0, zone)
	state(now, 0)
	sellAt(now, 100)
	state(midnight.Add(time.Minute), 1)
	sellAt(midnight.Add(2*time.Minute), 7)
	sellAt(midnight.Add(-57*time.Minute), 20) // an hour back
	sellAt(midnight.AddDate(0, 0, -200), 5)   // and then as after an empty battery
	sellAt(midnight.Add(5*time.Minute), 3)
	state(midnight.Add(6*time.Minute), 2)
	state(midnight.Add(7*time.Minute), 0)
	storagetest.CheckAndClose(t, s)
	s = storagetest.Open(t, dir, storage.Options{Now: func() time.Time { return now }})
	state(midnight.AddDate(0, 0, 1), 1)
	got := statements(t, s)
	if len(got) != 4 {
		t.Fatalf("%d statements: %+v", len(got), got)
	}
	for i, want := range []struct {
		day        time.Time
		sales, fen int64
	}{{midnight.AddDate(0, 0, -1), 1, 100}, {midnight.AddDate(0, 0, -200), 1, 5}, {midnight.AddDate(0, 0, -1), 2, 120}, {midnight, 2, 10}} {
		if d := got[i]; !d.From.Equal(want.day) || d.Sales != want.sales || d.AmountFen != want.fen || d.VolumeL != 10*want.fen {
			t.Errorf("statement %d: %+v, want %+v", i, d, want)
		}
	}
}

// TestStatementsOfALedgerOfBefore: a ledger whose days were stated by counting from the end keeps what was said; only what
// comes from now on restates them.
func TestStatementsOfALedgerOfBefore(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, zone)
	s := storagetest.Open(t, t.TempDir(), storage.Options{Now: func() time.Time { return now }})
	for range 3 {
		sell(t, s, contract.TypeSale, 10)
	}
	err := s.UpdateState(t.Context(), func(tx storage.StateTx) error { return tx.SaveState("statement_day", "2026-11-20") })
	if err != nil {
		t.Fatal(err)
	}
	late := now
	for i, want := range []int{0, 1} {
		now = time.Date(2026, 11, 21, 9, i, 0, 0, zone)
		if n, err := s.State(t.Context(), storage.Days{Zone: zone, Most: 31}); err != nil || n != want {
			t.Fatalf("%d statements, %v, want %d", n, err, want)
		}
		now = late
		sell(t, s, contract.TypeSale, 1)
	}
	if got := statements(t, s); len(got) != 1 || got[0].Sales != 4 || got[0].AmountFen != 31 {
		t.Errorf("%+v", got)
	}
}
