package storage_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// BenchmarkUpdate measures a sale's transaction (account, order, receipt, record) with 1 and 8 concurrent writers, and
// the syncs that one takes.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := storagetest.Open(b, b.TempDir(), storage.Options{})
			spread(b, writers, func(i int) error { return s.Update(b.Context(), saleWithReceipt(i)) })
		})
		b.Run(fmt.Sprintf("writers=%d/counted", writers), func(b *testing.B) {
			faults := storagetest.NewFaults()
			s := storagetest.Open(b, b.TempDir(), storage.Options{Hooks: faults.Hooks()})
			before := faults.Count(storage.OpSync)
			spread(b, writers, func(i int) error { return s.Update(b.Context(), saleWithReceipt(i)) })
			b.ReportMetric(float64(faults.Count(storage.OpSync)-before)/float64(b.N), "syncs/op")
		})
	}
}

func saleWithReceipt(i int) func(counter.Tx) error {
	return func(tx counter.Tx) error {
		if _, err := tx.NextReceipt("hall"); err != nil {
			return err
		}
		return sale(i)(tx)
	}
}

// spread runs f b.N times from several goroutines.
func spread(b *testing.B, writers int, f func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
}

// BenchmarkIngest compares durable readings in batches of 200 with bare bbolt writing the same bytes under the same keys
// in the same batches.
func BenchmarkIngest(b *testing.B) {
	const batch = 200
	b.Run("bare", func(b *testing.B) {
		db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bbolt.Options{PageSize: 4096, FreelistType: bbolt.FreelistMapType, InitialMmapSize: 64 << 20, NoStatistics: true})
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		raw := oneReading(b)
		b.ResetTimer()
		for n := range b.N {
			err := db.Update(func(tx *bbolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists([]byte("rd"))
				for i := 0; err == nil && i < batch; i++ {
					bucket.FillPercent = 1
					err = bucket.Put(fmt.Appendf(nil, "%016d", n*batch+i), raw)
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
	})
	b.Run("store", func(b *testing.B) {
		s := storagetest.Open(b, b.TempDir(), storage.Options{LingerRecords: batch, Linger: 1e9})
		var wg sync.WaitGroup
		b.ResetTimer()
		for n := range b.N {
			for i := range batch {
				wg.Go(func() { keep(b, s, reading(fmt.Sprintf("m%04d", i), int64(n))) })
			}
			wg.Wait()
		}
		b.StopTimer()
		b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
	})
}

func oneReading(b *testing.B) []byte {
	b.Helper()
	s := storagetest.New(b)
	keep(b, s, reading("m0001", 1))
	raw, err := json.Marshal(read(b, s, contract.Rd, 1)[0].Raw)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}
