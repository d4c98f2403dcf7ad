// Package centre wires the reference ingest of the central system: broker, store and probes.
package centre

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"tally/cmd/internal/broker"
	"tally/cmd/internal/config"
	"tally/cmd/internal/local"
	"tally/cmd/internal/unit"
	"tally/sync/central"
	"tally/sync/central/sqlite"
	"tally/sync/mqttlink"
)

// Centre is one ingest. New opens its files and addresses, Run runs it and closes it.
type Centre struct {
	log    *slog.Logger
	store  central.Store
	link   *mqttlink.Centre
	ingest *central.Ingest
	http   net.Listener // nil without probes
}

// New opens an ingest. An empty Listen leaves the probes out.
func New(ctx context.Context, c config.Central, log *slog.Logger) (_ *Centre, err error) {
	ce := &Centre{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, ce.Close())
		}
	}()
	store, err := sqlite.Open(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	ce.store = store
	uplink := c.Uplink
	uplink.ClientID = c.ID
	if ce.link, err = mqttlink.NewCentre(mqttlink.CentreConfig{Config: broker.Config(uplink, log)}); err != nil {
		return nil, fmt.Errorf("set up the broker link: %w", err)
	}
	ce.ingest = central.NewIngest(ce.store, ce.link, central.Options{Log: log})
	if c.Listen != "" {
		ce.http, err = local.Listen(config.HTTP{Listen: c.Listen})
	}
	return ce, err
}

// Run runs the ingest until ctx ends or a part fails, and closes it.
func (ce *Centre) Run(ctx context.Context) error {
	units := []unit.Unit{{Name: "broker link", Run: ce.link.Run}, {Name: "ingest", Run: ce.ingest.Run}}
	if ce.http != nil {
		h := local.Probes(ce, metricsHandler(ce.ingest, ce.link), http.NotFoundHandler())
		units = append(units, local.Server("probes", ce.http, h, nil, ce.log))
	}
	err := unit.Run(ctx, ce.log, grace, units)
	return errors.Join(err, ce.Close())
}

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

// Run opens and runs an ingest as a config describes it.
func Run(ctx context.Context, c config.Central, log *slog.Logger) error {
	ce, err := New(ctx, c, log)
	if err != nil {
		return err
	}
	log.Info("ingest runs", "id", c.ID, "database", c.Database)
	err = ce.Run(ctx)
	log.Info("ingest stopped", "id", c.ID)
	return err
}
