package storage

import (
	"fmt"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// segmentWalk verifies segments one after the other.
type segmentWalk struct {
	rep   *Report
	epoch string      // of the ledger; empty when it could not be read
	lost  [][2]uint64 // numbers that were reported as gone
	next  uint64      // the number that has to come, 0 when nobody knows
	head  string      // hash of the record before next, empty when it is not known
}

// see verifies the segment at path; file is set when it is open already.
func (w *segmentWalk) see(path string, file *boltFile) {
	w.rep.Files++
	first, _ := firstOf(path)
	st, err := w.verify(path, first, file)
	w.rep.add(path, err)
	w.next, w.head = max(st.Next, w.next), st.Head
	if st.Next > first {
		w.rep.Records[contract.Rd] += st.Next - first
	}
}

func (w *segmentWalk) verify(path string, first uint64, file *boltFile) (st streamState, err error) {
	if w.next > 0 && first > w.next && len(subtract([][2]uint64{{w.next, first - 1}}, w.lost)) > 0 {
		return st, fmt.Errorf("records %d to %d are missing and not reported as lost", w.next, first-1)
	}
	if file == nil {
		if err := inspect(path, true); err != nil {
			return st, err
		}
		if file, err = openBolt(path, Hooks{}, true); err != nil {
			return st, err
		}
		defer file.close()
	}
	err = file.view(func(tx *bbolt.Tx) (err error) {
		if err := checkPages(tx); err != nil {
			return err
		}
		if st, err = checkSegment(tx, first, w.epoch); err != nil {
			return err
		}
		if err := followsFrom(tx, first == w.next, w.head); err != nil {
			return err
		}
		return walkSegment(tx, st)
	})
	return st, err
}

func followsFrom(tx *bbolt.Tx, adjacent bool, prev string) error {
	start, err := loadStart(tx)
	if err != nil {
		return err
	}
	if adjacent && prev != "" && start.Head != prev {
		return fmt.Errorf("segment does not follow from the one before: %w", ErrDamaged)
	}
	return nil
}
