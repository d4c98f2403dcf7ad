package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// Reasons of a loss. Not every number that is told as lost needs to have been given: behind a lost newest segment
// numbering goes on above the reserved mark.
const (
	LostDamaged  = "damaged"
	LostMissing  = "missing"
	LostDiskFull = "disk_full"
)

// setAside takes a damaged segment out of use and keeps its file.
func (r *readings) setAside(ctx context.Context, seg *segment, cause error) error {
	return r.commits.exclusive(ctx, func() error { return r.replace(seg, cause) })
}

// replace is setAside for who leads already.
func (r *readings) replace(seg *segment, cause error) error {
	if err := r.withdraw(seg); err != nil {
		return err
	}
	r.s.opts.warn("segment of readings is damaged and was set aside", "file", segmentName(seg.first), "err", cause)
	return r.reconcile(LostDamaged)
}

func (r *readings) withdraw(seg *segment) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.segs, seg)
	if i < 0 {
		return nil
	}
	if err := r.forget(i, r.renameDamaged); err != nil {
		return err
	}
	if i < len(r.segs) {
		return nil
	}
	return r.startAbove()
}

// startAbove begins a segment above every number that may have been given. Call with r.mu held.
func (r *readings) startAbove() error {
	fresh, err := r.createSegment(r.reserved+1, "")
	if err != nil {
		return err
	}
	r.segs = append(r.segs, fresh)
	r.ahead.begin(streamState{Next: fresh.first})
	return nil
}

// renameDamaged keeps an earlier damaged file of the same name.
func (r *readings) renameDamaged(path string) error {
	to := path + ".damaged"
	for i := 2; ; i++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return r.s.opts.Hooks.rename(path, to)
		}
		to = fmt.Sprintf("%s.%d.damaged", path, i)
	}
}

// recover decides what to do after a commit of readings failed: the file to try again with, or nil.
func (r *readings) recover(err error, n uint64) *boltFile {
	switch {
	case errors.Is(err, ErrDamaged):
		if err := r.replace(r.newest(), err); err != nil {
			r.s.opts.warn("damaged segment could not be replaced", "err", err)
			return nil
		}
	case r.s.room.tight(err) && r.dropOldest():
	default:
		return nil
	}
	file, err := r.ready(n)
	if err != nil {
		return nil
	}
	return file
}

// reconcile compares the segments that are there with what the ledger expects, and reports numbers that are gone.
func (r *readings) reconcile(why string) error {
	return r.s.update(context.Background(), func(w *writeTx) error {
		st, err := w.stream(contract.Rd)
		if err != nil {
			return err
		}
		gaps, tail := r.gaps(st.Acked)
		fresh := subtract(gaps, st.Lost)
		if len(fresh) == 0 && st.Tail == tail {
			return nil
		}
		for _, g := range fresh {
			if err := r.report(w, g, why); err != nil {
				return err
			}
		}
		st.Lost, st.Tail = gaps, tail
		st.settle()
		w.setStream(contract.Rd, st)
		w.after = append(w.after, func() { r.ackedUpto(st.Acked) })
		return nil
	})
}

func (r *readings) report(w *writeTx, g [2]uint64, why string) error {
	return w.emit(r.s.opts.stamper(), outbox.Draft{
		Stream: contract.Ev, Type: contract.TypeReadingsLost, ID: fmt.Sprintf("rd/%d-%d", g[0], g[1]),
		Body: contract.ReadingsLost{First: g[0], Last: g[1], Why: why},
	})
}

// gaps lists the numbers above acked that no segment has, and the first number of the newest segment.
func (r *readings) gaps(acked uint64) (gaps [][2]uint64, tail uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	next := acked + 1
	for _, seg := range r.segs {
		if seg.first > next {
			gaps = append(gaps, [2]uint64{next, seg.first - 1})
		}
		next = max(next, seg.last+1)
		tail = seg.first
	}
	return gaps, tail
}

// subtract returns the parts of gaps that known does not have. Both are sorted.
func subtract(gaps, known [][2]uint64) [][2]uint64 {
	var rest [][2]uint64
	for _, g := range gaps {
		from := g[0]
		for _, k := range known {
			if k[1] < from || k[0] > g[1] {
				continue
			}
			if k[0] > from {
				rest = append(rest, [2]uint64{from, k[0] - 1})
			}
			from = k[1] + 1
		}
		if from <= g[1] {
			rest = append(rest, [2]uint64{from, g[1]})
		}
	}
	return rest
}
