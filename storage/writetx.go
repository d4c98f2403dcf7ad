package storage

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// writeTx is a bbolt transaction that several jobs share: each job's changes can be taken back alone.
type writeTx struct {
	tx      *bbolt.Tx
	undo    []change
	streams map[contract.Stream]streamState // as changed so far; only those touched
	back    []func()                        // takes back in memory what the running job changed there
	after   []func()                        // run once the commit is durable
	nAfter  int                             // len(after) at the start of the running job
	changed bool
}

type change struct {
	bucket, key, old []byte // old is nil when there was no value
	run              uint64 // of a run of numbers: how many there are from key on
}

func newWriteTx(tx *bbolt.Tx) *writeTx {
	return &writeTx{tx: tx, streams: make(map[contract.Stream]streamState)}
}

// start marks the point to which fail returns.
func (w *writeTx) start() {
	w.undo = w.undo[:0]
	w.back = w.back[:0]
	w.nAfter = len(w.after)
}

// fail takes back what was done since start, newest first.
func (w *writeTx) fail() error {
	for i := len(w.undo) - 1; i >= 0; i-- {
		c := w.undo[i]
		b := w.tx.Bucket(c.bucket)
		var err error
		if c.run > 0 {
			err = deleteRun(b, asU64(c.key), c.run)
		} else if c.old == nil {
			err = b.Delete(c.key)
		} else {
			err = b.Put(c.key, c.old)
		}
		if err != nil {
			return fmt.Errorf("take back %s: %w", c.bucket, err)
		}
	}
	w.undo = w.undo[:0]
	for i := len(w.back) - 1; i >= 0; i-- {
		w.back[i]()
	}
	w.back = w.back[:0]
	w.after = w.after[:w.nAfter]
	return nil
}

func (w *writeTx) remember(b *bbolt.Bucket, bucket, key []byte) {
	old := b.Get(key)
	if old != nil {
		old = append([]byte{}, old...)
	}
	w.undo = append(w.undo, change{bucket: bucket, key: bytes.Clone(key), old: old})
	w.changed = true
}

func (w *writeTx) put(bucket, key, value []byte) error {
	b := w.tx.Bucket(bucket)
	w.remember(b, bucket, key)
	b.FillPercent = fillOf(bucket)
	if err := b.Put(key, value); err != nil {
		return fmt.Errorf("put %s: %w", bucket, err)
	}
	return nil
}

// insert puts a key that is not there yet.
func (w *writeTx) insert(bucket, key, value []byte) error {
	b := w.tx.Bucket(bucket)
	b.FillPercent = fillOf(bucket)
	w.undo = append(w.undo, change{bucket: bucket, key: key})
	w.changed = true
	if err := b.Put(key, value); err != nil {
		return fmt.Errorf("put %s: %w", bucket, err)
	}
	return nil
}

// insertRun puts values under numbers that follow each other from first on and are not there yet. The values must stay as
// they are until the transaction has ended.
func (w *writeTx) insertRun(bucket []byte, first uint64, values [][]byte) error {
	b := w.tx.Bucket(bucket)
	b.FillPercent = fillOf(bucket)
	w.undo = append(w.undo, change{bucket: bucket, key: u64(first), run: uint64(len(values))})
	w.changed = true
	var key [8]byte
	for i, v := range values {
		binary.BigEndian.PutUint64(key[:], first+uint64(i))
		if err := b.Put(key[:], v); err != nil {
			return fmt.Errorf("put %s: %w", bucket, err)
		}
	}
	return nil
}

// deleteRun takes back insertRun, also one that did not come to its end.
func deleteRun(b *bbolt.Bucket, first, n uint64) error {
	for seq := first; seq < first+n; seq++ {
		if err := b.Delete(u64(seq)); err != nil {
			return fmt.Errorf("delete %d: %w", seq, err)
		}
	}
	return nil
}

func (w *writeTx) putJSON(bucket, key []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", bucket, err)
	}
	return w.put(bucket, key, raw)
}

func (w *writeTx) delete(bucket, key []byte) error {
	b := w.tx.Bucket(bucket)
	w.remember(b, bucket, key)
	if err := b.Delete(key); err != nil {
		return fmt.Errorf("delete %s: %w", bucket, err)
	}
	return nil
}

func (w *writeTx) setStream(name contract.Stream, st streamState) {
	w.back = append(w.back, restorer(w.streams, name))
	w.streams[name] = st
}

// restorer remembers what m has under k.
func restorer[K comparable, V any](m map[K]V, k K) func() {
	old, had := m[k]
	return func() {
		if had {
			m[k] = old
			return
		}
		delete(m, k)
	}
}
