package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"tally/meter"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// readings is the stream rd over its segments.
type readings struct {
	s       *Store
	dir     string
	commits *committer
	ahead   ahead

	mu       sync.RWMutex
	segs     []*segment // by first number; the last one is written to
	open     *segment   // the one older segment that is open for reading
	acked    uint64
	rewound  uint64
	reserved uint64              // no number above was given; durable in the ledger
	latest   map[meter.ID]Latest // changed by who leads, with mu held
	pinned   bool                // no segment is deleted for being acknowledged
	closed   bool
}

// reserveAhead is how many numbers one ledger commit sets aside. At most so many, or what reserveCommits makes of
// it, are skipped when the newest segment is lost.
const reserveAhead = 4096

// reserveCommits is how many commits of readings one of the ledger sets numbers aside for, when they are large.
const reserveCommits = 64

func (r *readings) newest() *segment {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.segs[len(r.segs)-1]
}

// publish shows the state of the stream to those who ask without the disk. Call with r.mu held.
func (r *readings) publish() {
	last := r.segs[len(r.segs)-1]
	r.s.tips[contract.Rd].set(outbox.State{Epoch: r.s.epoch, First: r.segs[0].first, Next: last.last + 1, Acked: r.acked, Rewound: r.rewound})
}

// locate finds the segment that holds from, or the first one behind it. nil means that nothing is there yet.
func (r *readings) locate(from uint64) (*segment, *boltFile, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, ErrClosed
	}
	for _, seg := range r.segs {
		if seg.last < from || seg.last < seg.first {
			continue
		}
		return seg, seg.file, r.openOld(seg)
	}
	return nil, nil, nil
}

// openOld opens a segment for reading and closes the one that was open before: each takes address space, of which a
// 32 bit node has little.
func (r *readings) openOld(seg *segment) error {
	if seg.file != nil {
		return nil
	}
	if r.open != nil {
		r.open.shut()
		r.open = nil
	}
	if !seg.inspected {
		if err := inspect(seg.path, true); err != nil {
			return err
		}
	}
	f, err := openBolt(seg.path, r.s.opts.Hooks, true)
	if err != nil {
		return err
	}
	seg.file, seg.inspected, seg.served, r.open = f, true, 0, seg
	return nil
}

// servedAtOnce is after how many records an older segment is mapped anew: what was read of a mapping counts as the
// process's memory until it is given back.
const servedAtOnce = 8192

func (r *readings) unmap(seg *segment, served int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seg.served += served; r.open == seg && seg.served > servedAtOnce {
		seg.shut()
		r.open = nil
	}
}

// read implements the queue's Read. A segment that turns out to be damaged is set aside, and reading goes on behind it.
func (r *readings) read(ctx context.Context, want wanted) ([]outbox.Record, error) {
	for {
		seg, found, err := r.tryRead(want)
		switch {
		case errors.Is(err, ErrClosed) && !r.isClosed(): // closed in favour of another one meanwhile
		case errors.Is(err, ErrDamaged) && seg != nil:
			if err := r.setAside(ctx, seg, err); err != nil {
				return nil, err
			}
		default:
			return found, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

func (r *readings) tryRead(want wanted) (*segment, []outbox.Record, error) {
	seg, _, err := r.locate(want.from)
	if seg == nil || err != nil || seg.first >= want.next {
		return seg, nil, err
	}
	r.mu.RLock()
	file := seg.file
	r.mu.RUnlock()
	if file == nil {
		return seg, nil, ErrClosed
	}
	want.from = max(want.from, seg.first)
	var found []outbox.Record
	err = file.view(func(tx *bbolt.Tx) (err error) {
		found, err = readRecords(tx.Bucket(bRd), want)
		return err
	})
	if err == nil && (len(found) == 0 || found[0].Seq != want.from) {
		err = ErrDamaged // the segment promised a record that it does not have
	}
	if err != nil {
		return seg, nil, err
	}
	r.unmap(seg, len(found))
	return seg, found, nil
}

func (r *readings) isClosed() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.closed
}

// ackedUpto takes note of the watermark that the ledger has just made durable.
func (r *readings) ackedUpto(n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked = n
	r.publish()
}

// drop deletes segments that are acknowledged to their end, except the newest, which knows the newest values. One that
// cannot be deleted now is deleted at the next start.
func (r *readings) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.pinned && len(r.segs) > 1 && r.segs[0].last <= r.acked && r.expired(r.segs[0]) {
		if err := r.forget(0, r.s.opts.Hooks.remove); err != nil {
			r.s.opts.warn("segment of readings could not be deleted", "err", err)
			return
		}
	}
	r.publish()
}

// expired reports whether an acknowledged segment has been kept long enough.
func (r *readings) expired(seg *segment) bool {
	if r.s.opts.KeepReadings <= 0 {
		return true
	}
	info, err := os.Stat(seg.path)
	return err != nil || r.s.opts.Now().Sub(info.ModTime()) >= r.s.opts.KeepReadings
}

// forget takes segment i out of the list and does away with its file. Call with r.mu held.
func (r *readings) forget(i int, away func(string) error) error {
	seg := r.segs[i]
	seg.shut()
	if r.open == seg {
		r.open = nil
	}
	if err := away(seg.path); err != nil {
		return err
	}
	r.segs = slices.Delete(r.segs, i, i+1)
	return nil
}

func (r *readings) close() error {
	r.commits.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	var err error
	for _, seg := range r.segs {
		err = errors.Join(err, seg.shut())
	}
	return err
}

func (r *readings) segmentPath(first uint64) string {
	return filepath.Join(r.dir, segmentName(first))
}
