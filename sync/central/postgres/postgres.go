// Package postgres keeps the central store in PostgreSQL, where several instances may use it at once. It is the only
// importer of github.com/jackc/pgx.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"tally/sync/central/sqlstore"
)

// Open connects to the database that where names, as a URL or as key=value pairs, without a password. password may be
// nil; the server's own means (peer, certificates, PGPASSFILE) work without it.
func Open(ctx context.Context, where string, password func() (string, error)) (*sqlstore.Store, error) {
	cfg, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, errors.New("open central database: its address cannot be read") // the text may have a secret in it
	}
	if hasPassword(where) {
		return nil, errors.New("open central database: a password does not belong into its address; give it in a file")
	}
	// A commit has been synced when it returns, whatever the server's default.
	cfg.RuntimeParams["synchronous_commit"] = "on"
	var opts []stdlib.OptionOpenDB
	if password != nil {
		opts = append(opts, stdlib.OptionBeforeConnect(func(_ context.Context, c *pgx.ConnConfig) (err error) {
			c.Password, err = password()
			return err
		}))
	}
	db := stdlib.OpenDB(*cfg, opts...)
	db.SetMaxOpenConns(8)
	s, err := sqlstore.New(ctx, db, sqlstore.Dialect{
		Dollar: true, Blob: "BYTEA", ForUpdate: " FOR UPDATE", Unprepared: true, Content: ofContent, Snapshot: sql.LevelRepeatableRead,
		LockMigration: "SELECT pg_advisory_xact_lock(7411001)", // any number that is always the same
	})
	if err != nil {
		return nil, fmt.Errorf("postgres %s/%s: %w", cfg.Host, cfg.Database, err)
	}
	return s, nil
}

// ofContent: class 22 is a data exception, 54 a limit of the program, such as the length of an index entry (PostgreSQL
// documentation, appendix A). A full disk, a lock or a lost connection is none of these.
func ofContent(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(e.Code, "22") || strings.HasPrefix(e.Code, "54"))
}
