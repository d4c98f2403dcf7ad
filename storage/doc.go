// Package storage keeps a node's ledger and readings in bbolt files. It is the only importer of go.etcd.io/bbolt.
package storage
