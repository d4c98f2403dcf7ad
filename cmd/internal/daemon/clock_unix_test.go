//go:build unix

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"tally/cardreader/cardsim"
	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// badClock is a wall clock that can be set, and the time since boot, which cannot.
type badClock struct {
	mu   sync.Mutex
	wall time.Time
	mono time.Duration
}

func (c *badClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(time.Millisecond)
	return c.wall
}

func (c *badClock) sinceBoot() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mono += time.Millisecond
	return c.mono
}

func (c *badClock) set(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

// The sale begins half an hour into a business day, so that an hour back is the day before.
var jumpsFrom = time.Date(2026, 11, 21, 0, 30, 0, 0, time.FixedZone("UTC+8", 8*3600))

// TestFaultTheClockJumpsInASale sets the clock an hour back, or ten years ahead, before every commit, every write and sync
// to the disk and every APDU of a sale, as somebody who notices the wrong time does, or a time server. The sale is whole,
// its records are in the order in which things happened, and each business day is stated once.
func TestFaultTheClockJumpsInASale(t *testing.T) {
	template := t.TempDir()
	prepare(t, template)
	stride := int64(7)
	if long() {
		stride = 1
	}
	for name, jump := range map[string]time.Duration{"an hour back": -time.Hour, "ten years ahead": 3652 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]int{}
			for at := int64(1); ; at += stride {
				dir := filepath.Join(t.TempDir(), "case")
				copyTree(t, template, dir)
				how, jumped := jumpInASale(t, dir, at, jump)
				seen[how]++
				if t.Failed() {
					t.Fatalf("step %d", at)
				}
				if !jumped {
					break
				}
			}
			t.Logf("%v", seen)
			if seen["at once"] == 0 || jump > 0 && seen["after a new login"] == 0 {
				t.Errorf("the jumps did not reach every way: %v", seen)
			}
		})
	}
}

// jumpInASale sells while the clock jumps at a step, and says how the sale came about and whether it had so many steps.
func jumpInASale(t *testing.T, dir string, at int64, jump time.Duration) (how string, jumped bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	clock := &badClock{wall: jumpsFrom, mono: time.Hour}
	f := &fuse{at: at, act: func() { clock.set(jump) }}
	disk := storagetest.NewFaults()
	disk.Watch(func(storage.Op) { f.step() })
	src := cardsim.NewSource(rigReader)
	r, err := openRigWith(dir, fusedSource{src, f}, storage.Options{Hooks: disk.Hooks(), Now: clock.now, Mono: clock.sinceBoot, Boot: "boot-1"},
		func(s counter.Store) counter.Store { return fusedStore{s, f} })
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.stop(); err != nil {
			t.Errorf("step %d: stop: %v", at, err)
		}
	}()
	chip, err := rigChip(dir)
	if err != nil {
		t.Fatal(err)
	}
	days := storage.Days{Zone: jumpsFrom.Location(), Most: 3}
	if _, err := r.store.State(ctx, days); err != nil { // the day before is over
		t.Fatal(err)
	}
	if err := r.login(ctx); err != nil {
		t.Fatal(err)
	}
	f.armed.Store(true)
	if err := src.Insert(rigReader, cardsim.ACS(chip)); err != nil {
		t.Fatal(err)
	}
	how = sellWhatever(t, ctx, r, jump)
	f.armed.Store(false)
	jumped = f.n.Load() >= at
	law(t, ctx, r, chip, at)
	wantOneSale(t, ctx, r, jump)
	wantOrder(t, ctx, r)
	if jumped {
		clock.set(-jump) // somebody puts it right
	}
	clock.set(24 * time.Hour)
	wantStatements(t, ctx, r, days)
	return how, jumped
}

// sellWhatever sells as a clerk does: who is logged out for want of a sound clock logs in again and asks for the same.
func sellWhatever(t *testing.T, ctx context.Context, r *rig, jump time.Duration) string {
	t.Helper()
	d, err := r.wait(ctx, settled)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.sell(ctx, d, "request-0000000001", killVol)
	if err == nil {
		return "at once"
	}
	if no, ok := errors.AsType[*counter.Refusal](err); !ok || no.Code != counter.CodeNoSession || jump < 0 {
		t.Fatalf("refused: %v", err)
	}
	if err := r.login(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := r.sell(ctx, d, "request-0000000001", killVol); err != nil {
		t.Fatalf("refused again: %v", err)
	}
	return "after a new login"
}

// wantOneSale: the business day of the sale is that of its intent, in the ledger, in the record and on the card; only its
// end may be of the other time.
func wantOneSale(t *testing.T, ctx context.Context, r *rig, jump time.Duration) {
	t.Helper()
	near := func(at time.Time) bool {
		for _, base := range []time.Time{jumpsFrom, jumpsFrom.Add(jump)} {
			if d := at.Sub(base); d >= 0 && d < time.Minute {
				return true
			}
		}
		return false
	}
	var order counter.Order
	err := r.store.View(ctx, func(tx counter.Tx) error {
		orders, err := tx.OrdersOfCard(rigCard, 10)
		if len(orders) == 1 {
			order = orders[0]
		}
		return err
	})
	if err != nil || order.State != counter.Done || order.Receipt != 1 || !near(order.IntentAt) || !near(order.EndAt) {
		t.Errorf("order %+v, %v", order, err)
	}
	for _, rec := range decoded(t, ctx, r, contract.Tx) {
		var sale contract.Sale
		if err := json.Unmarshal(rec.Body, &sale); err != nil {
			t.Fatal(err)
		}
		if rec.Type == contract.TypeSale && !sale.IntentAt.Equal(order.IntentAt.Truncate(time.Millisecond)) {
			t.Errorf("the record says %s, the order %s", sale.IntentAt, order.IntentAt)
		}
	}
	wall := order.IntentAt.In(jumpsFrom.Location()).Format("2006-01-02T15")
	d, err := r.wait(ctx, func(d counter.Desk) bool { return settled(d) && d.Card.Order != nil })
	if err != nil || d.Card.Order.At != wall {
		t.Errorf("the card says %+v, the order %s, %v", d.Card, wall, err)
	}
}

// wantOrder: numbers and the time since boot go forward whatever the clock says, so that a centre can put the times right.
func wantOrder(t *testing.T, ctx context.Context, r *rig) {
	t.Helper()
	for _, stream := range []contract.Stream{contract.Tx, contract.Ev} {
		for i, rec := range decoded(t, ctx, r, stream) {
			if rec.Seq != uint64(i)+1 || rec.Boot == "" {
				t.Errorf("record %s/%d: %+v", stream, i+1, rec)
			}
		}
	}
	var mono []int64
	for _, rec := range decoded(t, ctx, r, contract.Tx) {
		if rec.Boot == "boot-1" {
			mono = append(mono, rec.Mono)
		}
	}
	if len(mono) == 0 || !slices.IsSorted(mono) || mono[0] < time.Hour.Milliseconds() {
		t.Errorf("times since boot: %v", mono)
	}
}

// wantStatements: each day is stated at most once, and says what the records of that day say.
func wantStatements(t *testing.T, ctx context.Context, r *rig, days storage.Days) {
	t.Helper()
	if n, err := r.store.State(ctx, days); err != nil || n == 0 || n > days.Most {
		t.Fatalf("%d statements, %v", n, err)
	}
	stated := map[string]bool{}
	for _, rec := range decoded(t, ctx, r, contract.Ev) {
		if rec.Type != contract.TypeStatement {
			continue
		}
		var st contract.Statement
		if err := json.Unmarshal(rec.Body, &st); err != nil {
			t.Fatal(err)
		}
		want := int64(0)
		for _, s := range decoded(t, ctx, r, contract.Tx) {
			if s.Type == contract.TypeSale && !s.At.Before(st.From.Time) && s.At.Before(st.To.Time) {
				want++
			}
		}
		if stated[rec.ID] || st.Sales != want {
			t.Errorf("%s: %d sales, the records say %d; stated before %v", rec.ID, st.Sales, want, stated[rec.ID])
		}
		stated[rec.ID] = true
	}
	if !stated["statement/2026-11-21"] {
		t.Errorf("stated were %v", stated)
	}
}

func decoded(t *testing.T, ctx context.Context, r *rig, stream contract.Stream) []contract.Record {
	t.Helper()
	raws, err := r.store.Queue(stream).Read(ctx, 1, 1000, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]contract.Record, len(raws))
	for i, raw := range raws {
		if err := json.Unmarshal(raw.Raw, &list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return list
}
