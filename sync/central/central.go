// Package central is the reference ingest of the central system: it takes envelopes in, verifies them, stores each
// record once and acknowledges after the commit. The store is behind an interface (sqlite, postgres), the broker behind
// another (mqttlink).
package central

import (
	"context"
	"errors"
	"time"

	"tally/sync/contract"
)

// Item is one record of a batch, verified.
type Item struct {
	Seq    uint64
	Raw    []byte          // as it came; stored unchanged
	Record contract.Record // zero when Nack is set
	Fact   any             // *contract.Sale, *contract.Reading, and the like; nil for what has no table of its own
	Nack   *contract.Nack  // why it goes into quarantine instead
}

// Batch is the content of one envelope.
type Batch struct {
	Node   string
	Epoch  string
	Stream contract.Stream
	Items  []Item // at least one, of consecutive sequences
}

// Receipt says what became of the batches of one stream.
type Receipt struct {
	Node   string
	Stream contract.Stream
	Ack    contract.Ack // to be sent now, since it is committed
	Counts Counts
}

// Counts of records.
type Counts struct {
	Stored      uint64
	Duplicates  uint64 // here already, with the same bytes
	Conflicts   uint64 // here already, with other bytes; in quarantine
	Quarantined uint64 // not what the contract says
	Breaks      uint64 // stored, but not continuing the record before
}

// ErrContent says that the database answers and will never take what it was given, however often it is tried.
var ErrContent = errors.New("not to be stored in this database")

// Store keeps records. Its methods may be called from several goroutines, and several processes may use the same
// database where it allows that.
type Store interface {
	// Commit makes all batches durable in one transaction, each record at most once whatever was committed before. A
	// nil error proves that every record that the receipts acknowledge survives a power cut; an error means that
	// nothing of it is stored, and one matching ErrContent that it will not be by trying again. There is one receipt for each (node, epoch, stream), and one for rd where readings were
	// reported as lost.
	Commit(ctx context.Context, batches []Batch, now time.Time) ([]Receipt, error)

	// Refuse keeps a payload of which nothing can be trusted, for people to look at. The same payload is kept once.
	Refuse(ctx context.Context, d contract.Delivery, why *contract.Invalid, now time.Time) error

	// Ping says whether the database answers.
	Ping(ctx context.Context) error

	// Close it after its last use.
	Close() error
}

// Road carries envelopes in and acknowledgements out.
type Road interface {
	// In gives what nodes have delivered. It is never closed.
	In() <-chan contract.Delivery

	// Ack leaves a retained acknowledgement for a node. It may fail; the node will ask again.
	Ack(ctx context.Context, node string, s contract.Stream, a contract.Ack) error

	// Present says whether this centre takes records now.
	Present(online bool)
}
