package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"tally/meter"
	"tally/sync/contract"
)

func openReadings(s *Store) (*readings, error) {
	r := &readings{s: s, dir: filepath.Join(s.dir, "readings"), latest: make(map[meter.ID]Latest)}
	r.commits = newCommitter(r.commit)
	r.commits.linger, r.commits.enough = s.opts.Linger, s.opts.LingerRecords
	if err := r.load(); err != nil {
		return nil, errors.Join(err, r.shutAll())
	}
	return r, nil
}

func (r *readings) load() error {
	if err := r.prepareFolder(); err != nil {
		return err
	}
	var st streamState
	err := r.s.ledger.view(func(tx *bbolt.Tx) (err error) {
		st, err = loadState(tx, contract.Rd)
		return err
	})
	if err != nil {
		return err
	}
	r.acked, r.rewound, r.reserved = st.Acked, st.Rewound, st.Reserved
	damaged, err := r.findSegments()
	if err != nil {
		return err
	}
	if err := r.openNewest(st.Tail); err != nil {
		return err
	}
	why := LostMissing
	if damaged {
		why = LostDamaged
	}
	if err := r.reconcile(why); err != nil {
		return err
	}
	r.drop()
	return nil
}

// prepareFolder makes the folder and removes what a cut left half made.
func (r *readings) prepareFolder() error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("make folder of readings: %w", err)
	}
	if err := r.s.opts.Hooks.syncDir(r.s.dir); err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(r.dir, "*.new"))
	if err != nil {
		return fmt.Errorf("look for readings: %w", err)
	}
	for _, path := range left {
		if err := r.s.opts.Hooks.remove(path); err != nil {
			return err
		}
	}
	return nil
}

// findSegments lists the segments by number and sets damaged ones aside.
func (r *readings) findSegments() (damaged bool, err error) {
	paths, err := filepath.Glob(filepath.Join(r.dir, "*.db")) // sorted, and the names are zero padded
	if err != nil {
		return false, fmt.Errorf("look for readings: %w", err)
	}
	for i, path := range paths {
		if _, ok := firstOf(path); !ok {
			continue
		}
		seg, err := r.examine(path, i == len(paths)-1 && !r.s.clean)
		if errors.Is(err, ErrDamaged) {
			r.s.opts.warn("segment of readings is damaged and was set aside", "file", filepath.Base(path), "err", err)
			damaged = true
			err = r.renameDamaged(path)
			seg = nil
		}
		if err != nil {
			return damaged, err
		}
		if seg != nil {
			r.segs = append(r.segs, seg)
		}
	}
	return damaged, nil
}

// openNewest opens the segment to write to. If the newest one is gone, or there is none, numbering goes on above the
// reserved mark; the newest values are then those of the segment before.
func (r *readings) openNewest(tail uint64) error {
	if len(r.segs) == 0 {
		return r.startAbove()
	}
	seg := r.segs[len(r.segs)-1]
	file, err := openBolt(seg.path, r.s.opts.Hooks, false)
	if err != nil {
		return err
	}
	seg.file = file
	if err := file.view(r.loadLatest); err != nil {
		return err
	}
	if seg.first >= tail {
		return nil
	}
	return errors.Join(seg.shut(), r.startAbove())
}

func (r *readings) shutAll() error {
	var err error
	for _, seg := range r.segs {
		err = errors.Join(err, seg.shut())
	}
	return err
}
