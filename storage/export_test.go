package storage

import "go.etcd.io/bbolt"

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
