package storage

import (
	"fmt"
	"io/fs"
	"path/filepath"
)

// Disk tells the free bytes of the disk that the data folder lies on and the bytes that the folder's files take.
func (s *Store) Disk() (free, used uint64, err error) {
	if free, err = s.opts.Free(s.dir); err != nil {
		return 0, 0, fmt.Errorf("ask for free space: %w", err)
	}
	err = filepath.WalkDir(s.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return nil // deleted meanwhile: a segment that the centre has
		}
		used += uint64(info.Size())
		return nil
	})
	if err != nil {
		return free, 0, fmt.Errorf("sum up the data folder: %w", err)
	}
	return free, used, nil
}
