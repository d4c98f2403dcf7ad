package storage

import (
	"fmt"

	"tally/counter"
)

// yield keeps readings from using up the room that sales need: below the reserve the oldest segment goes, whether it is
// acknowledged or not, and what is lost is reported. When only the newest is left, readings are refused below half the
// reserve; the other half is for ending what was begun.
func (r *readings) yield() error {
	for {
		free, err := r.s.room.free(r.s.dir)
		if err != nil || free >= r.s.room.reserve {
			return err
		}
		if r.dropOldest() {
			continue
		}
		if free < r.s.room.reserve/2 {
			return fmt.Errorf("keep reading: %w: %d bytes free", counter.ErrNoRoom, free)
		}
		return nil
	}
}

// dropOldest deletes the oldest segment, unless it is the newest too. It reports whether that made room.
func (r *readings) dropOldest() bool {
	r.mu.Lock()
	if len(r.segs) < 2 {
		r.mu.Unlock()
		return false
	}
	seg := r.segs[0]
	err := r.forget(0, r.s.opts.Hooks.remove)
	r.publish()
	r.mu.Unlock()
	if err != nil {
		r.s.opts.warn("oldest readings could not be deleted", "err", err)
		return false
	}
	if err := r.reconcile(LostDiskFull); err != nil { // the next start finds the gap
		r.s.opts.warn("loss of readings could not be reported", "first", seg.first, "last", seg.last, "err", err)
	}
	return true
}
