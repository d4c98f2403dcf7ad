package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Usage is what the store takes and has left, for metrics and pages.
type Usage struct {
	Free     uint64 // bytes left on the disk
	Ballast  bool   // false while it is given up, or when there is none
	Ledger   int64  // bytes of ledger.db
	Readings int64  // bytes of the segments
	Segments int
}

// Usage asks the file system.
func (s *Store) Usage() (Usage, error) {
	u := Usage{}
	var err error
	if u.Free, err = s.opts.Free(s.dir); err != nil {
		return u, err
	}
	if u.Ledger, err = sizeOf(s.ledger.path); err != nil {
		return u, err
	}
	u.Ballast = s.room.size > 0 && s.room.present()
	s.readings.mu.RLock()
	defer s.readings.mu.RUnlock()
	for _, seg := range s.readings.segs {
		n, err := sizeOf(seg.path)
		if err != nil {
			return u, err
		}
		u.Readings += n
		u.Segments++
	}
	return u, nil
}

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("ask for size: %w", err)
	}
	return info.Size(), nil
}

// SetAside names the segments of readings that were set aside because they are damaged.
func (s *Store) SetAside() []string {
	found, err := filepath.Glob(filepath.Join(s.readings.dir, "*.damaged"))
	if err != nil { // the pattern is a constant
		return nil
	}
	for i, path := range found {
		found[i] = filepath.Base(path)
	}
	return found
}
