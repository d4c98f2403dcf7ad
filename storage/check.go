package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// Report is what Check found.
type Report struct {
	Files    int                        // files looked at
	Records  map[contract.Stream]uint64 // records verified
	Findings []Finding                  // empty when all is well
}

// Finding is one thing that is wrong.
type Finding struct {
	File string
	Text string
}

// OK reports whether nothing was found.
func (r Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) add(path string, err error) {
	if err != nil {
		r.Findings = append(r.Findings, Finding{File: filepath.Base(path), Text: err.Error()})
	}
}

// Check verifies every page of every file, every chain of records, that no number is missing, that the indices say what
// the entries say, and that the money adds up. Sales wait only while the ledger is looked at, readings while their newest
// segment is. The error is for a check that could not be ended.
func (s *Store) Check(ctx context.Context) (Report, error) {
	rep := Report{Records: make(map[contract.Stream]uint64)}
	w := segmentWalk{rep: &rep, epoch: s.epoch}
	unpin := s.readings.pin(&w)
	defer unpin()
	err := s.commits.exclusive(ctx, func() error {
		rep.Files++
		rep.add(s.ledger.path, s.ledger.view(func(tx *bbolt.Tx) error { return checkLedger(tx, &rep) }))
		return nil
	})
	if err != nil {
		return rep, err
	}
	return rep, s.readings.check(ctx, &w)
}

func checkLedger(tx *bbolt.Tx, rep *Report) error {
	if err := checkPages(tx); err != nil {
		return err
	}
	for _, name := range []contract.Stream{contract.Tx, contract.Ev} {
		st, err := loadState(tx, name)
		if err != nil {
			return err
		}
		if st.First > st.Acked+1 || st.Acked >= st.Next {
			return fmt.Errorf("stream %s: first %d, acknowledged %d, next %d do not fit", name, st.First, st.Acked, st.Next)
		}
		head, err := walkChain(tx.Bucket(bucketOf(name)), st.First, st.Next, "")
		if err != nil {
			return fmt.Errorf("stream %s: %w", name, err)
		}
		if st.Next > st.First && head != st.Head {
			return fmt.Errorf("stream %s: last record is not the one that was noted", name)
		}
		rep.Records[name] = st.Next - st.First
	}
	return errors.Join(checkHeads(tx), checkIndices(tx), checkSums(tx))
}

// checkPages walks every page in this goroutine, where a fault can be caught, and only then lets bbolt check the tree.
func checkPages(tx *bbolt.Tx) error {
	if err := touch(tx); err != nil {
		return err
	}
	var all []error
	for err := range tx.Check() {
		if len(all) < 10 {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// touch reads every byte of every key and value.
func touch(tx *bbolt.Tx) error {
	var sum byte
	seen := 0
	err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if seen++; seen%forgetEveryRecords == 0 {
				forget(tx)
			}
			for _, x := range k {
				sum += x
			}
			for _, x := range v {
				sum += x
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("walk pages (%d): %w", sum, err)
	}
	return nil
}

// pin keeps segments from being deleted for being acknowledged, and notes where the records that must be there begin.
func (r *readings) pin(w *segmentWalk) (unpin func()) {
	r.mu.Lock()
	w.next = r.acked + 1
	r.pinned = true
	r.mu.Unlock()
	return r.unpin
}

// check verifies the segments and how they follow each other.
func (r *readings) check(ctx context.Context, w *segmentWalk) error {
	for after, more := uint64(0), true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if w.lost, err = r.lost(); err != nil {
			return err
		}
		seg, newest := r.behind(after)
		if seg == nil {
			return nil
		}
		if !newest {
			w.see(seg.path, nil) // not the open file: that may be closed in favour of another at any time
			after = seg.first
			continue
		}
		err = r.commits.exclusive(ctx, func() error {
			if seg, newest = r.behind(after); newest { // it may have been followed by another meanwhile
				w.see(seg.path, seg.file)
				more = false
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// behind is the first segment that begins above a number, and whether it is the one that is written to.
func (r *readings) behind(first uint64) (seg *segment, newest bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i, g := range r.segs {
		if g.first > first {
			return g, i == len(r.segs)-1
		}
	}
	return nil, false
}

func (r *readings) unpin() {
	r.mu.Lock()
	r.pinned = false
	r.mu.Unlock()
	r.drop()
}

func (r *readings) lost() (gaps [][2]uint64, err error) {
	err = r.s.ledger.view(func(tx *bbolt.Tx) error {
		st, err := loadState(tx, contract.Rd)
		gaps = st.Lost
		return err
	})
	return gaps, err
}
