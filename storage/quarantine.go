package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// quarantine keeps copies and raises an alarm for each. A refused alarm raises none, or a centre that refuses alarms
// would get them for ever.
func (s *Store) quarantine(w *writeTx, stream contract.Stream, list []contract.RecordRefused) error {
	for _, r := range list {
		if err := w.putJSON(bQuarantine, quarantineKey(stream, r.Seq), r); err != nil {
			return err
		}
		if stream == contract.Ev {
			continue
		}
		r.Record = nil
		id := fmt.Sprintf("%s/%d", stream, r.Seq)
		if err := w.emit(s.opts.stamper(), outbox.Draft{Stream: contract.Ev, Type: contract.TypeRecordRefused, ID: id, Body: r}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) inQuarantine(stream contract.Stream, seq uint64) (known bool, err error) {
	err = s.ledger.view(func(tx *bbolt.Tx) error {
		known = tx.Bucket(bQuarantine).Get(quarantineKey(stream, seq)) != nil
		return nil
	})
	return known, err
}

// Quarantine visits the records that the centre refused, by stream and number, until f returns false.
func (s *Store) Quarantine(ctx context.Context, f func(contract.RecordRefused) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.ledger.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bQuarantine).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			var r contract.RecordRefused
			if err := json.Unmarshal(v, &r); err != nil {
				return fmt.Errorf("decode quarantine: %w: %w", err, ErrDamaged)
			}
			if !f(r) {
				return nil
			}
		}
		return nil
	})
}

// clip shortens a text from outside, without cutting a letter.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
