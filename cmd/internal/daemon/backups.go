package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tally/cmd/internal/config"
	"tally/counter"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Reasons of a backup, beside types of records.
const (
	backupByTime    = "weekly"
	backupByCommand = "command"
	backupByHand    = "hand"
)

// firstBackup is how long a node that has no backup yet is left to start in peace.
const firstBackup = 10 * time.Minute

// backups makes them.
type backups struct {
	store *storage.Store
	cfg   config.Backup
	now   func() time.Time
	log   *slog.Logger
	kick  chan string // reasons
	one   sync.Mutex  // one at a time
}

func newBackups(store *storage.Store, n config.Node, log *slog.Logger) *backups {
	cfg := n.Backup
	if cfg.Dir == "" { // a config that was made in the program
		cfg.Dir, cfg.Keep = filepath.Join(n.DataDir, "backup"), max(cfg.Keep, 1)
	}
	return &backups{store: store, cfg: cfg, now: time.Now, log: log, kick: make(chan string, 1)}
}

// make makes a backup and says so on ev, either way. It returns the folder.
func (b *backups) make(ctx context.Context, why string) (dir string, m storage.Manifest, err error) {
	b.one.Lock()
	defer b.one.Unlock()
	name := b.now().UTC().Format("20060102T150405Z") + "-" + why
	dir = filepath.Join(b.cfg.Dir, name)
	note := contract.BackupNote{Why: why, Name: name}
	typ := contract.TypeBackupMade
	if m, err = b.copy(ctx, dir); err != nil {
		typ, note.Name, note.Text = contract.TypeBackupFailed, "", clip(err.Error(), 500)
	}
	for _, f := range m.Files {
		note.Bytes += f.Size
	}
	noted := b.store.Update(ctx, func(tx counter.Tx) error {
		return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: typ, ID: "backup/" + name, Body: note})
	})
	if err == nil {
		b.log.Info("backup made", "dir", dir, "why", why, "bytes", note.Bytes)
		b.thin(name)
	}
	return dir, m, errors.Join(err, noted)
}

func (b *backups) copy(ctx context.Context, dir string) (storage.Manifest, error) {
	if err := os.MkdirAll(b.cfg.Dir, 0o700); err != nil {
		return storage.Manifest{}, fmt.Errorf("make folder of backups: %w", err)
	}
	if err := b.store.RoomFor(b.cfg.Dir); err != nil {
		return storage.Manifest{}, err
	}
	return b.store.Backup(ctx, dir)
}

// thin deletes the oldest backups beyond those that are kept, but never the one that was just made: by a clock that was never
// set it looks the oldest. A folder whose name is none of ours is left alone.
func (b *backups) thin(made string) {
	all := b.names()
	old := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == made })
	for _, name := range old[:min(max(len(all)-b.cfg.Keep, 0), len(old))] {
		if err := os.RemoveAll(filepath.Join(b.cfg.Dir, name)); err != nil {
			b.log.Warn("old backup stays", "name", name, "err", err)
		}
	}
}

// names lists the complete backups, oldest first.
func (b *backups) names() []string {
	entries, err := os.ReadDir(b.cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.log.Warn("folder of backups cannot be read", "err", err)
	}
	var names []string
	for _, e := range entries {
		if _, ok := madeAt(e.Name()); ok && e.IsDir() && !strings.HasSuffix(e.Name(), ".new") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

func madeAt(name string) (time.Time, bool) {
	stamp, _, ok := strings.Cut(name, "-")
	at, err := time.Parse("20060102T150405Z", stamp)
	return at, ok && err == nil
}

// due is how long to wait for the next one by time.
func (b *backups) due() time.Duration {
	all := b.names()
	if len(all) == 0 {
		return firstBackup
	}
	last, _ := madeAt(all[len(all)-1])
	wait := last.Add(b.cfg.Every).Sub(b.now())
	return min(max(wait, time.Minute), b.cfg.Every) // a clock that jumped is no reason for a storm, nor for none at all
}

// run makes backups by time and after records of the configured types.
func (b *backups) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	timer.Stop()
	for {
		if b.cfg.Every > 0 {
			timer.Reset(b.due())
		}
		why := backupByTime
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case why = <-b.kick:
		}
		if _, _, err := b.make(ctx, why); err != nil && ctx.Err() == nil {
			b.log.Warn("backup failed", "why", why, "err", err)
			select { // not again at once for the same cause
			case <-time.After(time.Minute):
			case <-ctx.Done():
			}
		}
	}
}

// follow asks for a backup whenever a record of a configured type is committed.
func (b *backups) follow(ctx context.Context, stream contract.Stream) error {
	q := b.store.Queue(stream)
	for last := q.State().Next - 1; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-q.Grown(last):
		}
		recs, err := q.Read(ctx, last+1, 100, 1<<20)
		if err != nil || len(recs) == 0 {
			last = q.State().Next - 1 // whatever it was, it is not for us to mend
			continue
		}
		last = recs[len(recs)-1].Seq
		for _, r := range recs {
			rec, err := contract.ParseRecord(r.Raw)
			if err != nil || !slices.Contains(b.cfg.After, rec.Type) || rec.Type == contract.TypeBackupMade || rec.Type == contract.TypeBackupFailed {
				continue
			}
			select {
			case b.kick <- rec.Type:
			default: // one is asked for already and will have this record too
			}
		}
	}
}
