package counter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"tally/counter"
	"tally/counter/countertest"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// disk is the ledger of a counter on a real store, on a disk whose every write and sync is a step of the counter's
// power: after a cut what lies there is what a power cut leaves, not what the process believes to have written.
type disk struct {
	t     tester
	base  string // folders are made in it
	power *countertest.Power

	lives int // folders so far
	rec   *storagetest.Recorder
	store *storage.Store

	mu  sync.Mutex
	ids map[string]bool // of orders that were put, stored or not
}

var _ ledger = (*disk)(nil)

// newDisk opens an empty store below base.
func newDisk(t tester, base string, p *countertest.Power) *disk {
	t.Helper()
	d := &disk{t: t, base: base, power: p, ids: map[string]bool{}}
	d.open(d.folder())
	return d
}

func (d *disk) folder() string {
	d.lives++
	return filepath.Join(d.base, fmt.Sprint("life-", d.lives))
}

// open starts a store on what lies in a folder.
func (d *disk) open(dir string) {
	d.t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		d.t.Fatal(err)
	}
	d.rec = storagetest.NewRecorder(dir)
	if err := d.rec.Adopt(); err != nil {
		d.t.Fatal(err)
	}
	d.rec.Through(func(o storage.Op, note func() error) error { return d.power.Step(string(o.Kind), note) })
	store, err := storage.Open(dir, storage.Options{Node: "n1", Ballast: -1, Logger: slog.New(slog.DiscardHandler), Hooks: d.rec.Hooks()})
	if err != nil {
		d.t.Fatalf("open what the cut left: %v", err)
	}
	d.store = store
}

// crash ends the life of the store and begins another on what is left of its disk. The process must have ended.
func (d *disk) crash(left storagetest.Survival, rnd *rand.Rand) {
	d.t.Helper()
	n := d.rec.Len()
	d.power.Cut()
	_ = d.store.Close() // without power
	dir := d.folder()
	if err := d.rec.Image(dir, n, left, rnd); err != nil {
		d.t.Fatal(err)
	}
	d.power.CutAt(0, false)
	d.open(dir)
	d.check()
}

// check verifies the store's files.
func (d *disk) check() {
	d.t.Helper()
	rep, err := d.store.Check(context.Background())
	if err != nil {
		d.t.Errorf("check store: %v", err)
	}
	for _, f := range rep.Findings {
		d.t.Errorf("%s: %s", f.File, f.Text)
	}
}

// close verifies the files a last time.
func (d *disk) close() {
	d.t.Helper()
	if d.store.Closed() {
		return // what the cut left could not be opened
	}
	d.power.CutAt(0, false)
	d.check()
	if err := d.store.Close(); err != nil {
		d.t.Errorf("close store: %v", err)
	}
}

// View implements counter.Store.
func (d *disk) View(ctx context.Context, f func(counter.Tx) error) error {
	if d.power.Dead() {
		return fmt.Errorf("%w: %w", counter.ErrStore, countertest.ErrDead)
	}
	return d.store.View(ctx, f)
}

// Update implements counter.Store.
func (d *disk) Update(ctx context.Context, f func(counter.Tx) error) error {
	if d.power.Dead() {
		return fmt.Errorf("%w: %w", counter.ErrStore, countertest.ErrDead)
	}
	return d.store.Update(ctx, func(tx counter.Tx) error { return f(watched{tx, d}) })
}

// Room implements counter.Store.
func (d *disk) Room(ctx context.Context) error { return d.store.Room(ctx) }

// FailUpdates implements ledger: this disk fails only without power.
func (d *disk) FailUpdates(f func(int) error) {
	if f != nil {
		d.t.Fatal("no such fault on a real store")
	}
}

// watched remembers the orders that are put; a store has no list of all.
type watched struct {
	counter.Tx
	d *disk
}

func (w watched) PutOrder(o counter.Order) error {
	w.d.mu.Lock()
	w.d.ids[o.ID] = true
	w.d.mu.Unlock()
	return w.Tx.PutOrder(o)
}

// ChainCode goes through to the store, whose receipts carry it.
func (w watched) ChainCode() string {
	if c, ok := w.Tx.(interface{ ChainCode() string }); ok {
		return c.ChainCode()
	}
	return ""
}

// Orders is the whole journal, oldest first.
func (d *disk) Orders() []counter.Order {
	d.mu.Lock()
	ids := slices.Sorted(maps.Keys(d.ids))
	d.mu.Unlock()
	var all []counter.Order
	err := d.store.View(context.Background(), func(tx counter.Tx) error {
		all = all[:0]
		for _, id := range ids {
			if o, err := tx.Order(id); err == nil {
				all = append(all, o)
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

// Records is what waits for the centre about money and cards, oldest first.
func (d *disk) Records() []countertest.Record {
	raw, err := d.store.Queue(contract.Tx).Read(context.Background(), 1, 10_000, 64<<20)
	if err != nil {
		d.t.Fatal(err)
	}
	var all []countertest.Record
	for _, r := range raw {
		var rec contract.Record
		if err := json.Unmarshal(r.Raw, &rec); err != nil {
			d.t.Fatal(err)
		}
		all = append(all, countertest.Record{Stream: contract.Tx, Type: rec.Type, ID: rec.ID, Body: rec.Body})
	}
	return all
}
