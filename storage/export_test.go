package storage

import (
	"runtime"

	"go.etcd.io/bbolt"
)

// WithMigrations gives tests a store that knows n more layouts than this version.
func WithMigrations(o Options, n int, up func(tx *bbolt.Tx) error) Options {
	o.migrations = append([]migration{}, ledgerMigrations...)
	for range n {
		o.migrations = append(o.migrations, migration{name: "from a test", up: up})
	}
	return o
}

// ReserveAhead is how far the mark of numbers is ahead.
const ReserveAhead = reserveAhead

// WaitQueued returns when n updates wait for the running commit.
func (s *Store) WaitQueued(n int) {
	for {
		s.commits.mu.Lock()
		queued := len(s.commits.queue)
		s.commits.mu.Unlock()
		if queued >= n {
			return
		}
		runtime.Gosched()
	}
}
