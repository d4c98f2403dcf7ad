package storage

import (
	"context"
	"encoding/hex"
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
	drafts := make([]kept, len(values))
	for i, v := range values {
		var err error
		if drafts[i], err = v.draft(); err != nil {
			return err
		}
	}
	return s.readings.keep(ctx, drafts)
}

// kept is a value as it will be stored. The record's time is the meter's, so that an old value never gets a new time.
type kept struct {
	draft
	body any // contract.Reading or contract.ReadingFailed
}

func (v Value) draft() (kept, error) {
	switch {
	case v.Reading != nil:
		body := readingBody(*v.Reading)
		raw := appendReading(make([]byte, 0, 256+len(body.Raw)), body)
		return kept{draft{contract.Rd, contract.TypeReading, readingID(body.Meter, body.At), v.Reading.At, raw}, body}, checkKey("meter number", body.Meter)
	case v.Failure != nil:
		f := v.Failure
		body := contract.ReadingFailed{Meter: string(f.Meter), At: contract.At(f.At), Line: f.Line, Code: f.Code, Text: f.Text}
		raw := appendFailed(make([]byte, 0, 256), body)
		return kept{draft{contract.Rd, contract.TypeReadingFailed, readingID(body.Meter, body.At), f.At, raw}, body}, checkKey("meter number", body.Meter)
	}
	return kept{}, errors.New("keep: neither a reading nor a failure")
}

// readingID is "meter@time", to the millisecond.
func readingID(meter string, at contract.Time) string {
	b := make([]byte, 0, len(meter)+28)
	b = append(append(b, meter...), '@')
	quoted := appendTime(b, at.Time)
	copy(quoted[len(b):], quoted[len(b)+1:]) // without the quotes
	return string(quoted[:len(quoted)-2])
}

func readingBody(r meter.Reading) contract.Reading {
	body := contract.Reading{Meter: string(r.Meter), At: contract.At(r.At), Line: r.Line, Quality: r.Quality}
	for _, v := range r.Values {
		body.Values = append(body.Values, contract.Value{Name: v.Name, Value: v.Number.String(), Unit: string(v.Unit)})
	}
	body.Raw = hex.EncodeToString(r.Raw[:min(len(r.Raw), maxRaw)])
	return body
}

// keep commits records. Their bytes are made before it is their turn, while the commit before is being synced, as they
// will be if that succeeds; otherwise they are made again.
func (r *readings) keep(ctx context.Context, list []kept) error {
	if err := ctx.Err(); err != nil || len(list) == 0 {
		return err
	}
	if r.s.closed.Load() {
		return storeErr(ErrClosed)
	}
	ahead, err := r.ahead.prepare(r.s.opts.stamper().frozen(), list)
	if err != nil {
		return err
	}
	return r.commits.doMany(ctx, len(list), func(w *writeTx) error {
		if err := r.append(w, list, ahead); err != nil {
			return err
		}
		w.after = append(w.after, func() {
			for _, d := range list {
				r.see(d.body)
			}
		})
		return nil
	})
}

// append puts records at the end of the stream.
func (r *readings) append(w *writeTx, list []kept, p prepared) error {
	st, err := w.stream(contract.Rd)
	if err != nil {
		return err
	}
	if p.from.Next != st.Next || p.from.Head != st.Head {
		if p, err = prepare(r.s.opts.stamper().frozen(), list, st); err != nil {
			return err
		}
		r.ahead.correct(p.to)
	}
	for i, raw := range p.raws {
		if err := w.insert(bRd, u64(st.Next+uint64(i)), raw); err != nil {
			return err
		}
	}
	st.Next, st.Head = p.to.Next, p.to.Head
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
	if err := r.reserve(seg.last + n); err != nil {
		return nil, err
	}
	return seg.file, nil
}

// reserve raises the mark above which no number was given, before one is.
func (r *readings) reserve(upto uint64) error {
	r.mu.RLock()
	enough := upto <= r.reserved
	r.mu.RUnlock()
	if enough {
		return nil
	}
	mark := upto + reserveAhead
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
