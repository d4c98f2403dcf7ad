//go:build unix

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/devices"
	"tally/counter"
	"tally/meter/quantity"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// The environment through which the test starts itself again as the process that is to be killed.
const (
	killDir = "TALLY_TEST_KILL_DIR"
	killAt  = "TALLY_TEST_KILL_AT"
	killVol = 12 * quantity.CubicMetre
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		at, _ := strconv.ParseInt(os.Getenv(killAt), 10, 64)
		if err := victim(dir, at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if scenario, args, ok := storagetest.Child(); ok {
		if err := weeksChild(scenario, args); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fuse counts steps and acts at the chosen one: it kills the process, as a power switch would.
type fuse struct {
	at    int64
	act   func() // nil is the kill
	armed atomic.Bool
	n     atomic.Int64
}

func (f *fuse) step() {
	if !f.armed.Load() || f.n.Add(1) != f.at {
		return
	}
	if f.act != nil {
		f.act()
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// fusedStore steps before and after each commit.
type fusedStore struct {
	counter.Store
	f *fuse
}

func (s fusedStore) Update(ctx context.Context, do func(counter.Tx) error) error {
	s.f.step()
	err := s.Store.Update(ctx, do)
	s.f.step()
	return err
}

// fusedSource steps before and after each APDU.
type fusedSource struct {
	cardreader.Source
	f *fuse
}

type fusedCard struct {
	cardreader.Card
	f *fuse
}

func (s fusedSource) Open(ctx context.Context, reader string, ins cardreader.Insertion) (cardreader.Card, error) {
	c, err := s.Source.Open(ctx, reader, ins)
	if err != nil {
		return nil, err
	}
	return fusedCard{c, s.f}, nil
}

func (c fusedCard) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	c.f.step()
	resp, err := c.Card.Transmit(ctx, cmd)
	c.f.step()
	return resp, err
}

// victim sells once to the card in dir and is killed at step at, if the sale has so many.
func victim(dir string, at int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f := &fuse{at: at}
	src := cardsim.NewSource(rigReader)
	disk := storagetest.NewFaults()
	disk.Watch(func(storage.Op) { f.step() })
	r, err := openRig(dir, fusedSource{src, f}, disk.Hooks(), func(s counter.Store) counter.Store { return fusedStore{s, f} })
	if err != nil {
		return err
	}
	if err := r.login(ctx); err != nil {
		return err
	}
	chip, err := rigChip(dir)
	if err != nil {
		return err
	}
	f.armed.Store(true)
	if err := src.Insert(rigReader, cardsim.ACS(chip)); err != nil {
		return err
	}
	d, err := r.wait(ctx, settled)
	if err != nil {
		return err
	}
	if _, err = r.sell(ctx, d, "request-0000000001", killVol); err != nil {
		return err
	}
	f.armed.Store(false)
	return r.stop()
}

// TestPromise12KillBetweenAnyTwoSteps kills a real process at every commit, every write and sync to the disk and every
// APDU of a sale. After the restart and the return of the card the sale is whole, or nothing happened, and money, card
// and records agree.
func TestPromise12KillBetweenAnyTwoSteps(t *testing.T) {
	template := t.TempDir()
	prepare(t, template)
	stride := int64(1)
	if testing.Short() {
		stride = 9
	}
	ends := map[string]int{}
	for at := int64(1); ; at += stride {
		dir := filepath.Join(t.TempDir(), "case")
		copyTree(t, template, dir)
		killed := runVictim(t, dir, at)
		end := comeBack(t, dir, at)
		if !killed {
			if end != "sold" {
				t.Errorf("a sale that nobody killed ended as %q", end)
			}
			t.Logf("%d steps; after the kill: %v", at-1, ends)
			break
		}
		ends[end]++
		if t.Failed() {
			t.Fatalf("step %d", at)
		}
	}
	if !testing.Short() && (ends["sold"] == 0 || ends["nothing"] == 0 || ends["written again"] == 0 || ends["given up"] == 0) {
		t.Errorf("the kills did not reach every end: %v", ends)
	}
}

func prepare(t *testing.T, dir string) {
	t.Helper()
	store, err := storage.Open(filepath.Join(dir, "data"), storage.Options{Node: "node", Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(rigSeed(t.Context(), store), store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := rigChip(dir); err != nil {
		t.Fatal(err)
	}
}

// runVictim reports whether the process was killed; ending well is the other possibility.
func runVictim(t *testing.T, dir string, at int64) (killed bool) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), killDir+"="+dir, killAt+"="+strconv.FormatInt(at, 10))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("step %d: %v\n%s", at, err, out)
	}
	return false
}

// comeBack restarts the counter on what the dead process left, puts the card back and says how the sale ended.
func comeBack(t *testing.T, dir string, at int64) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	src := cardsim.NewSource(rigReader)
	r, err := openRig(dir, src, storage.Hooks{}, func(s counter.Store) counter.Store { return s })
	if err != nil {
		t.Fatalf("step %d: %v", at, err)
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
	if err := errors.Join(r.login(ctx), src.Insert(rigReader, cardsim.ACS(chip))); err != nil {
		t.Fatal(err)
	}
	d, err := r.wait(ctx, settled)
	if err != nil {
		t.Fatalf("step %d: the card was not read: %v", at, err)
	}
	end := finish(t, ctx, r, d, at)
	law(t, ctx, r, chip, at)
	if chip.Tries() != 3 {
		t.Errorf("step %d: %d tries left on the card", at, chip.Tries())
	}
	return end
}

// finish does what a clerk would do with what the card shows: take the sale as done, or write it again, or give the money
// back (in turn).
func finish(t *testing.T, ctx context.Context, r *rig, d counter.Desk, at int64) string {
	t.Helper()
	switch {
	case d.InDoubt != nil && at%2 == 0:
		// A card that was unlocked in this insertion cannot be unlocked again; here it was only read.
		if _, err := r.service.Retry(ctx, r.session, d.InDoubt.ID); err != nil {
			t.Errorf("step %d: write again: %v", at, err)
		}
		return "written again"
	case d.InDoubt != nil:
		if err := r.service.Void(ctx, r.session, d.InDoubt.ID); err != nil {
			t.Errorf("step %d: give up: %v", at, err)
		}
		return "given up"
	case d.Phase != counter.Ready:
		t.Errorf("step %d: desk %+v, problem %v", at, d, d.Problem)
		return "unreadable"
	case d.Card.Order != nil:
		return "sold"
	}
	return "nothing"
}

// law: what was paid is on the card; the ledger, the records and the receipts say the same, once.
func law(t *testing.T, ctx context.Context, r *rig, chip *cardsim.SLE4442, at int64) {
	t.Helper()
	fail := func(format string, args ...any) { t.Errorf("step %d: "+format, append([]any{at}, args...)...) }
	var paid, sold quantity.Volume
	var money quantity.Money
	done := 0
	err := r.store.View(ctx, func(tx counter.Tx) error {
		open, err := tx.OpenOrders()
		if err != nil || len(open) > 0 {
			fail("orders still open: %v %v", open, err)
		}
		orders, err := tx.OrdersOfCard(rigCard, 10)
		for _, o := range orders {
			if o.State == counter.Done {
				done, sold, money = done+1, sold+o.Volume, money+o.Amount
			}
		}
		a, err2 := tx.Account("100001")
		paid = a.Bought
		return errors.Join(err, err2)
	})
	if err != nil {
		fail("%v", err)
	}
	p, err := profile.Builtin(devices.DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	st, err := purse.Decode(p, chip.ReadMem())
	if err != nil || len(st.Damaged) > 0 {
		fail("card: %v, damaged %v", err, st.Damaged)
	}
	onCard := quantity.Volume(0)
	if st.Order != nil {
		onCard = quantity.Volume(st.Order.Cumulative) * st.Unit.Litres()
	}
	if paid != sold || sold != onCard || done > 1 {
		fail("account says %s m³, %d orders done say %s m³, the card carries %s m³", paid, done, sold, onCard)
	}
	if n, total := saleRecords(t, ctx, r); n != done || total != money {
		fail("%d records over %s yuan for %d sales over %s yuan", n, total, done, money)
	}
	report, err := r.store.Check(ctx)
	if err != nil || len(report.Findings) > 0 {
		fail("files: %v %v", err, report.Findings)
	}
}

// saleRecords counts what the centre would be told.
func saleRecords(t *testing.T, ctx context.Context, r *rig) (n int, total quantity.Money) {
	t.Helper()
	records, err := r.store.Queue(contract.Tx).Read(ctx, 1, 100, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range records {
		var rec contract.Record
		var sale contract.Sale
		if err := errors.Join(json.Unmarshal(raw.Raw, &rec), json.Unmarshal(rec.Body, &sale)); err != nil {
			t.Fatal(err)
		}
		if rec.Type == contract.TypeSale {
			n, total = n+1, total+quantity.Money(sale.AmountFen)
		}
	}
	return n, total
}
