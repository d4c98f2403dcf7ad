package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tally/sync/contract"
)

// pruneStep is how many records one commit deletes, so that a sale never waits long behind it.
const pruneStep = 500

// Prune deletes acknowledged records of tx and ev that happened before before, and acknowledged segments of readings that
// were kept long enough. What the centre has not committed is never deleted. It returns how many records of tx and ev it
// deleted. It is to be called once a day.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	s.readings.drop()
	total := 0
	for _, stream := range []contract.Stream{contract.Tx, contract.Ev} {
		for {
			n := 0
			err := s.update(ctx, func(w *writeTx) (err error) {
				n, err = w.prune(stream, before)
				return err
			})
			if err != nil {
				return total, err
			}
			total += n
			if n < pruneStep {
				break
			}
		}
	}
	return total, nil
}

func (w *writeTx) prune(stream contract.Stream, before time.Time) (int, error) {
	st, err := w.stream(stream)
	if err != nil {
		return 0, err
	}
	keys, err := w.prunable(stream, st.Acked, before)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	for _, k := range keys {
		if err := w.delete(bucketOf(stream), k); err != nil {
			return 0, err
		}
	}
	st.First = asU64(keys[len(keys)-1]) + 1
	w.setStream(stream, st)
	return len(keys), nil
}

// prunable collects keys before any is deleted: bbolt's cursor may skip one while deleting.
func (w *writeTx) prunable(stream contract.Stream, acked uint64, before time.Time) ([][]byte, error) {
	var keys [][]byte
	c := w.tx.Bucket(bucketOf(stream)).Cursor()
	for k, v := c.First(); k != nil && asU64(k) <= acked && len(keys) < pruneStep; k, v = c.Next() {
		var rec contract.Record
		if err := json.Unmarshal(v, &rec); err != nil {
			return nil, fmt.Errorf("decode %s %d: %w: %w", stream, asU64(k), err, ErrDamaged)
		}
		if !rec.At.Before(before) {
			break
		}
		keys = append(keys, bytes.Clone(k))
	}
	return keys, nil
}
