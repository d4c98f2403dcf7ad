//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/postgres/pgtest"
	"tally/sync/contract"
)

// TestWhatIsTheContentsFaultIsSaidToBe: a figure that no column takes will not be taken the next time either; a server that
// is gone may be back.
func TestWhatIsTheContentsFaultIsSaidToBe(t *testing.T) {
	c := pgtest.Start(t, pgtest.Careless...)
	s := open(t, c.Database())
	b := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(2, 1, 1).Batch(t, 1, 2)
	for i := range b.Items { // what verifying would have found
		sale := *b.Items[i].Fact.(*contract.Sale)
		sale.Period, sale.VolumeL = "2026-01-01", 1<<62+1<<61
		b.Items[i].Fact = &sale
	}
	if _, err := s.Commit(t.Context(), []central.Batch{b}, centraltest.Start); !errors.Is(err, central.ErrContent) {
		t.Errorf("a sum above 2^63: %v", err)
	}
	c.Kill()
	if _, err := s.Commit(t.Context(), []central.Batch{b}, centraltest.Start); err == nil || errors.Is(err, central.ErrContent) {
		t.Errorf("no server: %v", err)
	}
}

// TestALockWaitsInLine: whoever changes what nodes are told waits for the count of changes first and holds nothing that
// somebody in front could need; two transactions would wait for each other.
func TestALockWaitsInLine(t *testing.T) {
	s := open(t, pgtest.Start(t, pgtest.Careless...).Database())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // of a busy machine
	defer cancel()
	tx, err := s.DB().BeginTx(ctx, nil) // an ingest that has counted a change and comes to the same lock next
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "UPDATE change_count SET n = n + 1 WHERE one = 1"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Lock(ctx, "0001", "leak", "zhao", centraltest.Start) }()
	waiting := 0
	for waiting == 0 && ctx.Err() == nil {
		err := s.DB().QueryRowContext(ctx, "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sale_lock (account, at, reason, by_whom, node, lifted, lifted_by, why)
		VALUES ('0001', $1, 'leak', 'zhao', 'n1', '', '', '') ON CONFLICT DO NOTHING`, centraltest.Start.UTC().Format("2006-01-02T15:04:05.000Z"))
	if err != nil {
		t.Errorf("behind the count: %v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
