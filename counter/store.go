package counter

import (
	"context"
	"errors"

	"tally/cardreader/purse"
	"tally/sync/outbox"
)

// Errors of a Store, to be tested with errors.Is.
var (
	// ErrNotFound: there is no such account, order or operator.
	ErrNotFound = errors.New("not found")
	// ErrStore: the disk or the file refused; nothing of the transaction is stored.
	ErrStore = errors.New("ledger cannot store")
	// ErrNoRoom: less free space than a whole sale may need; a sale is refused before anything is written.
	ErrNoRoom = errors.New("not enough room on the disk for a sale")
)

// Store is the ledger as the counter needs it.
type Store interface {
	// View runs f on one consistent state. What f put is an error.
	View(ctx context.Context, f func(Tx) error) error

	// Update runs f in one durable transaction: a nil error proves that everything f put and emitted is on disk and
	// survives a power cut. Any error means that nothing of it is stored; one from f comes back as it is, others match
	// ErrStore. f may be run more than once (several updates share one commit), so it must not act on
	// the world, and must set anew whatever it hands to the outside.
	Update(ctx context.Context, f func(Tx) error) error

	// Room proves that intent, result and outbox records of one more sale will fit; otherwise ErrNoRoom.
	Room(ctx context.Context) error
}

// Tx is one transaction. It must not be used after f has returned. Lookups of what is not there are ErrNotFound.
type Tx interface {
	AccountTx
	OrderTx
	OperatorTx
	// Emit appends a record to a stream of the outbox within the transaction.
	Emit(outbox.Draft) error
}

// AccountTx is the customers' part of a transaction.
type AccountTx interface {
	Account(no string) (Account, error)
	AccountOfCard(purse.CardID) (Account, error)
	// PutAccount stores a and moves the card index along.
	PutAccount(a Account) error
	// EachAccount visits all accounts by number until f returns false.
	EachAccount(f func(Account) bool) error
}

// OrderTx is the journal's part of a transaction.
type OrderTx interface {
	Order(id string) (Order, error)
	OrderOfRequest(request string) (Order, error)
	// PutOrder stores o and keeps the indices of requests, cards and open orders.
	PutOrder(o Order) error
	// OpenOrders returns every order whose state is open, oldest first.
	OpenOrders() ([]Order, error)
	// OrdersOfCard returns at most n orders of a card, newest first.
	OrdersOfCard(c purse.CardID, n int) ([]Order, error)
}

// OperatorTx is the operators' part of a transaction, and the stock of receipt numbers.
type OperatorTx interface {
	Operator(name string) (Operator, error)
	PutOperator(Operator) error
	// NextReceipt takes the next receipt number of the station; no gap, no reuse.
	NextReceipt(station string) (uint64, error)
}
