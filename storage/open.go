package storage

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// Store is the durable state of a node. Its methods may be called from several goroutines. Close ends it; what is
// under way is finished first.
type Store struct {
	dir    string
	opts   Options
	lock   *folderLock
	epoch  string
	key    ed25519.PrivateKey
	clean  bool
	closed atomic.Bool

	ledger   *boltFile
	commits  *committer
	tips     map[contract.Stream]*tip
	room     *room
	readings *readings
}

// Open opens the data folder dir, or makes it. Errors: ErrInUse, ErrNewer, ErrDamaged, ErrOtherNode, ErrLedgerMissing,
// or what the operating system said.
func Open(dir string, opts Options) (*Store, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := refuseUnfinished(dir); err != nil { // before anything is made that a restore would find in its way
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, opts: opts, lock: lock}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Store) open() error {
	if err := s.openLedger(); err != nil {
		return err
	}
	if err := s.loadKey(); err != nil {
		return err
	}
	s.commits = newCommitter(s.commitLedger)
	s.room = newRoom(s.dir, s.opts)
	if err := s.room.tidy(); err != nil {
		return err
	}
	if err := s.room.check(); err != nil {
		s.opts.warn("there is no room for sales", "err", err)
	}
	if err := s.loadTips(); err != nil {
		return err
	}
	r, err := openReadings(s)
	if err != nil {
		return err
	}
	s.readings = r
	return nil
}

func (s *Store) openLedger() error {
	path := filepath.Join(s.dir, "ledger.db")
	if err := s.createLedger(path); err != nil {
		return err
	}
	if err := inspect(path, false); err != nil {
		return err
	}
	f, err := openBolt(path, s.opts.Hooks, false)
	if err != nil {
		return err
	}
	s.ledger = f
	if err := s.inspectAfterCrash(path); err != nil {
		return err
	}
	return f.update(s.begin)
}

// inspectAfterCrash reads every page of a ledger that was not closed in order.
func (s *Store) inspectAfterCrash(path string) error {
	clean := false
	err := s.ledger.view(func(tx *bbolt.Tx) error {
		m := tx.Bucket(bMeta)
		clean = m != nil && string(m.Get(kClean)) == "1"
		return nil
	})
	if err != nil || clean {
		return err
	}
	return inspect(path, true)
}

// begin is the first transaction of a run: migrations, and the mark that this run has not ended in order yet.
func (s *Store) begin(tx *bbolt.Tx) error {
	if err := migrate("ledger.db", tx, s.opts.migrations); err != nil {
		return err
	}
	m := tx.Bucket(bMeta)
	node := string(m.Get(kNode))
	if node != "" && s.opts.Node != "" && node != s.opts.Node {
		return fmt.Errorf("%w: ledger is of %q, configured is %q", ErrOtherNode, node, s.opts.Node)
	}
	if node == "" && s.opts.Node != "" {
		if err := m.Put(kNode, []byte(s.opts.Node)); err != nil {
			return fmt.Errorf("note node: %w", err)
		}
	}
	s.epoch = string(m.Get(kEpoch))
	s.clean = string(m.Get(kClean)) == "1"
	if err := m.Put(kClean, []byte("0")); err != nil {
		return fmt.Errorf("note start: %w", err)
	}
	return nil
}

// Epoch identifies this life of the ledger.
func (s *Store) Epoch() string { return s.epoch }

// WasClean reports whether the run before this one ended with Close; true for a new folder.
func (s *Store) WasClean() bool { return s.clean }

// Close ends the store: it waits for what is under way, marks the end as in order and lets the folder go. It may be
// called twice.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	err := s.readings.close()
	s.commits.stop()
	mark := s.ledger.update(func(tx *bbolt.Tx) error { return tx.Bucket(bMeta).Put(kClean, []byte("1")) })
	return errors.Join(err, mark, s.release())
}

func (s *Store) release() error {
	var err error
	if s.ledger != nil {
		err = s.ledger.close()
	}
	return errors.Join(err, s.lock.release())
}

// Closed reports whether Close was called.
func (s *Store) Closed() bool { return s.closed.Load() }
