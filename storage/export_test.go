package storage

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// WithMigrations gives tests a store that knows n more layouts than this version.
func WithMigrations(o Options, n int, up func(tx *bbolt.Tx) error) Options {
	o.migrations = append([]migration{}, ledgerMigrations...)
	for range n {
		o.migrations = append(o.migrations, migration{name: "from a test", up: up})
	}
	return o
}

// ReserveAhead is how far the mark of numbers is ahead.
const ReserveAhead = reserveAhead

// WaitQueued returns when n updates wait for the running commit.
func (s *Store) WaitQueued(n int) {
	for {
		s.commits.mu.Lock()
		queued := len(s.commits.queue)
		s.commits.mu.Unlock()
		if queued >= n {
			return
		}
		runtime.Gosched()
	}
}

// ForgeTx changes the first record of tx in a closed ledger and makes the chain fit again, as somebody with a copy of
// this program could.
func ForgeTx(dir, old, new string) error {
	f, err := openBolt(filepath.Join(dir, "ledger.db"), Hooks{}, false)
	if err != nil {
		return err
	}
	defer f.close()
	return f.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bTx)
		w := newWriteTx(tx)
		st, err := loadState(tx, contract.Tx)
		if err != nil {
			return err
		}
		n := st.Next
		w.setStream(contract.Tx, streamState{First: 1, Next: 1})
		for seq := uint64(1); seq < n; seq++ {
			raw := strings.Replace(string(b.Get(u64(seq))), old, new, 1)
			if err := w.again(contract.Tx, []byte(raw)); err != nil {
				return err
			}
		}
		return w.flush()
	})
}

// HashOf is the hash of a record's bytes.
func HashOf(raw []byte) string { return hashOf(raw) }

// WithSnapshotEvery gives tests a store that writes the newest values down after n records.
func WithSnapshotEvery(o Options, n uint64) Options {
	o.snapshotEvery = n
	return o
}

// Spoil changes buckets of a closed file behind the store's back.
func Spoil(path string, f func(*bbolt.Tx) error) error {
	b, err := openBolt(path, Hooks{}, false)
	if err != nil {
		return err
	}
	return errors.Join(b.update(f), b.close())
}

// RememberCommands is how many commands are remembered.
const RememberCommands = rememberCommands
