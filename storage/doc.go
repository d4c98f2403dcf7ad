// Package storage keeps a node's ledger and readings in bbolt files. It is the only importer of go.etcd.io/bbolt.
//
// A data folder holds
//
//	lock                      taken by the process that uses the folder; contains its process id
//	ledger.db                 accounts, orders, operators, receipts, the outboxes tx and ev, the state of all streams
//	ballast                   space set aside for finishing what was begun when the disk is full
//	readings/<first seq>.db   segments of the stream rd, each with the newest reading and failure of every meter
//	readings/*.damaged        segments that could not be read any more, kept for a specialist
//
// A [Store] is the counter's Store, the sink of the meter schedule and, by [Store.Queue], the durable end of the outbox.
//
// # What a commit proves
//
// Everything that one call puts and emits is one bbolt transaction. bbolt writes the changed pages to free places,
// syncs, writes one of two alternating meta pages and syncs again; whichever meta page is whole and newest names the
// state. Calls that arrive while a commit is under way share the next one. When the last sync fails the new meta page
// may or may not be on the disk: it is then overwritten and synced before anything else happens, so that an error always
// means that nothing is stored.
//
// # Sequence numbers
//
// A number is given inside the commit that stores its record and is never given twice. For readings the ledger keeps a
// mark above every number that may have been given; if the newest segment is lost, numbering goes on above the mark,
// the numbers between are reported as lost on the stream ev, and nothing is ever sent again under a used number.
package storage
