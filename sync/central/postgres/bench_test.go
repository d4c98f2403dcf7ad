//go:build unix

package postgres_test

import (
	"fmt"
	"testing"

	"tally/sync/central/centraltest"
	"tally/sync/central/postgres/pgtest"
	"tally/sync/central/sqlstore"
)

// BenchmarkIngest commits readings of 8 nodes with 1, 2 and 4 instances on one database; see centraltest.Ingest:
//
//	go test ./sync/central/postgres -run '^$' -bench Ingest -benchtime 3x
func BenchmarkIngest(b *testing.B) {
	c := pgtest.Start(b)
	for _, instances := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("%d", instances), func(b *testing.B) {
			centraltest.Ingest(b, instances, func() func() *sqlstore.Store {
				where := c.Database()
				return func() *sqlstore.Store { return open(b, where) }
			}, true)
		})
	}
}
