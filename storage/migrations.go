package storage

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// migration takes a file from one layout to the next. Its number is its place in the list, from 1. A migration that was
// once released is never changed.
type migration struct {
	name string
	up   func(*bbolt.Tx) error
}

// ledgerMigrations are those of ledger.db.
var ledgerMigrations = []migration{
	{"accounts, orders, operators, receipts, outboxes", createBuckets(ledgerTree)},
	{"commands, state of the node", createBuckets([][]byte{bCommands, bCommandIDs, bState})},
}

// segmentMigrations are those of a segment.
var segmentMigrations = []migration{
	{"records and newest values", createBuckets([][]byte{bMeta, bStreams, bRd, bLatest})},
}

func createBuckets(names [][]byte) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		for _, name := range names {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		return nil
	}
}

// layoutOf returns the layout of a file, 0 for one that is empty.
func layoutOf(tx *bbolt.Tx) uint64 {
	b := tx.Bucket(bMeta)
	if b == nil {
		return 0
	}
	return asU64(b.Get(kLayout))
}

// checkLayout refuses a file that is newer than the list.
func checkLayout(file string, have uint64, list []migration) error {
	if have > uint64(len(list)) {
		return fmt.Errorf("%s has layout %d, this version knows up to %d; install the newer version again: %w",
			file, have, len(list), ErrNewer)
	}
	return nil
}

// migrate brings a file to the newest layout within tx: all steps or none.
func migrate(file string, tx *bbolt.Tx, list []migration) error {
	have := layoutOf(tx)
	if err := checkLayout(file, have, list); err != nil {
		return err
	}
	for i := have; i < uint64(len(list)); i++ {
		if err := list[i].up(tx); err != nil {
			return fmt.Errorf("migrate %s to layout %d (%s): %w", file, i+1, list[i].name, err)
		}
	}
	if have == uint64(len(list)) {
		return nil
	}
	if err := tx.Bucket(bMeta).Put(kLayout, u64(uint64(len(list)))); err != nil {
		return fmt.Errorf("note layout of %s: %w", file, err)
	}
	return nil
}
