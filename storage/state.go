package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"tally/counter"
	"tally/sync/outbox"
)

// StateTx is a transaction in which a part of the node changes what it wants to know after a restart, together with the
// records that tell of it.
type StateTx interface {
	// LoadState decodes what is kept under name into v; counter.ErrNotFound when there is nothing.
	LoadState(name string, v any) error
	// SaveState keeps v under name.
	SaveState(name string, v any) error
	// Emit appends a record to the stream tx or ev.
	Emit(outbox.Draft) error
}

var _ StateTx = (*ledgerTx)(nil)

// stateKey keeps the names of others apart from the store's own.
func stateKey(name string) []byte { return append([]byte("part/"), name...) }

// LoadState implements StateTx.
func (t *ledgerTx) LoadState(name string, v any) error { return t.load(bState, stateKey(name), v) }

// SaveState implements StateTx.
func (t *ledgerTx) SaveState(name string, v any) error {
	if err := checkKey("state", name); err != nil {
		return err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode state %s: %w", name, err)
	}
	if bytes.Equal(t.w.tx.Bucket(bState).Get(stateKey(name)), raw) {
		return nil
	}
	return t.w.put(bState, stateKey(name), raw)
}

// UpdateState runs f in one durable transaction, with the rules of Update.
func (s *Store) UpdateState(ctx context.Context, f func(StateTx) error) error {
	return s.Update(ctx, func(tx counter.Tx) error { return f(tx.(*ledgerTx)) })
}

// LoadState decodes what is kept under name into v; counter.ErrNotFound when there is nothing.
func (s *Store) LoadState(ctx context.Context, name string, v any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.ledger.view(func(tx *bbolt.Tx) error {
		return (&ledgerTx{w: newWriteTx(tx), by: s.opts.stamper()}).LoadState(name, v)
	})
}
