package daemon

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/config"
	"tally/cmd/internal/devices"
	"tally/counter"
	"tally/counter/tariff"
	"tally/meter/quantity"
	"tally/storage"
)

// The world of the tests here: one customer, one clerk, one price.
const (
	rigReader   = "Test Reader 0"
	rigRegion   = 0x0571
	rigStation  = "hall-1"
	rigClerk    = "chen"
	rigPassword = "only for this test"
)

var (
	rigPSC    = []byte{0x11, 0x22, 0x33}
	rigCard   = purse.CardID{Region: rigRegion, No: "00001001"}
	rigCost   = counter.PasswordCost{Memory: 64, Time: 1, Threads: 1} // cheap: many logins
	rigTables = []tariff.Table{{Class: "residential", Version: 1, From: "2020-01-01", PeriodMonths: 12, Tiers: []tariff.Tier{
		{UpTo: 100 * quantity.CubicMetre, Price: 26500}, {Price: 31800},
	}}}
)

var quiet = slog.New(slog.DiscardHandler)

// rigChip opens the card kept in dir, a freshly issued one the first time.
func rigChip(dir string) (*cardsim.SLE4442, error) {
	p, err := profile.Builtin(devices.DefaultProfile)
	if err != nil {
		return nil, err
	}
	image, err := purse.Blank(p, purse.Header{Region: rigRegion, CardNo: rigCard.No, MeterNo: "20010001", Unit: purse.UnitCentiM3, IssueCount: 1})
	if err != nil {
		return nil, err
	}
	return cardsim.OpenFile(filepath.Join(dir, "card"), cardsim.Options{PSC: rigPSC, Main: image[0x20:]})
}

// rigSeed opens the customer's account and the clerk's login.
func rigSeed(ctx context.Context, store counter.Store) error {
	hash, err := rigCost.Hash(rigPassword)
	if err != nil {
		return err
	}
	return store.Update(ctx, func(tx counter.Tx) error {
		err := tx.PutAccount(counter.Account{
			No: "100001", Name: "王秀兰", Phone: "13800010001", PriceClass: "residential", Card: rigCard, Meter: "20010001",
			PeriodStart: "2026-01-01",
		})
		if err != nil {
			return err
		}
		return tx.PutOperator(counter.Operator{Name: rigClerk, Display: "Chen", No: 7, Role: counter.Clerk, Password: hash})
	})
}

// rig is a counter on a data folder and a source, as the daemon wires it.
type rig struct {
	store   *storage.Store
	service *counter.Service
	session counter.Session
	stop    func() error
}

// openRig opens store and counter; wrap may put something between them and the world.
func openRig(dir string, src cardreader.Source, hooks storage.Hooks, wrap func(counter.Store) counter.Store) (*rig, error) {
	return openRigWith(dir, src, storage.Options{Hooks: hooks}, wrap)
}

// openRigWith is openRig with a clock, and whatever else a store may be given.
func openRigWith(dir string, src cardreader.Source, o storage.Options, wrap func(counter.Store) counter.Store) (*rig, error) {
	o.Node, o.Ballast = "node", -1
	store, err := storage.Open(filepath.Join(dir, "data"), o)
	if err != nil {
		return nil, err
	}
	chips, err := devices.NewChips(config.Cards{Dialect: config.DialectACS, PSC: config.NewSecret("112233")}, src)
	if err != nil {
		return nil, err
	}
	r := &rig{store: store}
	r.service, err = counter.New(counter.Options{
		Now: o.Now, Store: wrap(store), Open: chips.Open, Resolve: purse.Resolve, Tables: rigTables, Station: rigStation, StationNo: 1,
		Region: rigRegion, Password: rigCost, Logger: quiet, StoreRetry: 10 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.service.Run(ctx, src) }()
	r.stop = func() error {
		cancel()
		if err := <-ended; err != nil {
			return err
		}
		return store.Close()
	}
	return r, nil
}

func (r *rig) login(ctx context.Context) (err error) {
	r.session, err = r.service.Login(ctx, rigClerk, rigPassword)
	return err
}

// wait returns the first desk that ok accepts.
func (r *rig) wait(ctx context.Context, ok func(counter.Desk) bool) (counter.Desk, error) {
	changed, cancel := r.service.Subscribe()
	defer cancel()
	for {
		for _, d := range r.service.Desks() {
			if ok(d) {
				return d, nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return counter.Desk{}, ctx.Err()
		}
	}
}

func settled(d counter.Desk) bool { return d.Phase == counter.Ready || d.Phase == counter.Failed }

// sell quotes and sells a volume to the card that lies on the desk.
func (r *rig) sell(ctx context.Context, d counter.Desk, request string, v quantity.Volume) (counter.Receipt, error) {
	ask := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: v}
	q, err := r.service.Quote(ctx, r.session, ask)
	if err != nil {
		return counter.Receipt{}, err
	}
	return r.service.Sell(ctx, r.session, counter.Sell{Request: request, Ask: ask, Volume: q.Volume, Amount: q.Amount})
}

// copyTree copies a small folder, so that every case starts from the same data.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
