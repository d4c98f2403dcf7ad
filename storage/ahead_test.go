package storage_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"tally/meter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// TestBatchesFollowEachOtherWhateverFails: bytes that were made ahead of a commit that failed are made again, so that
// the chain holds and every number is given once.
func TestBatchesFollowEachOtherWhateverFails(t *testing.T) {
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks(), SegmentBytes: 60 << 10})
	told := make([]int, 8)
	var wg sync.WaitGroup
	for g := range told {
		wg.Go(func() {
			for i := range 30 {
				if g == 0 && i%5 == 0 {
					faults.FailOnce(storage.OpSync, "readings", 0, errors.New("input/output error"))
				}
				batch := make([]storage.Value, 1+(g+i)%7)
				for k := range batch {
					r := reading(fmt.Sprintf("m%d-%d", g, k), int64(i))
					batch[k] = storage.Value{Reading: &r}
					if k == 3 {
						batch[k] = storage.Value{Failure: &meter.Failure{Meter: r.Meter, At: r.At, Code: "silent"}}
					}
				}
				if s.KeepAll(t.Context(), batch) == nil {
					told[g] += len(batch)
				}
			}
		})
	}
	wg.Wait()
	faults.Clear()
	keep(t, s, reading("last", 1))
	total := 1
	for _, n := range told {
		total += n
	}
	if st := state(s, contract.Rd); st.Next-1 != uint64(total) {
		t.Errorf("%d records, told were %d", st.Next-1, total)
	}
	if rep, err := s.Check(t.Context()); err != nil || !rep.OK() {
		t.Errorf("%s, %v", found(rep), err)
	}
}

func TestABatchIsAllOrNothing(t *testing.T) {
	s := storagetest.New(t)
	good, bad := reading("m1", 1), reading("", 2)
	for _, batch := range [][]storage.Value{{{Reading: &good}, {Reading: &bad}}, {{Reading: &good}, {}}} {
		if err := s.KeepAll(t.Context(), batch); err == nil || state(s, contract.Rd).Next != 1 {
			t.Errorf("%v, %+v", err, state(s, contract.Rd))
		}
	}
	huge := reading("m1", 1)
	for range 400 {
		huge.Values = append(huge.Values, meter.Value{Name: "volume at the end of a rather long month", Unit: "m3"})
	}
	if err := s.KeepAll(t.Context(), []storage.Value{{Reading: &good}, {Reading: &huge}}); err == nil || state(s, contract.Rd).Next != 1 {
		t.Errorf("too large: %v, %+v", err, state(s, contract.Rd))
	}
	if err := s.KeepAll(t.Context(), nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}
