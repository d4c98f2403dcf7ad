package sqlstore_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"tally/sync/central/centraltest"
	"tally/sync/central/sqlstore"
)

// utility fills s with a utility of a hundred halls in five regions and so many concentrators, and an hour of trade since
// their desired states were made.
func utility(t testing.TB, s *sqlstore.Store, concentrators, trades int) {
	t.Helper()
	tx, err := s.DB().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := tx.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	made := "2026-11-21T06:00:00.000Z"
	for i := range 100 + concentrators {
		name, region := fmt.Sprintf("hall-%03d", i), 1+i%5
		if i >= 100 {
			name, region = fmt.Sprintf("node-%04d", i), 0
		}
		exec("INSERT INTO node (node, online, session, boot, version, epoch, at, received, region, cfg) VALUES (?, 1, 's', 'b', 'v', 'e', '', '', ?, 0)", name, region)
		exec(`INSERT INTO desired (node, version, issued, made_of, upto, more, digest, payload, published, published_at, holder, held_until)
			VALUES (?, 5, ?, 1000, 0, 0, '', '', 5, ?, '', '')`, name, made, made)
	}
	for i := range trades {
		account := fmt.Sprintf("%08d", i)
		exec("INSERT INTO account_state (account, region, meter, meter_at, cardless, cardless_at) VALUES (?, ?, '', '', 0, '')", account, 1+i%5)
		exec("INSERT INTO account_touch (account, node, n) VALUES (?, ?, ?)", account, fmt.Sprintf("hall-%03d", i%100), 1001+i)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// TestNodesThatNobodyConcernsCostNothing: the question which nodes are outdated is asked every few seconds. It does not go
// through all changes for each node that has nothing to do with any of them.
func TestNodesThatNobodyConcernsCostNothing(t *testing.T) {
	s := open(t)
	utility(t, s, 200, 100)
	var query string
	s.Trace(func(q string) { query = q })
	out, err := s.Outdated(t.Context(), centraltest.Start.Add(time.Minute), time.Hour)
	if err != nil || len(out) != 100 || slices.ContainsFunc(out, func(n string) bool { return n[:4] != "hall" }) {
		t.Errorf("%d outdated, %v", len(out), err)
	}
	if p := plan(t, s.DB(), query); forEach.MatchString(p) {
		t.Errorf("for each node:\n%s", p)
	}
}

// forEach is what a plan says of a part that goes through changes of accounts for each node.
var forEach = regexp.MustCompile(`CORRELATED SCALAR SUBQUERY \d+\n(SEARCH|SCAN) [ta] `)

// BenchmarkOutdated: 100 halls, 900 concentrators, 30 000 trades in the hour.
func BenchmarkOutdated(b *testing.B) {
	s := open(b)
	utility(b, s, 900, 30_000)
	for b.Loop() {
		if out, err := s.Outdated(b.Context(), centraltest.Start.Add(time.Minute), time.Hour); err != nil || len(out) != 100 {
			b.Fatal(len(out), err)
		}
	}
}
