package storage

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"
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
		before, err := prevOf(v, want)
		if err != nil {
			return "", err
		}
		if unknown := want == first && prev == ""; before != prev && !(unknown && want > 1) {
			return "", fmt.Errorf("record %d does not follow from the one before: %w", want, ErrDamaged)
		}
		prev = hashOf(v)
		want++
		if want%forgetEveryRecords == 0 {
			forget(b.Tx())
		}
	}
	if want != next {
		return "", fmt.Errorf("records from %d to %d are missing: %w", want, next-1, ErrDamaged)
	}
	return prev, nil
}

// prevMark stands before the hash of the record before. It cannot be part of a text: quotes within one are escaped.
var prevMark = []byte(`,"prev":"`)

// prevOf reads what record seq says of the one before it. The bytes are ours and begin as they were written; a full
// decoding of each would be most of a start after a cut.
func prevOf(raw []byte, seq uint64) (string, error) {
	bad := fmt.Errorf("record %d is not what was stored: %w", seq, ErrDamaged)
	if sound(raw, seq) != nil {
		return "", bad
	}
	_, rest, ok := bytes.Cut(raw, prevMark)
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 || end != 0 && end != 64 || !bytes.HasPrefix(rest[end:], []byte(`","body":`)) {
		return "", bad
	}
	return string(rest[:end]), nil
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
