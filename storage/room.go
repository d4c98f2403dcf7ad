package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"tally/counter"
)

// room watches the free space. The ballast is a file of real blocks: when the disk is full it is given up, so that what
// was begun can be ended; until it could be put back no sale is begun.
type room struct {
	dir     string
	path    string
	reserve uint64
	size    int64 // of the ballast, ≤ 0 for none
	free    func(string) (uint64, error)
	hooks   Hooks
	warn    func(string, ...any)

	mu  sync.Mutex
	ill error // why the last commit of the ledger failed, other than for want of room; nil when writing works
}

func newRoom(dir string, o Options) *room {
	return &room{
		dir: dir, path: filepath.Join(dir, "ballast"), reserve: o.Reserve, size: o.Ballast,
		free: o.Free, hooks: o.Hooks, warn: o.warn,
	}
}

// Room implements counter.Store: beside the ballast the disk has Reserve bytes free, and the ledger can be written.
func (s *Store) Room(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return storeErr(ErrClosed)
	}
	if err := s.ledger.ensure(); err != nil {
		return storeErr(err)
	}
	return s.room.check()
}

func (r *room) check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.well(); err != nil {
		return err
	}
	free, err := r.free(r.dir)
	if err != nil {
		return storeErr(err)
	}
	if r.present() {
		return r.enough(free)
	}
	if err := r.enough(free - min(free, uint64(max(r.size, 0)))); err != nil {
		return err
	}
	return r.restore()
}

func (r *room) enough(free uint64) error {
	if free < r.reserve {
		return fmt.Errorf("%d bytes free, %d needed: %w", free, r.reserve, counter.ErrNoRoom)
	}
	return nil
}

func (r *room) present() bool {
	if r.size <= 0 {
		return true
	}
	info, err := os.Stat(r.path)
	return err == nil && info.Size() >= r.size
}

// restore writes the ballast under another name first: half a ballast would be taken for a whole one.
func (r *room) restore() error {
	fresh := r.path + ".new"
	err := r.fill(fresh)
	if err == nil {
		err = r.hooks.rename(fresh, r.path)
	}
	if err != nil {
		err = errors.Join(err, r.hooks.remove(fresh))
		if isDiskFull(err) {
			return fmt.Errorf("set ballast aside: %w: %w", counter.ErrNoRoom, err)
		}
		return storeErr(err)
	}
	return nil
}

// fill writes bytes that no file system stores as a hole or compresses away entirely.
func (r *room) fill(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write ballast: %w", err)
	}
	defer f.Close()
	chunk := noise(64 << 10)
	for n := int64(0); n < r.size; n += int64(len(chunk)) {
		part := chunk[:min(int64(len(chunk)), r.size-n)]
		if err := r.hooks.op(Op{Kind: OpWrite, Path: path, Off: n, Data: part}); err != nil {
			return fmt.Errorf("write ballast: %w", err)
		}
		if _, err := f.Write(part); err != nil {
			return fmt.Errorf("write ballast: %w", err)
		}
	}
	if err := r.hooks.op(Op{Kind: OpSync, Path: path}); err != nil {
		return fmt.Errorf("sync ballast: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync ballast: %w", err)
	}
	return nil
}

// noise is a fixed pseudo-random sequence (xorshift64).
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint64(0x9E3779B97F4A7C15)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return b
}

// tight reports whether a failed commit may be for want of space: bbolt does not always hand on the cause as an error
// that can be recognised.
func (r *room) tight(err error) bool {
	free, ferr := r.free(r.dir)
	return isDiskFull(err) || (ferr == nil && free < 64*pageSize)
}

// release gives the ballast up. It reports whether that made room.
func (r *room) release() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := os.Stat(r.path); errors.Is(err, fs.ErrNotExist) || r.size <= 0 {
		return false
	}
	if err := r.hooks.remove(r.path); err != nil {
		r.warn("ballast could not be released", "err", err)
		return false
	}
	r.warn("disk is full: ballast released, no sale is begun until there is room again")
	return true
}
