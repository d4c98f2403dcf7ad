package centre

import (
	"context"

	"tally/cmd/internal/config"
	"tally/sync/central/postgres"
	"tally/sync/central/sqlite"
	"tally/sync/central/sqlstore"
)

// open opens the database that a config names.
func open(ctx context.Context, c config.Central) (*sqlstore.Store, error) {
	if c.Postgres == "" {
		return sqlite.Open(ctx, c.Database)
	}
	var password func() (string, error)
	if c.DatabasePassword.IsSet() {
		password = func() (string, error) { return c.DatabasePassword.Reveal(), nil }
	}
	return postgres.Open(ctx, c.Postgres, password)
}
