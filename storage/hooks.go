package storage

import (
	"fmt"
	"os"
	"path/filepath"
)

// OpKind names one thing that is done to the file system.
type OpKind string

// Kinds of operations.
const (
	OpWrite   OpKind = "write"
	OpSync    OpKind = "sync"
	OpRename  OpKind = "rename"
	OpRemove  OpKind = "remove"
	OpSyncDir OpKind = "sync_dir"
)

// Op is one operation on the file system, as a test sees it before it is done.
type Op struct {
	Kind OpKind
	Path string
	To   string // new name of a rename
	Off  int64  // of a write
	Data []byte // of a write; must not be kept or changed
}

// Hooks let a test watch and fail what is done to the disk. The zero value does nothing.
type Hooks struct {
	// Op is called before each operation; its error becomes the operation's.
	Op func(Op) error
	// Opened is called with each bbolt file opened for writing, db being its *bbolt.DB, before it is used.
	Opened func(path string, db any) error
}

func (h Hooks) op(o Op) error {
	if h.Op == nil {
		return nil
	}
	return h.Op(o)
}

func (h Hooks) rename(from, to string) error {
	if err := h.op(Op{Kind: OpRename, Path: from, To: to}); err != nil {
		return fmt.Errorf("rename %s: %w", filepath.Base(from), err)
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("rename %s: %w", filepath.Base(from), err)
	}
	return h.syncDir(filepath.Dir(to))
}

// remove takes a file away; one that is not there is no error.
func (h Hooks) remove(path string) error {
	if err := h.op(Op{Kind: OpRemove, Path: path}); err != nil {
		return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
	}
	return nil
}

func (h Hooks) syncDir(dir string) error {
	if err := h.op(Op{Kind: OpSyncDir, Path: dir}); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return syncDir(dir)
}

// writeSync writes data at off and makes it durable.
func (h Hooks) writeSync(path string, off int64, data []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	defer f.Close()
	if err := h.op(Op{Kind: OpWrite, Path: path, Off: off, Data: data}); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if _, err := f.WriteAt(data, off); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := h.op(Op{Kind: OpSync, Path: path}); err != nil {
		return fmt.Errorf("sync %s: %w", filepath.Base(path), err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", filepath.Base(path), err)
	}
	return nil
}
