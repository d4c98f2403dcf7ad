package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
)

// Offsets within a bbolt meta page (bbolt 1.5.0, internal/common/meta.go): a 16 byte page header, then the meta.
const (
	pageSize     = 4096
	metaStart    = 16
	metaMagicAt  = 16
	metaSizeAt   = 24
	metaRootAt   = 32
	metaFreeAt   = 48
	metaPgidAt   = 56
	metaTxidAt   = 64
	metaSumAt    = 72
	metaEnd      = 80
	boltMagic    = 0xED0CDAED
	minBoltPages = 4
)

// inspect finds out, without mapping it, whether a bbolt file can be opened: bbolt itself maps first, would be killed by
// SIGBUS on a file that was cut short, and would never return from a tree that runs in a circle. full reads every page,
// as is due after a run that did not end in order; otherwise the pages of the lowest level are not looked at.
func inspect(path string, full bool) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("inspect %s: %w", filepath.Base(path), err)
	}
	buf := make([]byte, 2*pageSize)
	if _, err := io.ReadFull(f, buf); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%s is cut short: %w", filepath.Base(path), ErrDamaged)
		}
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	meta := newestMeta(buf[:pageSize], buf[pageSize:])
	if meta == nil {
		return fmt.Errorf("%s has no valid meta page: %w", filepath.Base(path), ErrDamaged)
	}
	pages := binary.LittleEndian.Uint64(meta[metaPgidAt:])
	if pages < minBoltPages || uint64(info.Size())/pageSize < pages {
		return fmt.Errorf("%s is cut short: %w", filepath.Base(path), ErrDamaged)
	}
	t := tree{file: f, full: full}
	if err := t.verify(meta); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}

// newestMeta returns the meta page that bbolt would use, nil when none is valid.
func newestMeta(a, b []byte) []byte {
	switch {
	case !validMeta(a) && !validMeta(b):
		return nil
	case !validMeta(a):
		return b
	case !validMeta(b):
		return a
	case binary.LittleEndian.Uint64(b[metaTxidAt:]) > binary.LittleEndian.Uint64(a[metaTxidAt:]):
		return b
	}
	return a
}

// previousMeta makes a meta page for the place of transaction id's that names the state before id. It is a copy of the
// other meta page with a lower transaction id, as bbolt makes them for a backup.
func previousMeta(path string, id int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	defer f.Close()
	page := make([]byte, pageSize)
	if _, err := f.ReadAt(page, int64((id+1)%2)*pageSize); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	txid := binary.LittleEndian.Uint64(page[metaTxidAt:])
	if !validMeta(page) || txid >= uint64(id) || txid == 0 {
		return nil, fmt.Errorf("%s has no state before the last: %w", filepath.Base(path), ErrDamaged)
	}
	binary.LittleEndian.PutUint64(page, uint64(id%2)) // the page's own number
	binary.LittleEndian.PutUint64(page[metaTxidAt:], txid-1)
	sum := fnv.New64a()
	sum.Write(page[metaStart:metaSumAt])
	binary.LittleEndian.PutUint64(page[metaSumAt:], sum.Sum64())
	return page, nil
}

func validMeta(m []byte) bool {
	sum := fnv.New64a()
	sum.Write(m[metaStart:metaSumAt])
	return binary.LittleEndian.Uint32(m[metaMagicAt:]) == boltMagic &&
		binary.LittleEndian.Uint32(m[metaSizeAt:]) == pageSize &&
		binary.LittleEndian.Uint64(m[metaSumAt:metaEnd]) == sum.Sum64()
}
