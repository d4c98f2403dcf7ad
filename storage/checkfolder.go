package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// CheckFolder is Check for a data folder or a backup that no process uses. It opens nothing for writing: what is damaged
// stays as it is. Errors: ErrInUse, ErrNewer, a folder that is none (fs.ErrNotExist); everything else that is wrong is a finding.
func CheckFolder(ctx context.Context, dir string) (Report, error) {
	rep := Report{Records: make(map[contract.Stream]uint64)}
	segs, err := filepath.Glob(filepath.Join(dir, "readings", "*.db"))
	if err != nil {
		return rep, fmt.Errorf("look for readings: %w", err)
	}
	path := filepath.Join(dir, "ledger.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && len(segs) == 0 {
		return rep, fmt.Errorf("check %s: no ledger here: %w", dir, err)
	}
	if err := rep.manifest(ctx, dir); err != nil {
		return rep, err
	}
	w := segmentWalk{rep: &rep}
	rep.Files++
	if err := w.ledger(path); errors.Is(err, ErrInUse) || errors.Is(err, ErrNewer) {
		return rep, err
	} else {
		rep.add(path, err)
	}
	slices.Sort(segs)
	for _, seg := range segs {
		if err := ctx.Err(); err != nil {
			return rep, err
		}
		w.see(seg, nil)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "readings", "*.damaged"))
	for _, file := range aside {
		rep.add(file, errors.New("segment was set aside because it is damaged"))
	}
	return rep, err
}

// ledger verifies the ledger and learns from it what the segments have to be.
func (w *segmentWalk) ledger(path string) error {
	if err := inspect(path, true); err != nil {
		return err
	}
	f, err := openBolt(path, Hooks{}, true)
	if err != nil {
		return err
	}
	defer f.close()
	return f.view(func(tx *bbolt.Tx) error {
		if err := checkLayout("ledger.db", layoutOf(tx), ledgerMigrations); err != nil {
			return err
		}
		for _, b := range ledgerTree {
			if tx.Bucket(b) == nil {
				return fmt.Errorf("ledger has no %s: %w", b, ErrDamaged)
			}
		}
		w.epoch = string(tx.Bucket(bMeta).Get(kEpoch))
		rd, err := loadState(tx, contract.Rd)
		if err != nil {
			return err
		}
		w.next, w.lost = rd.Acked+1, rd.Lost
		return checkLedger(tx, w.rep)
	})
}

// manifest compares the files of a backup with what it says of them. A data folder has no manifest.
func (r *Report) manifest(ctx context.Context, dir string) error {
	m, err := ReadManifest(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, ErrNewer) {
		return err
	}
	if err != nil {
		r.add(manifestName, err)
		return nil
	}
	for name, want := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := sumOf(filepath.Join(dir, filepath.FromSlash(name)))
		if err == nil && got != want {
			err = fmt.Errorf("file is not what was backed up: %w", ErrDamaged)
		}
		r.add(name, err)
	}
	return nil
}

func sumOf(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("read backup: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return File{}, fmt.Errorf("read backup: %w", err)
	}
	return File{Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}
