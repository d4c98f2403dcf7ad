package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"tally/counter"
	"tally/sync/contract"
	"tally/sync/outbox"
)

var _ counter.Store = (*Store)(nil)

// View implements counter.Store. f must not call Update: a commit that has to enlarge the file waits for readers.
func (s *Store) View(ctx context.Context, f func(counter.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var fromF error
	err := s.ledger.view(func(tx *bbolt.Tx) error {
		fromF = s.callView(f, tx)
		return nil
	})
	if err != nil {
		return storeErr(err)
	}
	return fromF
}

func (s *Store) callView(f func(counter.Tx) error, tx *bbolt.Tx) error {
	err, _ := call(func(w *writeTx) error { return f(&ledgerTx{w: w, by: s.opts.stamper()}) }, newWriteTx(tx))
	return err
}

// Update implements counter.Store.
func (s *Store) Update(ctx context.Context, f func(counter.Tx) error) error {
	return s.submit(ctx, true, func(w *writeTx) error { return f(&ledgerTx{w: w, by: s.opts.stamper()}) })
}

// update is for the store's own book-keeping.
func (s *Store) update(ctx context.Context, f func(*writeTx) error) error {
	return s.submit(ctx, false, f)
}

func (s *Store) submit(ctx context.Context, urgent bool, f func(*writeTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return storeErr(ErrClosed)
	}
	return s.commits.do(ctx, urgent, f)
}

// commitLedger commits jobs, with the ballast's space if the disk is full and a job is the counter's: a sale that was
// begun must be able to end.
func (s *Store) commitLedger(jobs []*job) {
	b := batch{jobs: jobs, begin: func(*writeTx) error { return nil }, end: (*writeTx).flush}
	again := func(err error) *boltFile {
		switch {
		case !s.room.tight(err):
			s.room.suspect(err)
		case slices.ContainsFunc(jobs, func(j *job) bool { return j.urgent }) && s.room.release():
			return s.ledger
		}
		return nil
	}
	commit(s.ledger, b, again, s.publish)
}

// publish makes a durable change visible to those who ask without the disk.
func (s *Store) publish(w *writeTx) {
	for name, st := range w.streams {
		if name != contract.Rd {
			s.tips[name].set(outbox.State{Epoch: s.epoch, First: st.First, Next: st.Next, Acked: st.Acked, Rewound: st.Rewound})
		}
	}
	for _, f := range w.after {
		f()
	}
}

func (s *Store) loadTips() error {
	s.tips = make(map[contract.Stream]*tip)
	return s.ledger.view(func(tx *bbolt.Tx) error {
		for _, name := range contract.Streams {
			st, err := loadState(tx, name)
			if err != nil {
				return err
			}
			s.tips[name] = newTip(outbox.State{Epoch: s.epoch, First: st.First, Next: st.Next, Acked: st.Acked, Rewound: st.Rewound})
		}
		return nil
	})
}

// ledgerTx is a counter.Tx.
type ledgerTx struct {
	w  *writeTx
	by stamper
}

var _ counter.Tx = (*ledgerTx)(nil)

var errReadingsAreKept = errors.New("readings are kept, not emitted")

// ChainCode is the short code of the chain tx as it ends now, what this transaction has emitted so far included.
func (t *ledgerTx) ChainCode() string {
	st, err := t.w.stream(contract.Tx)
	if err != nil { // damage; the commit will say so
		return ""
	}
	return headOf(st).Code()
}

// Emit implements counter.Tx for the streams tx and ev.
func (t *ledgerTx) Emit(d outbox.Draft) error {
	switch d.Stream {
	case contract.Tx, contract.Ev:
		return t.w.emit(t.by, d)
	case contract.Rd:
		return errReadingsAreKept
	}
	return fmt.Errorf("emit to unknown stream %.16q", d.Stream)
}
