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
	metaPgidAt   = 56
	metaTxidAt   = 64
	metaSumAt    = 72
	metaEnd      = 80
	boltMagic    = 0xED0CDAED
	minBoltPages = 4
)

// inspect finds out, without mapping it, whether a bbolt file can be opened: bbolt itself maps first and would be killed
// by SIGBUS on a file that was cut short.
func inspect(path string) error {
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
	pages, ok := newestMeta(buf[:pageSize], buf[pageSize:])
	if !ok {
		return fmt.Errorf("%s has no valid meta page: %w", filepath.Base(path), ErrDamaged)
	}
	if pages < minBoltPages || uint64(info.Size())/pageSize < pages {
		return fmt.Errorf("%s is cut short: %w", filepath.Base(path), ErrDamaged)
	}
	return nil
}

// newestMeta returns the page count of the meta page that bbolt would use.
func newestMeta(a, b []byte) (pages uint64, ok bool) {
	var txid uint64
	for _, m := range [][]byte{a, b} {
		if !validMeta(m) {
			continue
		}
		if id := binary.LittleEndian.Uint64(m[metaTxidAt:]); !ok || id > txid {
			pages, txid, ok = binary.LittleEndian.Uint64(m[metaPgidAt:]), id, true
		}
	}
	return pages, ok
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
