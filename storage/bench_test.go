package storage_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
// in the same batches. What is kept is made before the clock starts, for both.
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
					err = bucket.Put(binary.BigEndian.AppendUint64(nil, uint64(n*batch+i+1)), raw)
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
	})
	b.Run("store", func(b *testing.B) { // two at a time, as the bytes of one are made while the other is synced
		s := storagetest.Open(b, b.TempDir(), storage.Options{})
		spare := make(chan []storage.Value, 2)
		for range cap(spare) {
			spare <- manyReadings(batch)
		}
		spread(b, 2, func(n int) error {
			values := <-spare
			defer func() { spare <- values }()
			for _, v := range values {
				v.Reading.At = noon.Add(time.Duration(n) * time.Minute)
			}
			return s.KeepAll(b.Context(), values)
		})
		b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
	})
	b.Run("one-by-one", func(b *testing.B) {
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

// manyReadings are of as many meters.
func manyReadings(n int) []storage.Value {
	values := make([]storage.Value, n)
	for i := range values {
		r := reading(fmt.Sprintf("m%04d", i), 1)
		values[i].Reading = &r
	}
	return values
}

func oneReading(b *testing.B) []byte {
	b.Helper()
	s := storagetest.New(b)
	keep(b, s, reading("m0001", 1))
	keep(b, s, reading("m0002", 1)) // the first record has no hash to carry
	raw, err := json.Marshal(read(b, s, contract.Rd, 2)[0].Raw)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// BenchmarkFlash tells how many bytes are written to the disk for a reading in batches of 50.
func BenchmarkFlash(b *testing.B) {
	const batch = 50
	faults := storagetest.NewFaults()
	written := 0
	faults.Watch(func(o storage.Op) { written += len(o.Data) })
	s := storagetest.Open(b, b.TempDir(), storage.Options{Hooks: faults.Hooks(), LingerRecords: batch, Linger: 1e9})
	var wg sync.WaitGroup
	b.ResetTimer()
	for n := range b.N {
		for i := range batch {
			wg.Go(func() { keep(b, s, reading(fmt.Sprintf("m%04d", (n*batch+i)%2000), int64(n))) })
		}
		wg.Wait()
	}
	b.StopTimer()
	b.ReportMetric(float64(written)/float64(batch*b.N), "written-B/reading")
}

// BenchmarkBacklog builds up b.N times 1000 readings that nobody acknowledges and tells the size on disk of one, and how
// long a start takes after the power was cut.
func BenchmarkBacklog(b *testing.B) {
	const batch = 1000
	dir, cut := b.TempDir(), filepath.Join(b.TempDir(), "cut")
	s := storagetest.Open(b, dir, storage.Options{LingerRecords: batch, Linger: 1e9})
	var wg sync.WaitGroup
	b.ResetTimer()
	for n := range b.N {
		for i := range batch {
			wg.Go(func() { keep(b, s, reading(fmt.Sprintf("m%04d", (n*batch+i)%2000), int64(n))) })
		}
		wg.Wait()
	}
	b.StopTimer()
	if err := os.CopyFS(cut, os.DirFS(dir)); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	again, err := storage.Open(cut, storage.Options{Ballast: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "start-ms")
	defer again.Close()
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.HeapAlloc)/(1<<20), "heap-MiB")
	b.ReportMetric(float64(diskUse(b, dir))/float64(batch*b.N), "disk-B/reading")
}

// diskUse adds up the pages in use, not the room set aside for growth.
func diskUse(b *testing.B, dir string) (total int64) {
	b.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "readings", "*.db"))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range found {
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		total += info.Size()
	}
	return total
}
