// Package centre wires the reference central system: broker, ingest, what goes down to the nodes, database, probes.
package centre

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tally/cmd/internal/broker"
	"tally/cmd/internal/config"
	"tally/cmd/internal/local"
	"tally/cmd/internal/unit"
	"tally/sync/central"
	"tally/sync/central/dispatch"
	"tally/sync/central/sqlstore"
	"tally/sync/mqttlink"
)

// Centre is one instance of the central system: what nodes deliver goes in, what they shall do goes out. New opens its
// files and addresses, Run runs it and closes it.
type Centre struct {
	log        *slog.Logger
	store      *sqlstore.Store
	link       *mqttlink.Centre
	ingest     *central.Ingest
	dispatcher *dispatch.Dispatcher
	accountant *accountant
	http       net.Listener // nil without probes
	grace      time.Duration
}

// Options are what tests turn; the zero value is for real.
type Options struct {
	Ingest   central.Options
	Dispatch dispatch.Options
	Redial   time.Duration // the first pause after a lost broker; a second when 0
	Grace    time.Duration // what each part may take to stop; four seconds when 0
}

// New opens a centre. An empty Listen leaves the probes out.
func New(ctx context.Context, c config.Central, log *slog.Logger) (*Centre, error) {
	return NewWith(ctx, c, log, Options{})
}

// NewWith is New with other timing.
func NewWith(ctx context.Context, c config.Central, log *slog.Logger, o Options) (_ *Centre, err error) {
	ce := &Centre{log: log, grace: cmp.Or(o.Grace, grace)}
	defer func() {
		if err != nil {
			err = errors.Join(err, ce.Close())
		}
	}()
	var sign central.Signer
	if c.SigningKey != "" {
		if sign, err = central.LoadKey(c.SigningKey); err != nil {
			return ce, err
		}
	}
	if ce.store, err = open(ctx, c); err != nil {
		return ce, err
	}
	o.Ingest.Log, o.Dispatch.Log = log, log
	way := broker.Config(withID(c.Uplink, c.ID), log)
	way.RedialMin = o.Redial
	ce.link, err = mqttlink.NewCentre(mqttlink.CentreConfig{
		Config: way, Shared: c.Group, Status: func(topic string, payload []byte) { ce.dispatcher.Heard(topic, payload) },
	})
	if err != nil {
		return ce, fmt.Errorf("set up the broker link: %w", err)
	}
	ce.ingest = central.NewIngest(ce.store, ce.link, o.Ingest)
	ce.dispatcher = dispatch.New(ce.store, ce.link, sign, o.Dispatch)
	ce.accountant = &accountant{store: ce.store, at: c.ReconcileAt, now: o.Dispatch.Now, log: log}
	if c.Listen != "" {
		ce.http, err = local.Listen(config.HTTP{Listen: c.Listen})
	}
	return ce, err
}

func withID(u config.Uplink, id string) config.Uplink {
	u.ClientID = id
	return u
}

// Run runs the centre until ctx ends or a part fails, and closes it.
func (ce *Centre) Run(ctx context.Context) error {
	units := []unit.Unit{
		{Name: "broker link", Run: ce.link.Run}, {Name: "ingest", Run: ce.ingest.Run}, {Name: "dispatcher", Run: ce.dispatcher.Run},
		{Name: "reconciliation", Run: ce.accountant.Run},
	}
	if ce.http != nil {
		h := local.Probes(ce, metricsHandler(ce), http.NotFoundHandler())
		units = append(units, local.Server("probes", ce.http, h, nil, ce.log))
	}
	err := unit.Run(ctx, ce.log, ce.grace, units)
	return errors.Join(err, ce.Close())
}

// Stats of the ingest, for those who ask how it does.
func (ce *Centre) Stats() central.Stats { return ce.ingest.Stats() }

// DB is for those who ask questions; nothing may be changed through it.
func (ce *Centre) DB() *sql.DB { return ce.store.DB() }

// Ready implements local.Watch: the database answers and the broker is there.
func (ce *Centre) Ready(ctx context.Context) error {
	if !ce.link.Connected() {
		return errors.New("no connection to the broker")
	}
	return ce.store.Ping(ctx)
}

// Close gives up what New opened, for a caller that never runs it.
func (ce *Centre) Close() error {
	var errs []error
	if ce.http != nil {
		if err := ce.http.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if ce.store != nil {
		errs = append(errs, ce.store.Close())
	}
	return errors.Join(errs...)
}

// Run opens and runs a centre as a config describes it.
func Run(ctx context.Context, c config.Central, log *slog.Logger) error {
	ce, err := New(ctx, c, log)
	if err != nil {
		return err
	}
	log.Info("centre runs", "id", c.ID, "group", c.Group, "database", c.DatabaseName())
	err = ce.Run(ctx)
	log.Info("centre stopped", "id", c.ID)
	return err
}
