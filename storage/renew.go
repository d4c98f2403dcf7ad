package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// receiptSkip is how many receipt numbers a restore leaves out at each station: those printed after the backup must not
// be given again, and nobody knows how many they were.
const receiptSkip = 10000

// bEpochs keeps the streams of earlier epochs: epoch → stream → seq → bytes of the record.
var bEpochs = []byte("epochs")

// renewLedger gives a restored ledger its new epoch, in one transaction. It returns the state of rd as it was.
func renewLedger(path string, m Manifest, opts Options) (was streamState, err error) {
	if err := inspect(path, true); err != nil {
		return was, err
	}
	f, err := openBolt(path, opts.Hooks, false)
	if err != nil {
		return was, err
	}
	epoch, err := randomID()
	if err != nil {
		return was, errors.Join(err, f.close())
	}
	err = f.update(func(tx *bbolt.Tx) error {
		if err := migrate("ledger.db", tx, opts.migrations); err != nil {
			return err
		}
		if old := string(tx.Bucket(bMeta).Get(kEpoch)); old != m.Epoch {
			return fmt.Errorf("ledger has epoch %.40q, manifest %.40q: %w", old, m.Epoch, ErrDamaged)
		}
		r := renewal{w: newWriteTx(tx), by: opts.stamper(), m: m}
		was, err = r.run(epoch)
		return err
	})
	return was, errors.Join(err, f.close())
}

// renewal renumbers a ledger. What it notes is exact for tx and ev. A range whose To is below its From is empty; of rd To
// is only an upper bound, and readings behind a lost range close up, so readings are told apart by their id, which stays.
type renewal struct {
	w  *writeTx
	by stamper
	m  Manifest
}

func (r *renewal) run(epoch string) (rd streamState, err error) {
	note := contract.LedgerRestored{OldEpoch: r.m.Epoch, BackupAt: r.m.At, Streams: make(map[contract.Stream]contract.Renumbered)}
	states := make(map[contract.Stream]streamState)
	for _, name := range contract.Streams {
		st, err := loadState(r.w.tx, name)
		if err != nil {
			return rd, err
		}
		states[name] = st
		note.Streams[name] = contract.Renumbered{From: st.Acked + 1, To: st.Next - 1, As: 1}
	}
	// The first number of ev is this note's own; of rd the ledger does not know the end.
	ev := note.Streams[contract.Ev]
	ev.As = 2
	note.Streams[contract.Ev] = ev
	note.Streams[contract.Rd] = contract.Renumbered{From: states[contract.Rd].Acked + 1, To: states[contract.Rd].Reserved, As: 1}
	if note.Receipts, err = r.skipReceipts(); err != nil {
		return rd, err
	}
	if err := r.shelve(); err != nil {
		return rd, err
	}
	if err := r.w.emit(r.by, outbox.Draft{Stream: contract.Ev, Type: contract.TypeLedgerRestored, ID: r.m.Epoch, Body: note}); err != nil {
		return rd, err
	}
	for _, name := range []contract.Stream{contract.Tx, contract.Ev} {
		if err := r.renumber(name, states[name].Acked); err != nil {
			return rd, err
		}
	}
	if err := r.w.put(bState, kCommandsSince, u64(uint64(max(r.by.now().UnixMilli(), 0)))); err != nil {
		return rd, err
	}
	r.w.setStream(contract.Rd, streamState{First: 1, Next: 1})
	if err := r.w.flush(); err != nil {
		return rd, err
	}
	return states[contract.Rd], r.w.put(bMeta, kEpoch, []byte(epoch))
}

// shelve puts the records of the old epoch away and empties the streams.
func (r *renewal) shelve() error {
	epochs, err := r.w.tx.CreateBucketIfNotExists(bEpochs)
	if err != nil {
		return fmt.Errorf("keep old epoch: %w", err)
	}
	shelf, err := epochs.CreateBucket([]byte(r.m.Epoch))
	if err != nil {
		return fmt.Errorf("keep old epoch: %w", err)
	}
	for _, name := range []contract.Stream{contract.Tx, contract.Ev} {
		if err := r.w.tx.MoveBucket(bucketOf(name), nil, shelf); err != nil {
			return fmt.Errorf("keep old %s: %w", name, err)
		}
		if _, err := r.w.tx.CreateBucket(bucketOf(name)); err != nil {
			return fmt.Errorf("empty %s: %w", name, err)
		}
		r.w.setStream(name, streamState{First: 1, Next: 1})
	}
	return nil
}

// renumber appends what was not acknowledged, with its own time.
func (r *renewal) renumber(name contract.Stream, acked uint64) error {
	c := r.w.tx.Bucket(bEpochs).Bucket([]byte(r.m.Epoch)).Bucket(bucketOf(name)).Cursor()
	for k, v := c.Seek(u64(acked + 1)); k != nil; k, v = c.Next() {
		if err := r.w.again(name, v); err != nil {
			return err
		}
	}
	return nil
}

// again appends a record of an earlier epoch under a new number; nothing else of it changes.
func (w *writeTx) again(name contract.Stream, raw []byte) error {
	var rec contract.Record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return fmt.Errorf("decode record: %w: %w", err, ErrDamaged)
	}
	by := stamper{mono: func() time.Duration { return time.Duration(rec.Mono) * time.Millisecond }, boot: rec.Boot,
		clock: func() string { return rec.Clock }}
	return w.append(by, draft{stream: name, typ: rec.Type, id: rec.ID, at: rec.At.Time, body: rec.Body})
}

func (r *renewal) skipReceipts() (map[string]uint64, error) {
	last := make(map[string]uint64)
	err := r.w.tx.Bucket(bReceipts).ForEach(func(k, v []byte) error {
		last[string(k)] = asU64(v) + receiptSkip
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("skip receipts: %w", err)
	}
	for station, n := range last {
		if err := r.w.put(bReceipts, []byte(station), u64(n)); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// takeOver appends the records from from on of a segment of an earlier epoch; the newest segment has the newest values.
func (r *readings) takeOver(ctx context.Context, path string, from uint64, newest bool) error {
	if err := inspect(path, true); err != nil {
		return err
	}
	f, err := openBolt(path, Hooks{}, true)
	if err != nil {
		return err
	}
	defer f.close()
	if newest {
		if err := r.inherit(ctx, f); err != nil {
			return err
		}
	}
	for {
		var recs []outbox.Record
		err := f.view(func(tx *bbolt.Tx) (err error) {
			recs, err = readRecords(tx.Bucket(bRd), wanted{from: from, next: math.MaxUint64, records: 500, bytes: 1 << 20})
			return err
		})
		if err != nil || len(recs) == 0 {
			return err
		}
		if err := r.reserve(r.newest().last+uint64(len(recs)), uint64(len(recs))); err != nil {
			return err
		}
		err = r.commits.doMany(ctx, len(recs), func(w *writeTx) error {
			for _, rec := range recs {
				if err := w.again(contract.Rd, rec.Raw); err != nil {
					return fmt.Errorf("take over %s: %w", filepath.Base(path), err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		from = recs[len(recs)-1].Seq + 1
	}
}

// inherit takes the newest values over, those acknowledged long ago included.
func (r *readings) inherit(ctx context.Context, f *boltFile) error {
	err := r.commits.exclusive(ctx, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		return f.view(r.loadLatest)
	})
	if err != nil {
		return err
	}
	return r.commits.do(ctx, false, r.snapshot)
}
