package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Restore makes the data folder dir, which must not exist or be empty, out of a backup. The ledger gets a new epoch,
// because numbers above those of the backup may have been given since. What the centre had not acknowledged at the time
// of the backup is numbered anew from 1; the first record on ev, ledger_restored, says which old number became which,
// so that the centre can leave out what it has. The folder appears under its name when it is complete.
func Restore(ctx context.Context, backup, dir string, opts Options) error {
	m, err := ReadManifest(backup)
	if err != nil {
		return err
	}
	opts, err = opts.withDefaults()
	if err != nil {
		return err
	}
	if err := vacant(dir); err != nil {
		return err
	}
	fresh := unfinished(dir)
	if err := opts.Hooks.removeAll(fresh); err != nil { // left by a cut
		return fmt.Errorf("restore: %w", err)
	}
	if err := restore(ctx, backup, fresh, m, opts); err != nil {
		return errors.Join(err, opts.Hooks.removeAll(fresh))
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // empty
		return fmt.Errorf("restore: %w", err)
	}
	return opts.Hooks.rename(fresh, dir)
}

// unfinished is where a restore into dir works until it is complete. As long as it is there no new ledger is made in dir:
// a node that starts by itself after a cut would sell on an empty one.
func unfinished(dir string) string { return strings.TrimRight(dir, `/\`) + ".restore" }

func refuseUnfinished(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, "ledger.db")); !errors.Is(err, fs.ErrNotExist) {
		return nil // what else is wrong with it comes to light when it is opened
	}
	if _, err := os.Lstat(unfinished(dir)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%w: a restore into %s has not come to its end; run it again", ErrLedgerMissing, dir)
}

// begin makes the folder of a restore, durably.
func begin(fresh string, opts Options) error {
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, err := opts.Hooks.copyOut(filepath.Join(fresh, markName), func(w io.Writer) error {
		_, err := io.WriteString(w, "恢复未完成，请重新运行 tallyd restore。\nThis restore has not come to its end: run tallyd restore again.\n")
		return err
	})
	return errors.Join(err, opts.Hooks.syncDir(fresh), opts.Hooks.syncDir(filepath.Dir(fresh)))
}

const markName = "UNFINISHED.txt"

func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restore to %s: %w", dir, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("restore to %s: %w; move it away first", dir, ErrExists)
	}
	return nil
}

// ReadManifest reads what a backup says about itself.
func ReadManifest(backup string) (Manifest, error) {
	raw, err := os.ReadFile(filepath.Join(backup, manifestName))
	if err != nil {
		return Manifest{}, fmt.Errorf("read backup: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("decode manifest: %w: %w", err, ErrDamaged)
	}
	if m.V != 1 {
		return m, fmt.Errorf("backup has version %d, this version knows 1: %w", m.V, ErrNewer)
	}
	for name := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return m, fmt.Errorf("backup names a file outside itself: %w", ErrDamaged)
		}
	}
	if _, ok := m.Files["ledger.db"]; !ok {
		return m, fmt.Errorf("backup has no ledger: %w", ErrDamaged)
	}
	return m, nil
}

func restore(ctx context.Context, backup, fresh string, m Manifest, opts Options) error {
	if err := begin(fresh, opts); err != nil {
		return err
	}
	old := filepath.Join(fresh, "old")
	if err := os.MkdirAll(filepath.Join(old, "readings"), 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	for name, want := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := copyIn(filepath.Join(backup, filepath.FromSlash(name)), filepath.Join(old, filepath.FromSlash(name)), want, opts.Hooks); err != nil {
			return err
		}
	}
	if err := opts.Hooks.rename(filepath.Join(old, "ledger.db"), filepath.Join(fresh, "ledger.db")); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	was, err := renewLedger(filepath.Join(fresh, "ledger.db"), m, opts)
	if err != nil {
		return err
	}
	if err := takeOver(ctx, fresh, old, was, opts); err != nil {
		return err
	}
	if err := opts.Hooks.removeAll(old); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := opts.Hooks.remove(filepath.Join(fresh, markName)); err != nil {
		return err
	}
	return opts.Hooks.syncDir(fresh)
}

// copyIn copies a file of a backup and refuses one that is not what was backed up.
func copyIn(from, to string, want File, hooks Hooks) error {
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("read backup: %w", err)
	}
	defer src.Close()
	got, err := hooks.copyOut(to, func(w io.Writer) error { _, err := io.Copy(w, src); return err })
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s in the backup: %w", filepath.Base(from), ErrDamaged)
	}
	return nil
}

// takeOver brings the readings of the old epoch into the new one.
func takeOver(ctx context.Context, fresh, old string, was streamState, opts Options) error {
	opts.Linger = 0
	s, err := Open(fresh, opts)
	if err != nil {
		return err
	}
	paths, err := filepath.Glob(filepath.Join(old, "readings", "*.db"))
	for i, path := range paths {
		if err != nil {
			break
		}
		err = s.readings.takeOver(ctx, path, was.Acked+1, i == len(paths)-1)
	}
	return errors.Join(err, s.Close())
}
