package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/cmd/internal/devices"
	"tally/cmd/internal/local"
	"tally/cmd/internal/unit"
	"tally/counter"
	"tally/counter/web"
	"tally/meter/line"
	"tally/meter/poll"
	"tally/meter/quality"
	"tally/meter/quantity"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/outbox"
)

// Parts replaces the outside world of a node. The zero value is a real one; the demo and the tests put simulated
// hardware here, and everything else is wired as always.
type Parts struct {
	Version string
	Source  cardreader.Source                                    // readers; nil for those that the config names
	Line    func(config.Line) line.Opener                        // nil for devices.OpenLine
	Storage storage.Options                                      // Node, Boot and Logger are filled in
	Bench   web.Bench                                            // nil on a real counter
	Demo    *web.DemoLogin                                       // nil outside the demo
	Seed    func(ctx context.Context, store counter.Store) error // runs before anything starts; may be nil
	Link    func(*mqttlink.NodeConfig)                           // changes the way to the broker; may be nil
	Outbox  func(*outbox.Config)                                 // changes the delivery; may be nil
	Grace   time.Duration                                        // what each part may take to stop; four seconds when 0
}

// Node is one wired node. New opens its files and addresses, Run runs it, and after Run it is closed.
type Node struct {
	cfg     config.Node
	version string
	boot    string
	started time.Time
	log     *slog.Logger

	store   *storage.Store
	src     cardreader.Source
	cards   cardService
	service *counter.Service
	prices  *pricelist
	desk    *quality.Desk
	poller  *poll.Poller
	wires   []wire
	backups *backups
	uplink  *uplink // nil when the node has no central system
	page    *web.Handler

	http    net.Listener
	control *control.Listener
	grace   time.Duration
}

// grace is what each part may take to stop: a card write that is under way and its commit are through by then.
const grace = 4 * time.Second

// readingLinger lets readings that come close together share a commit.
const readingLinger = 500 * time.Millisecond

// New opens a node. Whatever fails leaves nothing open.
func New(ctx context.Context, c config.Node, p Parts, log *slog.Logger) (n *Node, err error) {
	n = &Node{cfg: c, version: p.Version, started: time.Now(), log: log, grace: cmp.Or(p.Grace, grace)}
	if n.boot, err = bootID(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	for _, step := range []func(context.Context, Parts) error{
		n.openStore, n.openCounter, n.openMeters, n.openUplink, n.openPage, n.openDoor,
	} {
		if err := step(ctx, p); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (n *Node) openStore(ctx context.Context, p Parts) (err error) {
	o := p.Storage
	o.Node, o.Boot, o.Logger = n.cfg.Name, n.boot, n.log
	if o.Linger == 0 {
		o.Linger = readingLinger
	}
	if n.cfg.Uplink != nil && o.KeepReadings == 0 {
		o.KeepReadings = n.cfg.Uplink.Delivery.KeepReadings
	}
	if n.store, err = storage.Open(n.cfg.DataDir, o); err != nil {
		return err
	}
	n.backups = newBackups(n.store, n.cfg, n.log)
	started := contract.NodeStarted{Version: n.version, Boot: n.boot, Clean: n.store.WasClean(), Key: n.store.PublicKey()}
	err = n.store.Update(ctx, func(tx counter.Tx) error {
		return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: contract.TypeNodeStarted, ID: n.boot, Body: started})
	})
	if err != nil || p.Seed == nil {
		return err
	}
	return p.Seed(ctx, n.store)
}

// fees is the published list of what a replacement card costs.
func fees(r config.CounterRules) map[string]quantity.Money {
	return map[string]quantity.Money{
		counter.CauseLost: r.FeeLost, counter.CauseBroken: r.FeeBroken, counter.CauseFaulty: r.FeeFaulty,
	}
}

func (n *Node) openCounter(_ context.Context, p Parts) error {
	n.src = devices.Source(n.cfg, p.Source, n.log, n.cards.told)
	chips, err := devices.NewChips(n.cfg.Cards, n.src)
	if err != nil {
		return err
	}
	c := n.cfg.Counter
	chips.At(c.Region)
	if c.Station == "" {
		c.Station = n.cfg.Name
	}
	n.prices = &pricelist{now: time.Now}
	n.prices.set(c.Tariffs)
	n.service, err = counter.New(counter.Options{
		Store: n.store, Open: chips.Open, Resolve: purse.Resolve, Tables: c.Tariffs,
		Station: c.Station, StationNo: c.StationNo, Region: c.Region, Logger: n.log,
		Alarm: c.Rules.Alarm, Overdraft: c.Rules.Overdraft, CardUnit: purse.Unit(c.Rules.CardUnit), ReissueFees: fees(c.Rules),
		MaxPriceAge: c.Rules.MaxPriceAge, MaxLockAge: c.Rules.MaxLockAge, MaxAccountAge: c.Rules.MaxAccountAge, RefuseArrears: c.Rules.RefuseArrears,
	})
	return err
}

func (n *Node) openMeters(ctx context.Context, p Parts) (err error) {
	if n.desk, err = n.newDesk(ctx); err != nil {
		return err
	}
	n.poller = poll.New(sink{n.store, n.service.Notify}, n.scheduleOptions())
	open := p.Line
	if open == nil {
		open = devices.OpenLine
	}
	n.wires, err = addLines(n.poller, n.cfg, open, n.kept())
	return err
}

func (n *Node) openUplink(ctx context.Context, p Parts) (err error) {
	if n.cfg.Uplink != nil {
		n.uplink, err = n.newUplink(ctx, p)
	}
	return err
}

func (n *Node) openPage(_ context.Context, p Parts) (err error) {
	if n.http, err = local.Listen(n.cfg.HTTP); err != nil {
		return err
	}
	station := n.cfg.Counter.Station
	if station == "" {
		station = n.cfg.Name
	}
	n.page, err = web.New(web.Options{
		Sales: n.service, Decisions: n.service, Returns: n.service, Cards: n.service, Specials: n.service, Logins: n.service, Views: n.service, Meters: n, Uplink: n, Bench: p.Bench, Demo: p.Demo,
		Hosts: n.cfg.HTTP.Hosts, Station: station, Lang: n.cfg.Counter.Lang, Version: n.version, Logger: n.log,
		Trouble: n.cards.trouble, Classes: n.prices.classes,
	})
	return err
}

func (n *Node) openDoor(context.Context, Parts) (err error) {
	n.control, err = control.Listen(n.cfg.Socket())
	return err
}

// URL is where the page is.
func (n *Node) URL() string {
	scheme := "http"
	if n.cfg.HTTP.CertFile != "" {
		scheme = "https"
	}
	return scheme + "://" + n.http.Addr().String()
}

// Ready says why the node cannot do its work, or nil: sales need room and a ledger that takes commits.
func (n *Node) Ready(ctx context.Context) error {
	if err := n.store.Room(ctx); err != nil {
		return err
	}
	return n.store.View(ctx, func(counter.Tx) error { return nil })
}

// Run runs the node until ctx ends or a part fails, and closes it.
func (n *Node) Run(ctx context.Context) error {
	err := unit.Run(ctx, n.log, n.grace, n.units())
	return errors.Join(err, n.close())
}

// units is the list of what runs, first to start first; it stops in reverse. The page and the door close before the
// counter, the counter before the readers' results have nowhere to go, the delivery last because it only reads.
func (n *Node) units() []unit.Unit {
	units := []unit.Unit{
		{Name: "housekeeping", Run: func(ctx context.Context) error { return housekeeping(ctx, n.store, n.log) }},
		{Name: "backups", Run: n.backups.run},
		{Name: "backups after money", Run: func(ctx context.Context) error { return n.backups.follow(ctx, contract.Tx) }},
		{Name: "backups after events", Run: func(ctx context.Context) error { return n.backups.follow(ctx, contract.Ev) }},
	}
	if n.uplink != nil {
		units = append(units, n.uplink.units(n.service.Notify)...)
	}
	if len(n.wires) > 0 {
		units = append(units, unit.Unit{Name: "meter events", Run: n.desk.Run})
	}
	for _, w := range n.wires {
		units = append(units, unit.Unit{Name: "line " + w.cfg.Name, Run: w.line.Run})
	}
	if len(n.wires) > 0 {
		units = append(units, unit.Unit{Name: "meter schedule", Run: n.poller.Run})
	}
	door := door{n}
	h := local.Probes(n, metricsHandler(door.Status), n.page)
	return append(units,
		unit.Unit{Name: "counter", Run: func(ctx context.Context) error { return n.service.Run(ctx, n.src) }},
		unit.Unit{Name: "control socket", Run: func(ctx context.Context) error { return control.Serve(ctx, n.control, door, n.log) }},
		local.Server("page", n.http, h, n.page.EndStreams, n.log),
	)
}

// close gives up what New opened; what a unit has closed already is not an error.
func (n *Node) close() error {
	var errs []error
	if n.control != nil {
		errs = append(errs, closed(n.control.Close()))
	}
	if n.http != nil {
		errs = append(errs, closed(n.http.Close()))
	}
	for _, w := range n.wires {
		errs = append(errs, w.line.Close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}

func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Run opens and runs a node as a config describes it.
func Run(ctx context.Context, c config.Node, version string, log *slog.Logger) error {
	saveMemory()
	if c.Counter.Enabled && len(c.Counter.Tariffs) == 0 {
		return fmt.Errorf("%s: a counter without a tariff cannot sell", c.File)
	}
	n, err := New(ctx, c, Parts{Version: version}, log)
	if unusable(err) {
		return Mark(runBroken(ctx, c, version, err, log))
	}
	if err != nil {
		return Mark(err)
	}
	log.Info("node runs", "node", c.Name, "version", version, "page", n.URL(), "data", c.DataDir)
	err = n.Run(ctx)
	log.Info("node stopped", "node", c.Name)
	return Mark(err)
}
