package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/counter"
	"tally/counter/tariff"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// noteDesk writes down what the centre changes.
type noteDesk struct {
	said  []string
	fresh counter.Freshness
	fail  error
}

func (d *noteDesk) SetTables(t []tariff.Table) error {
	if err := tariff.CheckAll(t); err != nil {
		return err
	}
	d.said = append(d.said, fmt.Sprintf("%d tables, first tier %s of %s", len(t), t[0].Tiers[0].UpTo, t[0].Class))
	return nil
}

func (d *noteDesk) SetLocks(_ context.Context, _ time.Time, l []counter.AccountLock) error {
	d.said = append(d.said, fmt.Sprintf("locks %v", l))
	return d.fail
}

func (d *noteDesk) Absorb(_ context.Context, a []counter.AccountDelta) error {
	d.said = append(d.said, fmt.Sprintf("%d deltas", len(a)))
	if a[0].Version == 0 {
		return errors.New("cannot absorb account: version is missing")
	}
	return nil
}

func (d *noteDesk) Confirm(f counter.Freshness) {
	if !f.Prices.IsZero() {
		d.fresh.Prices = f.Prices
	}
	if !f.Locks.IsZero() {
		d.fresh.Locks = f.Locks
	}
}

func (d *noteDesk) all() string { return strings.Join(d.said, "; ") }

func startDesired(t *testing.T, store *storage.Store, desk *noteDesk) *desired {
	t.Helper()
	d := &desired{store: store, desk: desk, announce: func() {}, log: quiet,
		settings: newSettings(store, "tcp://old:1883", time.Minute, func(Settings) {}, quiet)}
	if err := d.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func want(version uint64, parts string) contract.Desired {
	d := contract.Desired{Node: "n1", Version: version, Issued: contract.At(time.Now())}
	if err := json.Unmarshal([]byte(parts), &d.Parts); err != nil {
		panic(err)
	}
	return d
}

const goodPrices = `"prices":{"as_of":"2026-11-21T06:00:00Z","tables":[{"class":"residential","version":2,"from":"2026-01-01","period_months":12,
	"tiers":[{"up_to_l":100000,"price_yuan_e4_per_m3":26500},{"price_yuan_e4_per_m3":31800}]}]}`

func lastApplied(t *testing.T, s *storage.Store) contract.DesiredApplied {
	t.Helper()
	recs, err := s.Queue(contract.Ev).Read(t.Context(), s.Queue(contract.Ev).State().Next-1, 1, 1<<20)
	if err != nil || len(recs) != 1 {
		t.Fatal(err)
	}
	rec, err := contract.ParseRecord(recs[0].Raw)
	var a contract.DesiredApplied
	if err := errors.Join(err, json.Unmarshal(rec.Body, &a)); err != nil || rec.Type != contract.TypeDesiredApplied {
		t.Fatal(rec.Type, err)
	}
	return a
}

func TestTheNodeBecomesWhatTheCentreWants(t *testing.T) {
	dir := t.TempDir()
	store := storagetest.Open(t, dir, storage.Options{})
	desk := &noteDesk{}
	d := startDesired(t, store, desk)
	err := d.become(t.Context(), want(3, `{`+goodPrices+`,
		"locks":{"as_of":"2026-11-21T07:00:00Z","standing":[{"account":"10001","at":"2026-11-20T00:00:00Z","reason":"arrears","by":"li"}],"lifted":[]},
		"accounts":{"as_of":"2026-11-21T07:00:00Z","upto":9,"deltas":[{"account":"10001","version":9,"dead":[{"region":1393,"card":"1","issue":1,"why":"lost"}]}]},
		"settings":{"log_level":"debug"}, "weather":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"1 tables, first tier 100 of residential", "1 deltas", "locks [{10001 arrears li 2026-11-20"} {
		if !strings.Contains(desk.all(), says) {
			t.Errorf("%q does not say %q", desk.all(), says)
		}
	}
	a := lastApplied(t, store)
	if a.Version != 3 || a.Parts["prices"] != partApplied || a.Parts["locks"] != partApplied || a.Parts["accounts"] != partApplied ||
		a.Parts["settings"] != partTrial || !strings.Contains(a.Parts["weather"], "does not know") || d.version.Load() != 3 {
		t.Errorf("%+v", a)
	}

	before := len(desk.said)
	for _, old := range []uint64{3, 2} { // again, and an older one
		if err := d.become(t.Context(), want(old, `{`+goodPrices+`}`)); err != nil || len(desk.said) != before {
			t.Errorf("version %d: %v, %s", old, err, desk.all())
		}
	}
	storagetest.CheckAndClose(t, store)

	store = storagetest.Open(t, dir, storage.Options{})
	again := &noteDesk{}
	if d = startDesired(t, store, again); d.version.Load() != 3 || again.all() != "1 tables, first tier 100 of residential" {
		t.Errorf("after a start: version %d, %s", d.version.Load(), again.all())
	}
	if again.fresh.Prices.Hour() != 6 || again.fresh.Locks.Hour() != 7 {
		t.Errorf("fresh %+v", again.fresh)
	}
}

// TestABadPartIsRefusedAndTheOthersAreNot, for good: the centre hears of it, and the version counts as applied.
func TestABadPartIsRefusedAndTheOthersAreNot(t *testing.T) {
	store := storagetest.New(t)
	desk := &noteDesk{}
	d := startDesired(t, store, desk)
	err := d.become(t.Context(), want(1, `{"prices":{"tables":[]},"accounts":{"deltas":[{"account":"1"}]},"locks":7,"settings":{"broker":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	a := lastApplied(t, store)
	for part, says := range map[string]string{"prices": "no price table", "accounts": "version is missing", "locks": "read locks", "settings": "broker"} {
		if !strings.Contains(a.Parts[part], says) {
			t.Errorf("%s: %q", part, a.Parts[part])
		}
	}
	bad := strings.ReplaceAll(goodPrices, `"price_yuan_e4_per_m3":31800`, `"price_yuan_e4_per_m3":-1`)
	if err := d.become(t.Context(), want(2, `{`+bad+`}`)); err != nil || !strings.Contains(lastApplied(t, store).Parts["prices"], "price") {
		t.Errorf("%v, %+v", err, lastApplied(t, store))
	}
}

// TestAFailingLedgerLeavesTheDesiredStateForTheNextTime: nothing counts as applied that is not on disk.
func TestAFailingLedgerLeavesTheDesiredStateForTheNextTime(t *testing.T) {
	faults := storagetest.NewFaults()
	store := storagetest.Open(t, filepath.Join(t.TempDir(), "d"), storage.Options{Hooks: faults.Hooks()})
	desk := &noteDesk{fail: errors.New("disk is full")}
	d := startDesired(t, store, desk)
	if err := d.become(t.Context(), want(1, `{"locks":{"standing":[]}}`)); err == nil || d.version.Load() != 0 {
		t.Errorf("%v, version %d", err, d.version.Load())
	}
	desk.fail = nil
	faults.FailOnce(storage.OpSync, "ledger.db", 0, errors.New("input/output error"))
	if err := d.become(t.Context(), want(1, `{"locks":{"standing":[]}}`)); err == nil || d.version.Load() != 0 {
		t.Errorf("%v, version %d", err, d.version.Load())
	}
	if err := d.become(t.Context(), want(1, `{"locks":{"standing":[]}}`)); err != nil || d.version.Load() != 1 {
		t.Errorf("%v, version %d", err, d.version.Load())
	}
}
