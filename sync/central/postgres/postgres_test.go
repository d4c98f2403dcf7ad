//go:build unix

package postgres_test

import (
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/postgres"
	"tally/sync/central/postgres/pgtest"
	"tally/sync/central/sqlstore"
	"tally/sync/contract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, where string) *sqlstore.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), where, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestPostgresStore(t *testing.T) {
	c := pgtest.Start(t, pgtest.Careless...)
	centraltest.RunStore(t, func(t *testing.T) centraltest.Subject {
		s := open(t, c.Database())
		return centraltest.Subject{Store: s, DB: s.DB()}
	})
}

func TestSeveralInstancesDoubleNothing(t *testing.T) {
	where := pgtest.Start(t).Database()
	feeds := []*centraltest.Feed{
		centraltest.NewFeed("n1", "e1", contract.Tx).Sales(200, 10, 3), centraltest.NewFeed("n2", "e1", contract.Tx).Sales(200, 10, 3),
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), where, nil) // all of them migrate
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for from := uint64(1); from <= 200; from += 10 {
				a, b := feeds[i%2].Batch(t, from, 10), feeds[(i+1)%2].Batch(t, from, 10)
				if _, err := s.Commit(t.Context(), []central.Batch{a, b}, centraltest.Start); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for query, want := range map[string]int64{
		"SELECT COUNT(*) FROM sale": 400, "SELECT SUM(amount_fen) FROM sale": 1200, "SELECT SUM(acked) FROM stream_state": 400,
		"SELECT COUNT(*) FROM quarantine": 0, "SELECT COUNT(*) FROM record WHERE chained = 1": 400, "SELECT MAX(n) - COUNT(*) FROM version": 0,
	} {
		var got int64
		if err := open(t, where).DB().QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, want %d, %v", query, got, want, err)
		}
	}
}

// Promise 12: what was acknowledged is there after the server was killed.
func TestPromise12TheServerIsKilled(t *testing.T) {
	c := pgtest.Start(t)
	where := c.Database()
	s := open(t, where)
	f := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(1000, 10, 3)
	acked := uint64(0)
	for range 5 {
		for range 10 {
			r, err := s.Commit(t.Context(), []central.Batch{f.Batch(t, acked+1, 10)}, centraltest.Start)
			if err != nil {
				t.Fatal(err)
			}
			acked = r[0].Ack.Ack
		}
		c.Kill()
		if _, err := s.Commit(t.Context(), []central.Batch{f.Batch(t, acked+1, 1)}, centraltest.Start); err == nil {
			t.Error("stored without a server")
		}
		c.Up()
		for s.Ping(t.Context()) != nil { // the pool finds out by itself which connections are dead
		}
		var got uint64
		if err := s.DB().QueryRow("SELECT COUNT(*) FROM sale").Scan(&got); err != nil || got != acked {
			t.Errorf("%d of %d acknowledged sales are there, %v", got, acked, err)
		}
	}
}

func TestCommitsAreSynchronous(t *testing.T) {
	s := open(t, pgtest.Start(t, pgtest.Careless...).Database())
	var v string
	if err := s.DB().QueryRow("SHOW synchronous_commit").Scan(&v); err != nil || v != "on" {
		t.Error(v, err)
	}
}

func TestAddressesWithAPasswordAreRefusedAndNotRepeated(t *testing.T) {
	for _, where := range []string{
		"postgres://u:s3cret@127.0.0.1:1/db", "postgres://u@127.0.0.1:1/db?password=s3cret", "host=127.0.0.1 password=s3cret",
		"postgres://u:s3cret@[::1:1/db",
	} {
		_, err := postgres.Open(t.Context(), where, nil)
		if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "refused") {
			t.Errorf("%v", err)
		}
	}
}
