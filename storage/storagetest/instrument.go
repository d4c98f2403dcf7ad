package storagetest

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"unsafe"

	"tally/storage"
)

const pageSize = 4096

type writeAt = func(b []byte, off int64) (int, error)

// instrument makes a bbolt file tell of its writes and syncs. bbolt 1.5.0 has a function value for writing, which its own
// tests replace, and no way to watch a sync. So its own syncs are switched off (NoSync) and made here, at the same two
// places: before a meta page is written, when all other pages are, and after it; for real, or only told of.
func instrument(path string, db any, op func(storage.Op) error, forReal bool) error {
	v := reflect.ValueOf(db).Elem()
	field := v.FieldByName("ops")
	if field.IsValid() {
		field = field.FieldByName("writeAt")
	}
	if !field.IsValid() || field.Type() != reflect.TypeFor[writeAt]() {
		return errors.New("this version of bbolt has no ops.writeAt; faults cannot be injected")
	}
	at := (*writeAt)(unsafe.Pointer(field.UnsafeAddr()))
	v.FieldByName("NoSync").SetBool(true)
	i := instrumented{path: path, op: op, write: *at, forReal: forReal}
	*at = i.writeAt
	return nil
}

type instrumented struct {
	path    string
	op      func(storage.Op) error
	write   writeAt
	forReal bool
}

func (i instrumented) writeAt(b []byte, off int64) (int, error) {
	meta := off < 2*pageSize && len(b) == pageSize
	if meta {
		if err := i.sync(); err != nil {
			return 0, err
		}
	}
	if err := i.op(storage.Op{Kind: storage.OpWrite, Path: i.path, Off: off, Data: b}); err != nil {
		return 0, err
	}
	n, err := i.write(b, off)
	if err == nil && meta {
		err = i.sync()
	}
	return n, err
}

// sync goes through a descriptor of its own: what is synced is the file.
func (i instrumented) sync() error {
	if err := i.op(storage.Op{Kind: storage.OpSync, Path: i.path}); err != nil || !i.forReal {
		return err
	}
	f, err := os.OpenFile(i.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open to sync: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}
