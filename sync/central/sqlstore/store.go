package sqlstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// Store is a central.Store in an SQL database.
type Store struct {
	db      *sql.DB
	dialect Dialect
	trace   func(query string) // gets every statement of a transaction; nil: nobody looks
}

var _ central.Store = (*Store)(nil)

// New takes db over, also when it fails, and brings it to the newest layout.
func New(ctx context.Context, db *sql.DB, d Dialect) (*Store, error) {
	s := &Store{db: db, dialect: d}
	if err := s.migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// DB is for those who ask questions; what Store keeps must not be changed through it.
func (s *Store) DB() *sql.DB { return s.db }

// Close the database.
func (s *Store) Close() error { return s.db.Close() }

// Ping implements central.Store: it reads, since a connection alone proves little.
func (s *Store) Ping(ctx context.Context) error {
	var n int
	return s.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM version").Scan(&n)
}

// Commit implements central.Store.
func (s *Store) Commit(ctx context.Context, batches []central.Batch, now time.Time) ([]central.Receipt, error) {
	var receipts []central.Receipt
	err := s.within(ctx, now, func(w *work) (err error) {
		receipts, err = w.all(ctx, batches)
		return err
	})
	if err != nil && s.dialect.Content(err) {
		err = fmt.Errorf("%w: %w", central.ErrContent, err)
	}
	if err != nil {
		return nil, fmt.Errorf("store records: %w", err)
	}
	return receipts, nil
}

// key is what a watermark belongs to.
type key struct {
	node, epoch string
	stream      contract.Stream
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.node, o.node), cmp.Compare(k.epoch, o.epoch), cmp.Compare(k.stream, o.stream))
}

func keyOf(b central.Batch) key { return key{b.Node, b.Epoch, b.Stream} }

// work is one transaction.
type work struct {
	tx       *sql.Tx
	d        Dialect
	trace    func(query string)
	at       time.Time
	now      string // at, as it is stored
	stmts    map[string]*sql.Stmt
	marks    map[key]*mark       // of all streams concerned, locked
	forAll   bool                // one of its changes concerns every node
	changed  uint64              // the highest number of a change so far; 0 while there is none
	readings map[[2]string]int64 // stored in this transaction, by node and half of a day
	freed    map[key]uint64      // streams whose watermark may move because records were reported as lost, and up to where
}

// all goes through the streams one by one.
func (w *work) all(ctx context.Context, batches []central.Batch) ([]central.Receipt, error) {
	if err := w.lockAll(ctx, batches); err != nil {
		return nil, err
	}
	batches = slices.Clone(batches)
	slices.SortStableFunc(batches, func(a, b central.Batch) int { return keyOf(a).compare(keyOf(b)) })
	var receipts []central.Receipt
	for len(batches) > 0 {
		k := keyOf(batches[0])
		n := 1
		for n < len(batches) && keyOf(batches[n]) == k {
			n++
		}
		r, err := w.stream(ctx, k, batches[:n])
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, r)
		batches = batches[n:]
	}
	return w.release(ctx, receipts)
}

// lockAll locks every stream that the batches concern, in a fixed order: two processes never wait for each other in a
// circle.
func (w *work) lockAll(ctx context.Context, batches []central.Batch) error {
	keys := map[key]bool{}
	for _, b := range batches {
		keys[keyOf(b)] = true
		for _, it := range b.Items {
			switch f := it.Fact.(type) {
			case *contract.ReadingsLost:
				keys[key{b.Node, b.Epoch, contract.Rd}] = true
			case *contract.CommandResult:
				if k, asked, err := w.askedOf(ctx, b.Node, f); err != nil {
					return err
				} else if asked {
					keys[k] = true
				}
			}
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(keys), key.compare) {
		m, err := w.lock(ctx, k)
		if err != nil {
			return err
		}
		w.marks[k] = m
	}
	return nil
}

// release settles the streams of which records were reported as lost, and gives each one receipt, now the last word.
func (w *work) release(ctx context.Context, receipts []central.Receipt) ([]central.Receipt, error) {
	for _, k := range slices.SortedFunc(maps.Keys(w.freed), key.compare) {
		m := w.marks[k]
		m.high = max(m.high, w.freed[k])
		r := central.Receipt{Node: k.node, Stream: k.stream}
		var err error
		if r.Ack, err = w.settle(ctx, k, m); err != nil {
			return nil, err
		}
		if r.Ack.Nacks, err = w.nacks(ctx, k); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(receipts, func(o central.Receipt) bool {
			return key{o.Node, o.Ack.Epoch, o.Stream} == k
		})
		if at < 0 {
			receipts = append(receipts, r)
			continue
		}
		receipts[at].Ack = r.Ack
	}
	return receipts, nil
}

func (w *work) stream(ctx context.Context, k key, batches []central.Batch) (central.Receipt, error) {
	r := central.Receipt{Node: k.node, Stream: k.stream}
	mark := w.marks[k]
	for _, b := range batches {
		before, err := w.batch(ctx, k, mark, b, &r.Counts)
		if err != nil {
			return r, err
		}
		last := b.Items[len(b.Items)-1].Seq
		if err := w.meet(ctx, k, mark, last, before, &r.Counts); err != nil {
			return r, err
		}
		mark.add(b.Items[0].Seq, last)
	}
	var err error
	if r.Ack, err = w.settle(ctx, k, mark); err != nil {
		return r, err
	}
	r.Ack.Nacks, err = w.nacks(ctx, k)
	return r, err
}

// batch stores the records of one envelope and returns what is stored of the last.
func (w *work) batch(ctx context.Context, k key, m *mark, b central.Batch, c *central.Counts) (before []byte, err error) {
	if news(m, b) {
		return w.bulk(ctx, k, b, c)
	}
	for i := range b.Items {
		if before, err = w.item(ctx, k, &b.Items[i], before, c); err != nil {
			return nil, err
		}
	}
	return before, nil
}

// item stores one record, once. before is what is stored of the record in front of it, nil when that is to be looked
// up; what is stored of this one is returned.
func (w *work) item(ctx context.Context, k key, it *central.Item, before []byte, c *central.Counts) ([]byte, error) {
	if it.Nack != nil {
		fresh, err := w.quarantine(ctx, k, it, it.Nack.Code, it.Nack.Text)
		c.Quarantined += count(fresh)
		return it.Raw, err
	}
	chained, err := w.chained(ctx, k, it, before)
	if err != nil {
		return nil, err
	}
	fresh, err := w.exec(ctx, `INSERT INTO record (node, epoch, stream, seq, id, type, at, chained, received, raw)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING`,
		k.node, k.epoch, string(k.stream), int64(it.Seq), printable(it.Record.ID), it.Record.Type, stamp(it.Record.At.Time), chained, w.now, it.Raw)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return w.again(ctx, k, it, chained, c)
	}
	w.stored(k, it, chained, c)
	return it.Raw, w.project(ctx, k, it)
}

// stored counts a record that was not here before.
func (w *work) stored(k key, it *central.Item, chained sql.NullInt64, c *central.Counts) {
	c.Stored++
	c.Breaks += count(chained.Valid && chained.Int64 == 0)
	if k.stream == contract.Rd {
		w.countReading(k, it.Record.At.Time)
	}
}

// again handles a record whose identity is taken: the same bytes have no effect, others are a conflict.
func (w *work) again(ctx context.Context, k key, it *central.Item, chained sql.NullInt64, c *central.Counts) ([]byte, error) {
	old, err := w.raw(ctx, k, it.Seq)
	if err != nil {
		return nil, err
	}
	if slices.Equal(old, it.Raw) {
		c.Duplicates++
		return old, w.link(ctx, k, it.Seq, chained, c)
	}
	fresh, err := w.quarantine(ctx, k, it, contract.CodeConflict, "the same sequence is stored with other content")
	c.Conflicts += count(fresh)
	return old, err
}

func (w *work) chained(ctx context.Context, k key, it *central.Item, before []byte) (sql.NullInt64, error) {
	if before == nil && it.Seq > 1 {
		var err error
		if before, err = w.raw(ctx, k, it.Seq-1); err != nil {
			return sql.NullInt64{}, err
		}
		if before == nil {
			return sql.NullInt64{}, nil
		}
	}
	return sql.NullInt64{Int64: int64(count(contract.CheckChain(before, it.Record) == nil)), Valid: true}, nil
}

// meet looks whether the record behind last, which came before its time, continues it.
func (w *work) meet(ctx context.Context, k key, m *mark, last uint64, before []byte, c *central.Counts) error {
	if m.high <= last || before == nil {
		return nil
	}
	var raw []byte
	err := w.row(ctx, `SELECT raw FROM record WHERE node = ?1 AND epoch = ?2 AND stream = ?3 AND seq = ?4 AND chained IS NULL`,
		k.node, k.epoch, string(k.stream), int64(last+1)).Scan(&raw)
	if err != nil {
		return ignoreNoRows(err)
	}
	r, err := contract.ParseRecord(raw)
	sound := err == nil && contract.CheckChain(before, r) == nil
	return w.link(ctx, k, last+1, sql.NullInt64{Int64: int64(count(sound)), Valid: true}, c)
}

// link notes of a record that came before its time whether it continues the one before, now that this is known.
func (w *work) link(ctx context.Context, k key, seq uint64, chained sql.NullInt64, c *central.Counts) error {
	if !chained.Valid {
		return nil
	}
	fresh, err := w.exec(ctx, `UPDATE record SET chained = ?1 WHERE node = ?2 AND epoch = ?3 AND stream = ?4 AND seq = ?5 AND chained IS NULL`,
		chained, k.node, k.epoch, string(k.stream), int64(seq))
	c.Breaks += count(fresh && chained.Int64 == 0)
	return err
}

func (w *work) quarantine(ctx context.Context, k key, it *central.Item, code, text string) (bool, error) {
	sum := sha256.Sum256(it.Raw)
	raw := it.Raw
	if raw == nil {
		raw = []byte{}
	}
	return w.exec(ctx, `INSERT INTO quarantine (node, epoch, stream, seq, code, sha256, text, received, raw)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING`,
		k.node, k.epoch, string(k.stream), int64(it.Seq), code, hex.EncodeToString(sum[:]), printable(text), w.now, raw)
}

// raw returns a stored record, or a quarantined one, or nil.
func (w *work) raw(ctx context.Context, k key, seq uint64) ([]byte, error) {
	for _, table := range []string{"record", "quarantine"} {
		var raw []byte
		err := w.row(ctx, `SELECT raw FROM `+table+` WHERE node = ?1 AND epoch = ?2 AND stream = ?3 AND seq = ?4`,
			k.node, k.epoch, string(k.stream), int64(seq)).Scan(&raw)
		if err == nil {
			return raw, nil
		}
		if err != sql.ErrNoRows {
			return nil, err
		}
	}
	return nil, nil
}

func count(yes bool) uint64 {
	if yes {
		return 1
	}
	return 0
}

// stampLayout sorts as a text in the order of time.
const stampLayout = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

func ignoreNoRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
