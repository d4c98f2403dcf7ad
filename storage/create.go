package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// createLedger makes ledger.db unless it is there. bbolt's own first write is not safe against a power cut, so the file
// is made under another name, complete and synced, and appears by a rename.
func (s *Store) createLedger(path string) error {
	fresh := path + ".new"
	if err := s.opts.Hooks.remove(fresh); err != nil { // left by a cut
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for ledger: %w", err)
	}
	if used, err := hasSegments(filepath.Join(s.dir, "readings")); err != nil || used {
		return errors.Join(err, missing(used, s.dir))
	}
	epoch, err := randomID()
	if err != nil {
		return err
	}
	err = makeBolt(fresh, s.opts.Hooks, func(tx *bbolt.Tx) error { return s.initLedger(tx, epoch) })
	if err != nil {
		return err
	}
	return s.opts.Hooks.rename(fresh, path)
}

func missing(used bool, dir string) error {
	if !used {
		return nil
	}
	return fmt.Errorf("%w: restore a backup into %s", ErrLedgerMissing, dir)
}

func (s *Store) initLedger(tx *bbolt.Tx, epoch string) error {
	if err := migrate("ledger.db", tx, s.opts.migrations); err != nil {
		return err
	}
	m := tx.Bucket(bMeta)
	return errors.Join(
		m.Put(kEpoch, []byte(epoch)),
		m.Put(kCreated, []byte(s.opts.Now().UTC().Format(time.RFC3339))),
		m.Put(kClean, []byte("1")))
}

// makeBolt makes a complete, synced bbolt file.
func makeBolt(path string, hooks Hooks, fill func(*bbolt.Tx) error) error {
	f, err := openBolt(path, hooks, false)
	if err != nil {
		return err
	}
	return errors.Join(f.update(fill), f.close())
}

func hasSegments(dir string) (bool, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil {
		return false, fmt.Errorf("look for readings: %w", err)
	}
	return len(found) > 0, nil
}
