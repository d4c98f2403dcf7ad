package storage

import (
	"errors"

	"go.etcd.io/bbolt"
)

// batch is one attempt at committing several jobs in one transaction.
type batch struct {
	jobs   []*job
	begin  func(*writeTx) error // before the first job
	end    func(*writeTx) error // completes the transaction when anything was changed
	ours   bool                 // the jobs are this package's own: what panics is the file, not the job
	failed map[*job]error
	spoilt *job // panicked; the transaction is not to be trusted
	w      *writeTx
}

var (
	errSpoilt  = errors.New("a job panicked")
	errNothing = errors.New("nothing to commit") // ends a transaction that changed nothing, without a sync
)

// commit runs the jobs in one transaction of b and finishes each. A job that fails leaves nothing behind and does not
// spoil the others; if the transaction as a whole fails, so has every job. again may name a file for one more try after an error;
// settled is called when the transaction is durable, before the jobs are finished.
func commit(b *boltFile, proto batch, again func(error) *boltFile, settled func(*writeTx)) {
	for len(proto.jobs) > 0 {
		t := proto
		t.failed = make(map[*job]error)
		err := b.update(t.run)
		if t.spoilt != nil {
			// A panic may have left the tree half changed: the others start again without the culprit.
			t.spoilt.finish(t.failed[t.spoilt])
			proto.jobs = without(proto.jobs, t.spoilt)
			continue
		}
		if errors.Is(err, errNothing) {
			err = nil
		} else if err == nil {
			settled(t.w)
		} else if other := again(err); other != nil {
			b = other
			continue
		}
		t.deliver(err)
		return
	}
}

func (t *batch) run(tx *bbolt.Tx) error {
	t.w = newWriteTx(tx)
	if err := t.begin(t.w); err != nil {
		return err
	}
	for _, j := range t.jobs {
		if err := t.one(j); err != nil {
			return err
		}
	}
	if !t.w.changed && len(t.w.streams) == 0 {
		return errNothing
	}
	t.w.start()
	return t.end(t.w)
}

func (t *batch) one(j *job) error {
	t.w.start()
	var err error
	panicked := false
	if t.ours {
		err = j.do(t.w)
	} else {
		err, panicked = call(j.do, t.w)
	}
	if err == nil {
		return nil
	}
	t.failed[j] = err
	if panicked {
		t.spoilt = j
		return errSpoilt
	}
	return t.w.fail()
}

// deliver tells everybody. What a failed job saw of its neighbours is only true if the commit succeeded; otherwise its
// own error would speak of a state that never was.
func (t *batch) deliver(err error) {
	for _, j := range t.jobs {
		if err != nil {
			j.finish(storeErr(err))
			continue
		}
		j.finish(t.failed[j])
	}
}

func without(jobs []*job, out *job) []*job {
	rest := make([]*job, 0, len(jobs))
	for _, j := range jobs {
		if j != out {
			rest = append(rest, j)
		}
	}
	return rest
}
