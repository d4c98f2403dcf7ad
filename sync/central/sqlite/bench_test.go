package sqlite_test

import (
	"path/filepath"
	"testing"

	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/central/sqlstore"
)

// BenchmarkIngest commits readings of 8 nodes; see centraltest.Ingest. A file has one writer, so there is one instance:
//
//	go test ./sync/central/sqlite -run '^$' -bench Ingest -benchtime 3x
func BenchmarkIngest(b *testing.B) {
	centraltest.Ingest(b, 1, func() func() *sqlstore.Store {
		path := filepath.Join(b.TempDir(), "central.db")
		return func() *sqlstore.Store {
			s, err := sqlite.Open(b.Context(), path)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.Close() })
			return s
		}
	}, false)
}
