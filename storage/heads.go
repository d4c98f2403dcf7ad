package storage

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/storage/audit"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Head returns the end of a stream's chain; its Code goes on receipts and reports.
func (s *Store) Head(ctx context.Context, stream contract.Stream) (h audit.Head, err error) {
	if err := ctx.Err(); err != nil {
		return h, err
	}
	file := s.ledger
	if stream == contract.Rd {
		s.readings.mu.RLock()
		file = s.readings.segs[len(s.readings.segs)-1].file
		s.readings.mu.RUnlock()
	}
	err = file.view(func(tx *bbolt.Tx) error {
		st, err := loadState(tx, stream)
		h = headOf(st)
		return err
	})
	return h, err
}

func headOf(st streamState) audit.Head { return audit.Head{Seq: st.Next - 1, Hash: st.Head} }

// SignHeads signs the ends of all chains with key, see Store.Key, and emits them on ev, in one transaction with
// finding them out. It is to be called at every close of a till and once a day.
func (s *Store) SignHeads(ctx context.Context, key crypto.Signer) error {
	rd, err := s.Head(ctx, contract.Rd)
	if err != nil {
		return err
	}
	return s.update(ctx, func(w *writeTx) error {
		heads := map[contract.Stream]audit.Head{contract.Rd: rd}
		for _, name := range []contract.Stream{contract.Tx, contract.Ev} {
			st, err := w.stream(name)
			if err != nil {
				return err
			}
			heads[name] = headOf(st)
		}
		body, err := audit.Sign(key, s.opts.Node, s.epoch, heads)
		if err != nil {
			return err
		}
		id := fmt.Sprintf("heads/%d", heads[contract.Ev].Seq+1)
		return w.emit(s.opts.stamper(), outbox.Draft{Stream: contract.Ev, Type: audit.TypeHeads, ID: id, Body: body})
	})
}

// checkHeads compares the signed heads on ev with the records that they speak of, as far as these are still kept: a chain
// that was written anew as a whole follows from itself, but not from what was signed.
func checkHeads(tx *bbolt.Tx) error {
	return tx.Bucket(bEv).ForEach(func(k, v []byte) error {
		var rec contract.Record
		if err := json.Unmarshal(v, &rec); err != nil || rec.Type != audit.TypeHeads {
			return err
		}
		var signed audit.Heads
		if err := json.Unmarshal(rec.Body, &signed); err != nil {
			return fmt.Errorf("decode signed heads %d: %w: %w", asU64(k), err, ErrDamaged)
		}
		for _, name := range []contract.Stream{contract.Tx, contract.Ev} {
			h := signed.Heads[name]
			if raw := tx.Bucket(bucketOf(name)).Get(u64(h.Seq)); raw != nil && hashOf(raw) != h.Hash {
				return fmt.Errorf("record %s %d is not the one that was signed: %w", name, h.Seq, ErrDamaged)
			}
		}
		return nil
	})
}
