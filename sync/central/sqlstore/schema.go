// Package sqlstore is the central store in SQL, one for every database that has transactions and ON CONFLICT DO
// NOTHING. sqlite and postgres open it with their own drivers.
package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// migrations are applied in order, each once; the number of those applied is in the table version. They are never
// changed, only added to.
var migrations = []string{`
CREATE TABLE record (
	node TEXT NOT NULL, epoch TEXT NOT NULL, stream TEXT NOT NULL, seq BIGINT NOT NULL,
	id TEXT NOT NULL, type TEXT NOT NULL, at TEXT NOT NULL,
	chained SMALLINT, -- 1 continues the record before, 0 does not, NULL: that one was not here yet
	received TEXT NOT NULL, raw BLOB NOT NULL,
	PRIMARY KEY (node, epoch, stream, seq));
CREATE TABLE sale (
	node TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL,
	kind TEXT NOT NULL, -- sale or sale_void
	at TEXT NOT NULL, order_id TEXT NOT NULL, account TEXT NOT NULL, region BIGINT NOT NULL, card TEXT NOT NULL,
	meter TEXT NOT NULL, operator TEXT NOT NULL, station TEXT NOT NULL, receipt BIGINT NOT NULL,
	volume_l BIGINT NOT NULL, amount_fen BIGINT NOT NULL, currency TEXT NOT NULL,
	card_seq BIGINT NOT NULL, card_cum BIGINT NOT NULL, card_unit TEXT NOT NULL, intent_at TEXT NOT NULL,
	was_in_doubt SMALLINT NOT NULL,
	PRIMARY KEY (node, epoch, seq));
CREATE TABLE reading (
	node TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL, -- n-th value of its record
	meter TEXT NOT NULL, at TEXT NOT NULL, line TEXT NOT NULL,
	name TEXT, value TEXT, unit TEXT, quality TEXT NOT NULL,
	code TEXT, text TEXT, -- why the meter did not answer; then there is no value
	PRIMARY KEY (node, epoch, seq, n));
CREATE TABLE stream_state (
	node TEXT NOT NULL, epoch TEXT NOT NULL, stream TEXT NOT NULL,
	acked BIGINT NOT NULL, -- everything up to here is in record or quarantine
	high BIGINT NOT NULL, -- the highest seen
	PRIMARY KEY (node, epoch, stream));
CREATE TABLE quarantine (
	node TEXT NOT NULL, epoch TEXT NOT NULL, stream TEXT NOT NULL, seq BIGINT NOT NULL, code TEXT NOT NULL,
	sha256 TEXT NOT NULL, text TEXT NOT NULL, received TEXT NOT NULL, raw BLOB NOT NULL,
	PRIMARY KEY (node, epoch, stream, seq, code, sha256));
CREATE TABLE refused (
	topic TEXT NOT NULL, sha256 TEXT NOT NULL, code TEXT NOT NULL, place TEXT NOT NULL, why TEXT NOT NULL,
	received TEXT NOT NULL, payload BLOB NOT NULL,
	PRIMARY KEY (topic, sha256));
`, `
CREATE TABLE lost ( -- records that the node says will never come
	node TEXT NOT NULL, epoch TEXT NOT NULL, stream TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL,
	why TEXT NOT NULL, reported TEXT NOT NULL,
	PRIMARY KEY (node, epoch, stream, first, last));
`, `
CREATE TABLE statement ( -- what a node says that it has sold
	node TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, from_at TEXT NOT NULL, to_at TEXT NOT NULL,
	sales BIGINT NOT NULL, volume_l BIGINT NOT NULL, amount_fen BIGINT NOT NULL,
	PRIMARY KEY (node, epoch, seq));
CREATE TABLE statement_head (
	node TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL,
	stream TEXT NOT NULL, upto BIGINT NOT NULL, sha256 TEXT NOT NULL,
	PRIMARY KEY (node, epoch, seq, n));
CREATE INDEX sale_at ON sale (node, epoch, at);
`, downlinkLayout, `
ALTER TABLE refused ADD COLUMN node TEXT NOT NULL DEFAULT ''; -- whose topic it was
CREATE INDEX refused_node ON refused (node);
`, reportLayout, doubtLayout, restoreLayout, `
CREATE INDEX statement_day ON statement (node, epoch, from_at, to_at, seq);
`, rulingLayout}

// migrate brings the database to the newest layout, and refuses one that is newer than this program.
func (s *Store) migrate(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("migrate central database: %w", err)
	}
	defer tx.Rollback()
	if s.dialect.LockMigration != "" {
		if _, err := tx.ExecContext(ctx, s.dialect.LockMigration); err != nil {
			return fmt.Errorf("migrate central database: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS version (n BIGINT NOT NULL)"); err != nil {
		return fmt.Errorf("read version of the central database: %w", err)
	}
	var have sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT MAX(n) FROM version").Scan(&have); err != nil {
		return fmt.Errorf("read version of the central database: %w", err)
	}
	if have.Int64 > int64(len(migrations)) {
		return fmt.Errorf("open central database: it has layout %d, this program knows %d; use a newer program", have.Int64, len(migrations))
	}
	for n := int(have.Int64) + 1; n <= len(migrations); n++ {
		if _, err := tx.ExecContext(ctx, s.dialect.ddl(migrations[n-1])); err != nil {
			return fmt.Errorf("migrate central database to layout %d: %w", n, err)
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO version (n) VALUES (%d)", n)); err != nil {
			return fmt.Errorf("migrate central database to layout %d: %w", n, err)
		}
	}
	return tx.Commit()
}

// Dialect is where databases differ.
type Dialect struct {
	Dollar        bool               // parameters are $1 instead of ?1
	Blob          string             // type of bytes
	ForUpdate     string             // put behind a SELECT to lock its rows until the transaction ends
	LockMigration string             // statement that keeps two processes from migrating at once
	Content       func(error) bool   // whether an error says that the content is at fault, which no further try would change
	Snapshot      sql.IsolationLevel // at which a transaction that only reads sees one moment
	Unprepared    bool               // the driver keeps prepared statements itself, beyond one transaction
}

func (d Dialect) ddl(s string) string { return strings.ReplaceAll(s, "BLOB", d.Blob) }

func (d Dialect) query(s string) string {
	if d.Dollar {
		return strings.ReplaceAll(s, "?", "$")
	}
	return s
}
