package storage

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/meter"
	"tally/sync/contract"
)

// maxRaw is how much of a meter's answer is kept as evidence.
const maxRaw = 512

// Keep stores a reading as a record of the stream rd and as the newest of its meter. A nil error proves that it is on
// disk. Readings that come together, or within Options.Linger, share a commit.
func (s *Store) Keep(ctx context.Context, r meter.Reading) error {
	return s.KeepAll(ctx, []Value{{Reading: &r}})
}

// Fail stores that a meter could not be read, like Keep.
func (s *Store) Fail(ctx context.Context, f meter.Failure) error {
	return s.KeepAll(ctx, []Value{{Failure: &f}})
}

// Value is a reading, or that a meter could not be read: one of the two is set.
type Value struct {
	Reading *meter.Reading
	Failure *meter.Failure
}

// KeepAll is Keep and Fail for several values in one commit, in their order: all of them or, with an error, none.
func (s *Store) KeepAll(ctx context.Context, values []Value) error {
	b := newBundle(len(values))
	for _, v := range values {
		if err := b.add(v); err != nil {
			return err
		}
	}
	if err := s.readings.keep(ctx, b); err != nil {
		return err // the bytes may still be in use
	}
	b.recycle()
	return nil
}

// keep commits a bundle. Its bytes are made before it is its turn, while the commit before is being synced, as they will
// be if that succeeds; otherwise they are made again.
func (r *readings) keep(ctx context.Context, b *bundle) error {
	if err := ctx.Err(); err != nil || len(b.values) == 0 {
		return err
	}
	if r.s.closed.Load() {
		return storeErr(ErrClosed)
	}
	if err := r.ahead.chain(r.s.opts.stamper(), b); err != nil {
		return err
	}
	return r.commits.doMany(ctx, len(b.values), func(w *writeTx) error {
		if err := r.append(w, b); err != nil {
			return err
		}
		w.after = append(w.after, func() {
			for _, v := range b.values {
				r.see(v)
			}
		})
		return nil
	})
}

// append puts records at the end of the stream.
func (r *readings) append(w *writeTx, b *bundle) error {
	st, err := w.stream(contract.Rd)
	if err != nil {
		return err
	}
	if b.from.Next != st.Next || b.from.Head != st.Head {
		if err := r.ahead.again(r.s.opts.stamper(), b, st); err != nil {
			return err
		}
	}
	if err := w.insertRun(bRd, st.Next, b.records); err != nil {
		return err
	}
	st.Next, st.Head = b.to.Next, b.to.Head
	w.setStream(contract.Rd, st)
	return nil
}

// commit is what the readings' committer runs.
func (r *readings) commit(jobs []*job) {
	records := weigh(jobs)
	file, err := r.prepare(records)
	if err != nil {
		for _, j := range jobs {
			j.finish(storeErr(err))
		}
		return
	}
	var used int64
	end := func(w *writeTx) error {
		used = w.tx.Size()
		if err := r.withinMark(w); err != nil {
			return err
		}
		if err := r.snapshotDue(w); err != nil {
			return err
		}
		return w.flush()
	}
	again := func(err error) *boltFile { return r.recover(err, records) }
	commit(file, batch{jobs: jobs, ours: true, begin: func(*writeTx) error { return nil }, end: end}, again, r.settled)
	if used >= r.s.opts.SegmentBytes {
		if err := r.roll(); err != nil {
			r.s.opts.warn("segment of readings could not be followed by the next", "err", err)
		}
	}
}

// settled makes a durable commit visible.
func (r *readings) settled(w *writeTx) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range w.after {
		f()
	}
	if st, ok := w.streams[contract.Rd]; ok {
		r.segs[len(r.segs)-1].last = st.Next - 1
	}
	r.publish()
}

// prepare makes room, if there is little, and gets ready for n records.
func (r *readings) prepare(n uint64) (*boltFile, error) {
	if err := r.yield(); err != nil {
		return nil, err
	}
	file, err := r.ready(n)
	if err != nil && r.s.room.tight(err) && r.dropOldest() {
		return r.ready(n)
	}
	return file, err
}

// ready reserves n numbers and returns the file to write to.
func (r *readings) ready(n uint64) (*boltFile, error) {
	seg := r.newest()
	if err := r.reserve(seg.last+n, n); err != nil {
		return nil, err
	}
	return seg.file, nil
}

// reserve raises the mark above which no number was given, before n up to upto are.
func (r *readings) reserve(upto, n uint64) error {
	r.mu.RLock()
	enough := upto <= r.reserved
	r.mu.RUnlock()
	if enough {
		return nil
	}
	mark := upto + max(reserveAhead, reserveCommits*n)
	return r.s.update(context.Background(), func(w *writeTx) error {
		st, err := w.stream(contract.Rd)
		if err != nil {
			return err
		}
		st.Reserved = max(st.Reserved, mark)
		w.setStream(contract.Rd, st)
		w.after = append(w.after, func() { r.reservedUpto(st.Reserved) })
		return nil
	})
}

var errBeyondMark = errors.New("numbers are used up to the reserved mark")

// withinMark holds fast that no number is stored above the mark.
func (r *readings) withinMark(w *writeTx) error {
	st, err := w.stream(contract.Rd)
	if err != nil {
		return err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if st.Next-1 > r.reserved {
		return fmt.Errorf("next is %d, mark is %d: %w", st.Next, r.reserved, errBeyondMark)
	}
	return nil
}

func (r *readings) reservedUpto(n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reserved = n
}

// roll goes on in a new segment. When it cannot be made the old one is used on.
func (r *readings) roll() error {
	old := r.newest()
	var st streamState
	err := old.file.view(func(tx *bbolt.Tx) (err error) {
		st, err = loadState(tx, contract.Rd)
		return err
	})
	if err != nil {
		return err
	}
	fresh, err := r.createSegment(st.Next, st.Head)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.segs = append(r.segs, fresh)
	err = old.shut()
	r.mu.Unlock()
	return errors.Join(err, r.reconcile(LostMissing))
}
