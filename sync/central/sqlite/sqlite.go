// Package sqlite keeps the central store in one SQLite file. It is the only importer of modernc.org/sqlite.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"modernc.org/sqlite" // also the driver "sqlite"
	lib "modernc.org/sqlite/lib"

	"tally/sync/central/sqlstore"
)

// Open creates the file if need be. WAL with synchronous=FULL: a commit has been synced when it returns, and readers
// do not hold it up.
func Open(ctx context.Context, path string) (*sqlstore.Store, error) {
	if err := private(path); err != nil {
		return nil, fmt.Errorf("open central database %s: %w", path, err)
	}
	q := url.Values{}
	for _, p := range []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"} {
		q.Add("_pragma", p)
	}
	q.Set("_txlock", "immediate")
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("open central database %s: %w", path, err)
	}
	s, err := sqlstore.New(ctx, db, sqlstore.Dialect{Blob: "BLOB", Content: ofContent})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// private makes a file that only its owner can read, unless there is one: SQLite would make it readable for all, and takes
// the mode of those beside it from it.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// ofContent: a value that is too big or of the wrong kind.
func ofContent(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	code := e.Code() & 0xff // without the extension
	return code == lib.SQLITE_TOOBIG || code == lib.SQLITE_MISMATCH
}
