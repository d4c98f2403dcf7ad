package storage

import (
	"errors"
	"fmt"

	"tally/counter"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrInUse: another process has the data folder.
	ErrInUse = errors.New("another tallyd uses this data folder")
	// ErrNewer: a file was written by a newer version than this one.
	ErrNewer = errors.New("data is from a newer version of tally")
	// ErrDamaged: a file is not what was written to it.
	ErrDamaged = errors.New("file is damaged")
	// ErrLedgerMissing: there are readings but no ledger; a new ledger would hide a loss.
	ErrLedgerMissing = errors.New("ledger.db is missing although the folder was in use")
	// ErrOtherNode: the folder belongs to a node of another name.
	ErrOtherNode = errors.New("data folder belongs to another node")
	// ErrCardTaken: another account has the card.
	ErrCardTaken = errors.New("card belongs to another account")
	// ErrRequestTaken: another order has the request id.
	ErrRequestTaken = errors.New("request id belongs to another order")
	// ErrBadKey: a number or id is empty or holds a zero byte.
	ErrBadKey = errors.New("key cannot be stored")
	// ErrReadOnly: the disk takes no writes any more.
	ErrReadOnly = errors.New("the disk of the data folder has become read-only: stop tallyd, have the disk checked and mounted again, start tallyd")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
)

// storeErr makes err match counter.ErrStore too.
func storeErr(err error) error {
	if err == nil || errors.Is(err, counter.ErrStore) {
		return err
	}
	if isReadOnly(err) && !errors.Is(err, ErrReadOnly) {
		err = readOnly(err)
	}
	return fmt.Errorf("%w: %w", counter.ErrStore, err)
}
