//go:build unix

package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/postgres/pgtest"
	"tally/sync/contract"
)

// BenchmarkIngest commits readings of 8 nodes, 20 envelopes of 190 in a transaction, with 1, 2 and 4 instances on one
// database:
//
//	go test ./sync/central/postgres -run '^$' -bench Ingest -benchtime 1x
func BenchmarkIngest(b *testing.B) {
	const nodes, envelopes, each = 8, 20, 190
	c := pgtest.Start(b)
	for _, instances := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("%d", instances), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				where := c.Database()
				var batches [nodes][]central.Batch
				for n := range batches {
					f := centraltest.NewFeed(fmt.Sprintf("n%d", n), "e1", contract.Rd).Readings(envelopes * each)
					for e := range envelopes {
						batches[n] = append(batches[n], f.Batch(b, uint64(e*each+1), each))
					}
				}
				b.StartTimer()
				began := time.Now()
				var wg sync.WaitGroup
				for i := range instances {
					s := open(b, where)
					wg.Go(func() {
						for n := i; n < nodes; n += instances {
							if _, err := s.Commit(b.Context(), batches[n], centraltest.Start); err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(nodes*envelopes*each/time.Since(began).Seconds(), "rec/s")
			}
		})
	}
}
