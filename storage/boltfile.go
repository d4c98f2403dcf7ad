package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"
)

// boltFile is one bbolt file that survives a failed commit: it is opened again when bbolt can no longer use it, and a
// transaction whose commit failed is never seen again.
type boltFile struct {
	path     string
	hooks    Hooks
	readOnly bool

	// visible is held while a commit is under way and its outcome open: bbolt shows a new state as soon as its meta
	// page is written, before that is synced, and nobody must act on what a power cut could still undo.
	visible sync.RWMutex

	mu     sync.RWMutex // held for writing only while db is replaced
	db     *bbolt.DB    // nil when closed or when it could not be opened again
	doubt  int          // id of a failed transaction whose meta page must be made void first, 0 for none
	closed bool

	uses atomic.Uint32 // transactions so far
}

// growth is by how much a file is made longer at a time, which takes a sync of its own. What is not used is a hole.
const growth = 4 << 20

func openBolt(path string, hooks Hooks, readOnly bool) (*boltFile, error) {
	b := &boltFile{path: path, hooks: hooks, readOnly: readOnly}
	if err := b.open(); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *boltFile) options() *bbolt.Options {
	return &bbolt.Options{
		Timeout:         time.Millisecond, // the folder's lock is ours; whoever else holds this file will not let go
		PageSize:        pageSize,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: initialMap,
		ReadOnly:        b.readOnly,
		NoStatistics:    true,
	}
}

func (b *boltFile) open() (err error) {
	defer guard(b.path, &err)()
	db, err := bbolt.Open(b.path, 0o600, b.options())
	switch {
	case errors.Is(err, bolterr.ErrTimeout):
		return fmt.Errorf("open %s: %w", filepath.Base(b.path), ErrInUse)
	case errors.Is(err, bolterr.ErrInvalid) || errors.Is(err, bolterr.ErrChecksum) || errors.Is(err, bolterr.ErrVersionMismatch):
		return fmt.Errorf("open %s: %w: %w", filepath.Base(b.path), err, ErrDamaged)
	case err != nil:
		return fmt.Errorf("open %s: %w", filepath.Base(b.path), err)
	}
	db.AllocSize = growth
	if b.hooks.Opened != nil && !b.readOnly {
		if err := b.hooks.Opened(b.path, db); err != nil {
			db.Close()
			return err
		}
	}
	b.db = db
	return nil
}

// view runs f on one consistent, durable state.
func (b *boltFile) view(f func(*bbolt.Tx) error) error {
	return b.read(f, b.visible.RLocker())
}

// read begins a transaction while it holds gate.
func (b *boltFile) read(f func(*bbolt.Tx) error, gate sync.Locker) (err error) {
	if err := b.ensure(); err != nil {
		return err
	}
	gate.Lock() // before mu, as in update
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.db == nil {
		gate.Unlock()
		return ErrClosed
	}
	tx, err := b.db.Begin(false)
	gate.Unlock()
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(b.path), err)
	}
	defer tx.Rollback()
	defer guard(b.path, &err)()
	defer b.used(tx)
	return f(tx)
}

// used keeps what a file takes of the memory small.
func (b *boltFile) used(tx *bbolt.Tx) {
	if b.uses.Add(1)%forgetEvery == 0 {
		forget(tx)
	}
}

// update runs f in one durable transaction. It must not be called twice at a time. An error proves that nothing is
// stored.
func (b *boltFile) update(f func(*bbolt.Tx) error) error {
	if err := b.ensure(); err != nil {
		return err
	}
	id, err := b.attempt(f)
	if err != nil && id != 0 {
		err = errors.Join(err, b.settle(id))
	}
	if id > 0 {
		b.visible.Unlock()
	}
	return err
}

// attempt returns the id of a transaction whose commit was begun, with visible held, or −1 when the file cannot be used
// as it is.
func (b *boltFile) attempt(f func(*bbolt.Tx) error) (id int, err error) {
	b.mu.RLock()
	db := b.db // nobody replaces or closes it but who leads the commits, and that is us
	b.mu.RUnlock()
	if db == nil {
		return 0, ErrClosed
	}
	tx, err := db.Begin(true)
	if err != nil {
		return -1, fmt.Errorf("write %s: %w", filepath.Base(b.path), err)
	}
	defer tx.Rollback() // does nothing after a commit
	defer guard(b.path, &err)()
	b.used(tx)
	if err := f(tx); err != nil {
		return 0, err
	}
	b.visible.Lock()
	id = tx.ID()
	if err := tx.Commit(); err != nil {
		return id, fmt.Errorf("commit %s: %w", filepath.Base(b.path), err)
	}
	return id, nil
}

// settle makes sure that a failed transaction is gone. As long as its meta page was not written bbolt has done so.
func (b *boltFile) settle(id int) error {
	current := -1
	err := b.read(func(tx *bbolt.Tx) error { current = tx.ID(); return nil }, &sync.Mutex{}) // visible is ours
	if err == nil && id > 0 && current < id {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if id > 0 && current >= id {
		b.doubt = id
	}
	return b.reopen()
}

// ensure opens the file again after a failure, if its cause is gone.
func (b *boltFile) ensure() error {
	b.mu.RLock()
	usable := b.db != nil
	b.mu.RUnlock()
	if usable {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	if b.db != nil {
		return nil
	}
	return b.reopen()
}

// reopen closes and opens with b.mu held. A meta page in doubt is made void first: the other one, which names the state
// before the failed transaction, is then the newest.
func (b *boltFile) reopen() error {
	if b.db != nil {
		b.db.Close() // the mapping goes; what it could still tell is the error that brought us here
		b.db = nil
	}
	if b.doubt > 0 {
		if err := b.takeBack(); err != nil {
			return fmt.Errorf("take back commit: %w", err)
		}
		b.doubt = 0
	}
	if err := inspect(b.path, false); err != nil {
		return err
	}
	return b.open()
}

// takeBack overwrites the meta page of the transaction in doubt with one that names the state before it.
func (b *boltFile) takeBack() error {
	page, err := previousMeta(b.path, b.doubt)
	if err != nil {
		return err
	}
	return b.hooks.writeSync(b.path, int64(b.doubt%2)*pageSize, page)
}

func (b *boltFile) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.db == nil {
		return nil
	}
	err := b.db.Close()
	b.db = nil
	if err != nil {
		return fmt.Errorf("close %s: %w", filepath.Base(b.path), err)
	}
	return nil
}

// guard turns what a damaged page does (a failed assertion of bbolt, a fault of the mapping) into ErrDamaged:
//
//	defer guard(path, &err)()
func guard(path string, err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			*err = fmt.Errorf("%s: %v: %w", filepath.Base(path), p, ErrDamaged)
		}
	}
}
