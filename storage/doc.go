// Package storage keeps a node's ledger and readings in bbolt files. It is the only importer of go.etcd.io/bbolt.
//
// A data folder holds
//
//	lock                      taken by the process that uses the folder; contains its process id
//	ledger.db                 accounts, orders, operators, receipts, the outboxes tx and ev, the state of all streams
//	node.key                  the node's own Ed25519 key, not part of a backup
//	ballast                   space set aside for finishing what was begun when the disk is full
//	readings/<first seq>.db   segments of the stream rd, each with the newest reading and failure of every meter
//	readings/*.damaged        segments that could not be read any more, kept for a specialist
//	*.new                     half made; removed at the next start
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
// Deleting files by hand is noticed in the same way.
//
// # When the disk is full
//
// [Store.Room] refuses a sale before anything is written while less than the reserve is free. A commit of the counter
// that finds the disk full gives up the ballast and is tried again, so that a sale that was begun can end. Readings give
// way: below the reserve their oldest segment is deleted, acknowledged or not, and what is lost is reported on ev.
//
// # When the disk takes no writes
//
// A file system that found an error becomes read-only under the running process, a failing one answers with an input or
// output error. The commit that meets it stores nothing and says so; from then on [Store.Room] refuses sales before they
// are begun, with [ErrReadOnly] where that is the reason, until a trial write has succeeded. Readings are refused one by
// one: none is said to be kept that is not. Whoever has become read-only by an error stays so until it was checked and
// mounted again, for which the process must end.
//
// # Damage
//
// Before bbolt maps a file its pages are walked: a file that is cut short would end the process by SIGBUS, one whose
// page numbers run in a circle would never return. A damaged ledger is refused; a damaged segment is set aside. [Store.Check]
// verifies every page, chain, number and index.
//
// # Backups
//
// [Store.Backup] copies one moment while sales go on. [Restore] gives the ledger a new epoch and numbers anew what the
// centre had not acknowledged, see [contract.LedgerRestored].
package storage
