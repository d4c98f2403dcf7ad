package storage

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// walkChain verifies that the records of a bucket have every number from first to next−1 and that each carries the hash
// of the one before; prev is that of the record before the first, unknown when it is empty and first is above 1. It
// returns the hash of the last record.
func walkChain(b *bbolt.Bucket, first, next uint64, prev string) (string, error) {
	want := first
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if seq := asU64(k); seq != want {
			return "", fmt.Errorf("record %d is missing, %d follows: %w", want, seq, ErrDamaged)
		}
		var rec contract.Record
		if err := json.Unmarshal(v, &rec); err != nil || rec.Seq != want {
			return "", fmt.Errorf("record %d is not what was stored: %w", want, ErrDamaged)
		}
		if unknown := want == first && prev == ""; rec.Prev != prev && !(unknown && want > 1) {
			return "", fmt.Errorf("record %d does not follow from the one before: %w", want, ErrDamaged)
		}
		prev = hashOf(v)
		want++
	}
	if want != next {
		return "", fmt.Errorf("records from %d to %d are missing: %w", want, next-1, ErrDamaged)
	}
	return prev, nil
}

// walkSegment verifies the chain within a segment.
func walkSegment(tx *bbolt.Tx, st streamState) error {
	start, err := loadStart(tx)
	if err != nil {
		return err
	}
	head, err := walkChain(tx.Bucket(bRd), start.Next, st.Next, start.Head)
	if err != nil {
		return err
	}
	if head != st.Head {
		return fmt.Errorf("last record %d is not what was stored: %w", st.Next-1, ErrDamaged)
	}
	return nil
}

// loadStart returns the state with which a segment was begun.
func loadStart(tx *bbolt.Tx) (streamState, error) {
	var start streamState
	if err := json.Unmarshal(tx.Bucket(bStreams).Get(kStart), &start); err != nil {
		return start, fmt.Errorf("decode start of segment: %w: %w", err, ErrDamaged)
	}
	return start, nil
}
