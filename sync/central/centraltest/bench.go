package centraltest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/central/sqlstore"
	"tally/sync/contract"
)

// What Ingest measures: nodes that deliver readings in full envelopes, so many of them in a transaction.
const (
	benchNodes     = 8
	benchEnvelopes = 40
	benchEach      = 190 // what fits the limit of an envelope
	benchTogether  = 10
)

// Ingest measures how many readings a second are verified and committed by some instances on one database, beside a bare
// insert of the same bytes into one table of the same database in the same run: rows of 190 in a statement, as many in a
// transaction, by as many connections, with nothing looked at.
func Ingest(b *testing.B, instances int, fresh func() (open func() *sqlstore.Store), dollar bool) {
	feeds := make([][]contract.Delivery, benchNodes)
	for n := range feeds {
		f := NewFeed(fmt.Sprintf("n%d", n), "e1", contract.Rd).Readings(benchEnvelopes * benchEach)
		for e := range benchEnvelopes {
			feeds[n] = append(feeds[n], f.Deliver(b, uint64(e*benchEach+1), benchEach))
		}
	}
	const records = benchNodes * benchEnvelopes * benchEach
	var ours, bare time.Duration
	for b.Loop() {
		open := fresh()
		stores := make([]*sqlstore.Store, instances)
		for i := range stores {
			stores[i] = open()
		}
		if _, err := stores[0].DB().Exec(strings.ReplaceAll("CREATE TABLE bare (node TEXT, epoch TEXT, stream TEXT, seq BIGINT, raw BLOB, PRIMARY KEY (node, epoch, stream, seq))",
			"BLOB", map[bool]string{true: "BYTEA", false: "BLOB"}[dollar])); err != nil {
			b.Fatal(err)
		}
		ours += share(b, feeds, stores, verifyAndCommit)
		bare += share(b, feeds, stores, func(b *testing.B, s *sqlstore.Store, d []contract.Delivery) { bareInsert(b, s.DB(), d, dollar) })
	}
	b.ReportMetric(float64(b.N)*records/ours.Seconds(), "rec/s")
	b.ReportMetric(float64(b.N)*records/bare.Seconds(), "bare_rec/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
}

// share gives every store its nodes, and tells how long it took.
func share(b *testing.B, feeds [][]contract.Delivery, stores []*sqlstore.Store, work func(*testing.B, *sqlstore.Store, []contract.Delivery)) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			for from := 0; from < benchEnvelopes; from += benchTogether {
				for n := i; n < len(feeds); n += len(stores) {
					work(b, s, feeds[n][from:from+benchTogether])
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

func verifyAndCommit(b *testing.B, s *sqlstore.Store, deliveries []contract.Delivery) {
	var batches []central.Batch
	for _, d := range deliveries {
		batch, bad := central.Verify(d)
		if bad != nil {
			b.Error(bad)
		}
		batches = append(batches, batch)
	}
	if _, err := s.Commit(context.Background(), batches, Start); err != nil {
		b.Error(err)
	}
}

func bareInsert(b *testing.B, db *sql.DB, deliveries []contract.Delivery, dollar bool) {
	tx, err := db.Begin()
	if err != nil {
		b.Error(err)
		return
	}
	defer tx.Rollback()
	for _, d := range deliveries {
		e, err := contract.Open(d.Payload)
		if err != nil {
			b.Error(err)
			return
		}
		var q strings.Builder
		var args []any
		for i, raw := range e.Records {
			if dollar {
				fmt.Fprintf(&q, ", ($%d, $%d, $%d, $%d, $%d)", len(args)+1, len(args)+2, len(args)+3, len(args)+4, len(args)+5)
			} else {
				q.WriteString(", (?, ?, ?, ?, ?)")
			}
			args = append(args, e.Node, e.Epoch, string(e.Stream), int64(e.Seq0)+int64(i), []byte(raw))
		}
		text := "INSERT INTO bare (node, epoch, stream, seq, raw) VALUES " + q.String()[2:]
		if _, err := tx.Exec(text, args...); err != nil {
			b.Error(err)
			return
		}
	}
	if err := tx.Commit(); err != nil {
		b.Error(err)
	}
}
