package storage

import (
	"fmt"

	"tally/counter"
)

// RoomFor proves that a copy of all files fits into dir, on this disk or another one, and leaves the reserve free;
// otherwise counter.ErrNoRoom: a backup must not be what stops sales.
func (s *Store) RoomFor(dir string) error {
	u, err := s.Usage()
	if err != nil {
		return err
	}
	free, err := s.opts.Free(dir)
	if err != nil {
		return err
	}
	if need := uint64(u.Ledger+u.Readings) + s.opts.Reserve; free < need {
		return fmt.Errorf("%w: a copy needs %d bytes in %s, %d are free", counter.ErrNoRoom, need, dir, free)
	}
	return nil
}
