package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"tally/cardreader/profile"
	"tally/cmd/internal/cli"
	"tally/cmd/internal/cli/accountcsv"
	"tally/cmd/internal/config"
	"tally/cmd/internal/devices"
	"tally/counter"
	"tally/storage"
)

// ImportAccounts brings the accounts of a sheet into the ledger of a stopped node, in one transaction. What the ledger
// has against a row is accountcsv.Problems, and then nothing is stored; a daemon that holds the ledger is
// cli.NodeRunning.
func ImportAccounts(ctx context.Context, c config.Node, s accountcsv.Sheet, dryRun bool) (done cli.Imported, err error) {
	if dryRun && untouched(c.DataDir) {
		return cli.Imported{Added: len(s.Rows)}, nil // opening would make a ledger
	}
	err = withLedger(c, func(store *storage.Store) error {
		run := store.Update
		if dryRun {
			run = store.View
		}
		return run(ctx, func(tx counter.Tx) (err error) {
			done, err = importInto(tx, s, dryRun)
			return err
		})
	})
	if err != nil {
		return cli.Imported{}, err
	}
	return done, nil
}

// untouched reports whether a data folder holds no ledger yet.
func untouched(dir string) bool {
	_, err := os.Stat(dir)
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "ledger.db"))
	}
	return errors.Is(err, fs.ErrNotExist)
}

// withLedger opens the ledger of a stopped node for f and closes it.
func withLedger(c config.Node, f func(*storage.Store) error) (err error) {
	store, err := storage.Open(c.DataDir, storage.Options{Node: c.Name})
	if errors.Is(err, storage.ErrInUse) {
		return fmt.Errorf("open ledger: %w: %w", err, cli.NodeRunning)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f(store)
}

func importInto(tx counter.Tx, s accountcsv.Sheet, dryRun bool) (done cli.Imported, err error) {
	var problems accountcsv.Problems
	for _, row := range s.Rows {
		old, owner, err := standing(tx, row.Account)
		if err != nil {
			return done, err
		}
		problems = append(problems, s.Against(row, old, owner)...)
		a, write := merged(s, row, old, &done)
		if !write || dryRun || len(problems) > 0 {
			continue
		}
		if err := tx.PutAccount(a); err != nil {
			return done, fmt.Errorf("store account %s: %w", a.No, err)
		}
	}
	if len(problems) > 0 {
		return done, problems
	}
	return done, nil
}

// merged is the account that a row makes of old, zero for none, counted in done; write is false when nothing changes.
func merged(s accountcsv.Sheet, row accountcsv.Row, old counter.Account, done *cli.Imported) (a counter.Account, write bool) {
	if old.No == "" {
		done.Added++
		return row.Account, true
	}
	a = s.Merge(old, row)
	if reflect.DeepEqual(a, old) {
		done.Same++
		return a, false
	}
	done.Changed++
	return a, true
}

// standing is the account that the ledger has under a's number and the number of the account that has a's card; zero
// when there is none.
func standing(tx counter.Tx, a counter.Account) (old counter.Account, owner string, err error) {
	if old, err = tx.Account(a.No); err != nil && !errors.Is(err, counter.ErrNotFound) {
		return old, "", err
	}
	if a.Card.IsZero() {
		return old, "", nil
	}
	has, err := tx.AccountOfCard(a.Card)
	if err != nil && !errors.Is(err, counter.ErrNotFound) {
		return old, "", err
	}
	return old, has.No, nil
}

// CardDigits is how many decimal digits a card number has in the card profile that a config names.
func CardDigits(c config.Cards) (int, error) {
	name := devices.DefaultProfile
	if len(c.Profiles) > 0 {
		name = c.Profiles[0]
	}
	p, err := profile.Builtin(name)
	if err != nil {
		return 0, err
	}
	f := p.Header.Field(profile.CardNo)
	if f == nil || f.As != profile.BCD && f.As != profile.BCDLE {
		return 0, fmt.Errorf("card profile %q has no card number in decimal digits", name)
	}
	return 2 * f.Len, nil
}
