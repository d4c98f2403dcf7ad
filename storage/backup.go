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

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// Manifest lies beside the files of a backup.
type Manifest struct {
	V     int             `json:"v"`
	Node  string          `json:"node"`
	Epoch string          `json:"epoch"`
	At    contract.Time   `json:"at"`
	Files map[string]File `json:"files"` // by path with slashes
}

// File is what one file of a backup has to be.
type File struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

const manifestName = "manifest.json"

// ErrExists: there is something already where a backup or a restored folder should be.
var ErrExists = errors.New("there is something there already")

// Backup copies ledger and readings, as they are at one moment, into the new folder to. Sales go on meanwhile. The folder
// appears under its name when it is complete and synced; readings that are acknowledged already may be missing from it.
func (s *Store) Backup(ctx context.Context, to string) (Manifest, error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("back up to %s: %w", to, ErrExists)
	}
	fresh := to + ".new"
	if err := s.opts.Hooks.removeAll(fresh); err != nil { // left by a cut
		return Manifest{}, fmt.Errorf("back up: %w", err)
	}
	m, err := s.backup(ctx, fresh)
	if err == nil {
		err = s.opts.Hooks.rename(fresh, to)
	}
	if err != nil {
		return m, errors.Join(err, os.RemoveAll(fresh))
	}
	return m, nil
}

func (s *Store) backup(ctx context.Context, dir string) (Manifest, error) {
	m := Manifest{V: 1, Node: s.opts.Node, Epoch: s.epoch, At: contract.At(s.opts.Now()), Files: make(map[string]File)}
	if err := os.MkdirAll(filepath.Join(dir, "readings"), 0o700); err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	sources, err := s.freeze(ctx)
	defer func() {
		for _, src := range sources {
			src.release()
		}
	}()
	if err != nil {
		return m, err
	}
	for _, src := range sources {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		if m.Files[src.name], err = s.opts.Hooks.copyOut(filepath.Join(dir, filepath.FromSlash(src.name)), src.write); err != nil {
			return m, err
		}
	}
	return m, s.seal(dir, m)
}

// seal writes the manifest and makes all names durable.
func (s *Store) seal(dir string, m Manifest) error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	_, err = s.opts.Hooks.copyOut(filepath.Join(dir, manifestName), func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
	return errors.Join(err, s.opts.Hooks.syncDir(filepath.Join(dir, "readings")), s.opts.Hooks.syncDir(dir))
}

// source is one file as it was at the moment of the backup.
type source struct {
	name    string
	write   func(io.Writer) error
	release func()
}

// freeze takes hold of every file at one moment at which nobody commits.
func (s *Store) freeze(ctx context.Context) (all []source, err error) {
	err = s.readings.commits.exclusive(ctx, func() error {
		return s.commits.exclusive(ctx, func() error {
			src, err := s.ledger.freeze("ledger.db")
			if err != nil {
				return err
			}
			all = append(all, src)
			return s.readings.freeze(&all)
		})
	})
	return all, err
}

func (r *readings) freeze(all *[]source) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i, seg := range r.segs {
		name := "readings/" + segmentName(seg.first)
		src, err := freezeOld(seg.path, name)
		if i == len(r.segs)-1 {
			src.release()
			src, err = seg.file.freeze(name)
		}
		if err != nil {
			return err
		}
		*all = append(*all, src)
	}
	return nil
}

// freeze holds a state by an open transaction. Pages that it uses are not written to before it ends.
func (b *boltFile) freeze(name string) (source, error) {
	b.mu.RLock()
	if b.db == nil {
		b.mu.RUnlock()
		return source{}, ErrClosed
	}
	tx, err := b.db.Begin(false)
	if err != nil {
		b.mu.RUnlock()
		return source{}, fmt.Errorf("back up %s: %w", name, err)
	}
	release := func() {
		tx.Rollback()
		b.mu.RUnlock()
	}
	write := func(w io.Writer) error { return writeTo(tx, w) }
	return source{name: name, write: write, release: release}, nil
}

func writeTo(tx *bbolt.Tx, w io.Writer) error {
	_, err := tx.WriteTo(w)
	return err
}

// freezeOld holds a segment that is no longer written to.
func freezeOld(path, name string) (source, error) {
	f, err := os.Open(path)
	if err != nil {
		return source{release: func() {}}, fmt.Errorf("back up %s: %w", name, err)
	}
	write := func(w io.Writer) error { _, err := io.Copy(w, f); return err }
	return source{name: name, write: write, release: func() { f.Close() }}, nil
}
