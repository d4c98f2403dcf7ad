package sqlstore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/central/sqlstore"
	"tally/sync/contract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB) *sqlstore.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "central.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// plan is how the database would go about a statement.
func plan(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	args := make([]any, strings.Count(query, "?"))
	for i := range args {
		args[i] = ""
	}
	rows, err := db.Query("EXPLAIN QUERY PLAN "+query, args[:mostArgs(query)]...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		all = append(all, detail)
	}
	return strings.Join(all, "\n")
}

var numbered = regexp.MustCompile(`\?(\d+)`)

func mostArgs(query string) int {
	most := 0
	for _, m := range numbered.FindAllStringSubmatch(query, -1) {
		n := 0
		for _, c := range m[1] {
			n = 10*n + int(c-'0')
		}
		most = max(most, n)
	}
	if most == 0 {
		return strings.Count(query, "?")
	}
	return most
}

// grows are the tables that have millions of rows after some years, by the names that statements give them.
var grows = regexp.MustCompile(`SCAN (record|reading|sale|r|s)\b|SEARCH (record|r) .*\(node=\?\)`)

// TestNothingReadsAllThatWasEverStored: no statement of the work of every day goes through a table that only grows.
func TestNothingReadsAllThatWasEverStored(t *testing.T) {
	s := open(t)
	seen := map[string]bool{}
	s.Trace(func(query string) { seen[query] = true })
	tx := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(5, 10, 3)
	rd := centraltest.NewFeed("n1", "e1", contract.Rd).Readings(10)
	for _, batches := range [][]central.Batch{{tx.Batch(t, 1, 2), rd.Batch(t, 1, 5)}, {tx.Batch(t, 4, 1), rd.Batch(t, 7, 2)}, {tx.Batch(t, 1, 5), rd.Batch(t, 4, 4)}} {
		if _, err := s.Commit(t.Context(), batches, centraltest.Start); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Reconcile(t.Context(), central.Query{Day: "2026-11-21"}); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveStatus(t.Context(), "n1", contract.Status{V: 1, Online: true, Epoch: "e1", Streams: map[contract.Stream]contract.StreamStatus{"tx": {Acked: 9}}}, centraltest.Start); err != nil {
		t.Fatal(err)
	}
	if err := s.Compose(t.Context(), "n1", centraltest.Signer{}, centraltest.Start, time.Hour); err != nil {
		t.Fatal(err)
	}
	if gaps, err := s.AskAgain(t.Context(), centraltest.Signer{}, centraltest.Start); err != nil || len(gaps) != 1 {
		t.Fatal(gaps, err)
	}
	s.Trace(nil)
	if len(seen) < 20 {
		t.Fatalf("only %d statements were seen", len(seen))
	}
	for query := range seen {
		if p := plan(t, s.DB(), query); grows.MatchString(p) {
			t.Errorf("%s\n%s", query, p)
		}
	}
}

// TestReportsHoldNobodyUp: what only reads does not wait for who writes, and keeps nobody from writing.
func TestReportsHoldNobodyUp(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tx, err := s.DB().BeginTx(ctx, nil) // has the one right to write
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := s.Reconcile(ctx, central.Query{Day: "2026-11-21"}); err != nil {
		t.Error(err)
	}
	if _, err := s.Prices(ctx); err != nil {
		t.Error(err)
	}
}

// TestReadingsOfBeforeAreCounted: a database of the layout before counts what it holds when it is opened.
func TestReadingsOfBeforeAreCounted(t *testing.T) {
	s := open(t)
	rd := centraltest.NewFeed("n1", "e1", contract.Rd).Readings(10)
	rd.Append(contract.TypeReading, "m1", time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC), contract.Reading{Meter: "m1"})
	rd.Append(contract.TypeReading, "m1", time.Date(2026, 11, 20, 15, 59, 59, 0, time.UTC), contract.Reading{Meter: "m1"})
	rd.Append(contract.TypeReading, "m1", time.Date(2026, 11, 21, 16, 0, 0, 0, time.UTC), contract.Reading{Meter: "m1"})
	if _, err := s.Commit(t.Context(), []central.Batch{rd.Batch(t, 1, 6), rd.Batch(t, 7, 7)}, centraltest.Start); err != nil {
		t.Fatal(err)
	}
	counted := func(s *sqlstore.Store) (n int64) {
		r, err := s.Reconcile(t.Context(), central.Query{Day: "2026-11-21"})
		if err != nil || len(r.Accounts) != 1 {
			t.Fatal(r, err)
		}
		return r.Accounts[0].Readings
	}
	if n := counted(s); n != 11 {
		t.Errorf("%d readings on the business day, want 11", n)
	}
	for _, q := range []string{"DROP TABLE reading_count", "DROP INDEX record_break", "DROP INDEX sale_node_at", "DROP INDEX sale_when", sqlstore.ReportLayout} {
		if _, err := s.DB().Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if n := counted(s); n != 11 {
		t.Errorf("%d readings after the migration, want 11", n)
	}
}
