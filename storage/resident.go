package storage

import "go.etcd.io/bbolt"

// Pages of a mapped file that were looked at count as the process's memory until they are given back; the kernel brings
// sixteen for each that is needed. On a node that drains the backlog of weeks that would be whole segments and the whole
// ledger, and a service manager with a limit on memory would end it.
const (
	forgetEvery        = 32   // uses of a file, after which its pages are given back
	forgetEveryRecords = 4096 // the same in a walk over all records
)

// forget gives the resident pages of tx's file back to the kernel's cache, from where they come again when they are
// looked at. While tx is open the mapping is at least as long as the transaction's pages and stays where it is.
func forget(tx *bbolt.Tx) {
	forgetMapped(tx.DB().Info().Data, uintptr(tx.Size()))
}
