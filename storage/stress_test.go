package storage_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// TestEverythingAtOnce runs all that a node does at the same time, for the race detector: sales, readings over many
// segments, an outbox that reads and acknowledges, pages that ask, a check, a backup.
func TestEverythingAtOnce(t *testing.T) {
	s := storagetest.Open(t, t.TempDir(), storage.Options{SegmentBytes: 40 << 10})
	const sales, readings = 60, 400
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range sales / 4 {
				update(t, s, saleWithReceipt(w*sales+i))
			}
		})
		wg.Go(func() {
			for i := range readings / 4 {
				keep(t, s, reading(fmt.Sprintf("m%d", w), int64(i)))
			}
		})
	}
	got := make(map[contract.Stream]uint64)
	var mu sync.Mutex
	for stream, total := range map[contract.Stream]uint64{contract.Tx: sales, contract.Rd: readings} {
		wg.Go(func() {
			n := deliver(t, s, stream, total)
			mu.Lock()
			defer mu.Unlock()
			got[stream] = n
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	asking.Go(func() { ask(t, ctx, s) })
	wg.Wait()
	stop()
	asking.Wait()
	if diff := cmp.Diff(map[contract.Stream]uint64{contract.Tx: sales, contract.Rd: readings}, got); diff != "" {
		t.Error(diff)
	}
}

// deliver plays the outbox until total records are acknowledged.
func deliver(t *testing.T, s *storage.Store, stream contract.Stream, total uint64) uint64 {
	q := s.Queue(stream)
	next := uint64(1)
	for next <= total {
		<-q.Grown(next - 1)
		recs, err := q.Read(t.Context(), next, 50, 32<<10)
		if err != nil || len(recs) == 0 {
			t.Errorf("read %s from %d: %d records, %v", stream, next, len(recs), err)
			return next - 1
		}
		for _, r := range recs {
			if r.Seq != next {
				t.Errorf("%s %d where %d was expected", stream, r.Seq, next)
				return next - 1
			}
			next++
		}
		if err := q.Ack(t.Context(), contract.Ack{Epoch: s.Epoch(), Ack: next - 1}); err != nil {
			t.Error(err)
		}
	}
	return q.State().Acked
}

// ask plays pages and upkeep.
func ask(t *testing.T, ctx context.Context, s *storage.Store) {
	for i := 0; ctx.Err() == nil; i++ {
		s.Latest()
		_, err := s.Usage()
		err = errors.Join(err, s.Room(t.Context()), s.View(t.Context(), func(tx counter.Tx) error { _, err := tx.OpenOrders(); return err }))
		if err != nil {
			t.Error(err)
		}
		if i%20 != 0 {
			continue
		}
		rep, err := s.Check(t.Context())
		if err != nil || !rep.OK() {
			t.Error(found(rep), err)
		}
		if _, err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "b")); err != nil {
			t.Error(err)
		}
	}
}

// TestNewestValuesAreWrittenDownNowAndThen: with a snapshot in between, after it, and with a failed commit in which one
// was due.
func TestNewestValuesAreWrittenDownNowAndThen(t *testing.T) {
	dir := t.TempDir()
	opts := storage.WithSnapshotEvery(storage.Options{}, 10)
	for n := 1; n <= 47; n += 9 {
		faults := storagetest.NewFaults()
		opts.Hooks = faults.Hooks()
		s := storagetest.Open(t, dir, opts)
		for i := n; i < n+9; i++ {
			faults.FailOnce(storage.OpSync, "readings", 0, errors.New("broken"))
			if err := s.Keep(t.Context(), reading("failed", int64(i))); err == nil {
				t.Fatal("kept on a broken disk")
			}
			keep(t, s, reading(fmt.Sprintf("m%d", i%7), int64(i)))
		}
		want := s.Latest()
		storagetest.CheckAndClose(t, s)
		s = storagetest.Open(t, dir, opts)
		if diff := cmp.Diff(want, s.Latest()); diff != "" {
			t.Errorf("after %d: %s", n+8, diff)
		}
		for _, l := range s.Latest() {
			if l.Meter == "failed" {
				t.Error("a reading that was not stored is shown")
			}
		}
		storagetest.CheckAndClose(t, s)
	}
}

func TestDefaultsFillARecord(t *testing.T) {
	for now, quality := range map[time.Time]string{noon: "ok", time.Unix(0, 0): "unsure"} {
		s := storagetest.Open(t, t.TempDir(), storage.Options{Now: func() time.Time { return now }})
		emit(t, s, draft(contract.Tx, 1))
		var rec contract.Record
		decode(t, read(t, s, contract.Tx, 1)[0].Raw, &rec)
		if rec.Clock != quality || rec.Boot == "" || rec.Mono <= 0 || !rec.At.Equal(now) {
			t.Errorf("at %v: %+v", now, rec)
		}
	}
}

func TestAHostileCentreCannotFillTheLedger(t *testing.T) {
	s := storagetest.New(t)
	emit(t, s, draft(contract.Tx, 1))
	long := strings.Repeat("字", 10000)
	nack := contract.Ack{Epoch: s.Epoch(), Ack: 1, Nacks: []contract.Nack{{Seq: 1, Code: long, Text: long}}}
	for range 3 {
		if err := s.Queue(contract.Tx).Ack(t.Context(), nack); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err := s.Quarantine(t.Context(), func(r contract.RecordRefused) bool {
		n++
		if len(r.Code) > 64 || len(r.Text) > 256 || strings.ContainsRune(r.Text, '\uFFFD') {
			t.Errorf("kept %d and %d bytes", len(r.Code), len(r.Text))
		}
		return true
	})
	if err != nil || n != 1 || len(read(t, s, contract.Ev, 1)) != 1 {
		t.Errorf("%d kept, %v", n, err)
	}
}
