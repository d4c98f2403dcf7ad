// Package server is a whole centre made of its parts: broker, ingest, database.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"tally/sync/central"
	"tally/sync/central/postgres"
	"tally/sync/central/sqlite"
	"tally/sync/central/sqlstore"
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
	Database     string `toml:"database"` // path of the SQLite file; this or Postgres

	Postgres             string `toml:"postgres"`               // host=… dbname=… user=…, or a URL; without a password
	PostgresPasswordFile string `toml:"postgres_password_file"` // read at every connection

	// Group is the name under which several instances share the work, each with a client id of its own and all with the
	// same PostgreSQL database; alone when empty. The broker must know shared subscriptions.
	Group string `toml:"group"`
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
	store, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return &Server{central.NewIngest(store, link, central.Options{Log: log}), link, store}, nil
}

func (c Config) open(ctx context.Context) (*sqlstore.Store, error) {
	switch {
	case (c.Database == "") == (c.Postgres == ""):
		return nil, errors.New("open central database: give either the path of a file or a PostgreSQL address")
	case c.Database != "" && c.Group != "":
		return nil, errors.New("open central database: instances cannot share a file; a group needs PostgreSQL")
	case c.Database != "":
		return sqlite.Open(ctx, c.Database)
	}
	var password func() (string, error)
	if c.PostgresPasswordFile != "" {
		password = mqttlink.PasswordFile(c.PostgresPasswordFile)
	}
	return postgres.Open(ctx, c.Postgres, password)
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
