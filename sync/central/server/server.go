// Package server is a whole centre made of its parts: broker, ingest, database.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"tally/sync/central"
	"tally/sync/central/sqlite"
	"tally/sync/mqttlink"
)

// Config is what tally-central is told. Secrets are in files.
type Config struct {
	Broker       string `toml:"broker"`        // host:port
	ClientID     string `toml:"client_id"`     // "central" when empty; each of several instances has its own
	Username     string `toml:"username"`      // none when empty
	PasswordFile string `toml:"password_file"` // read at every dial
	CA           string `toml:"ca"`            // PEM; with CA or Cert set the broker is spoken to over TLS
	Cert         string `toml:"cert"`
	Key          string `toml:"key"`
	Database     string `toml:"database"` // path of the SQLite file
	Group        string `toml:"group"`    // instances of one group share the work; alone when empty
}

// Server is a running centre's parts, for those who ask how it does.
type Server struct {
	Ingest *central.Ingest
	Link   *mqttlink.Centre
	Store  central.Store
}

// Open checks c, opens the database and wires the parts. Nothing is dialled before Run.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Server, error) {
	link, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: c.broker(log), Shared: c.Group})
	if err != nil {
		return nil, err
	}
	if c.Database == "" {
		return nil, errors.New("open central database: no path is given")
	}
	store, err := sqlite.Open(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	return &Server{central.NewIngest(store, link, central.Options{Log: log}), link, store}, nil
}

func (c Config) broker(log *slog.Logger) mqttlink.Config {
	m := mqttlink.Config{Broker: c.Broker, ClientID: c.ClientID, Username: c.Username, Log: log}
	if m.ClientID == "" {
		m.ClientID = "central"
	}
	if c.PasswordFile != "" {
		m.Password = mqttlink.PasswordFile(c.PasswordFile)
	}
	if c.CA != "" || c.Cert != "" {
		m.TLS = mqttlink.TLSFiles{CA: c.CA, Cert: c.Cert, Key: c.Key}.Load
	}
	return m
}

// Run serves until ctx ends and closes the database then. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.Link.Run(ctx) })
	wg.Go(func() { s.Ingest.Run(ctx) })
	wg.Wait()
	if err := s.Store.Close(); err != nil {
		return fmt.Errorf("close central database: %w", err)
	}
	return nil
}
