package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// copyOut writes a file from its beginning and makes its content durable. Its name is so only with its folder.
func (h Hooks) copyOut(path string, write func(io.Writer) error) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return File{}, fmt.Errorf("copy: %w", err)
	}
	defer f.Close()
	w := &watchedFile{file: f, path: path, hooks: h, sum: sha256.New()}
	if err := write(w); err != nil {
		return File{}, fmt.Errorf("copy %s: %w", filepath.Base(path), err)
	}
	if err := h.op(Op{Kind: OpSync, Path: path}); err != nil {
		return File{}, fmt.Errorf("sync %s: %w", filepath.Base(path), err)
	}
	if err := f.Sync(); err != nil {
		return File{}, fmt.Errorf("sync %s: %w", filepath.Base(path), err)
	}
	return File{Size: w.n, SHA256: hex.EncodeToString(w.sum.Sum(nil))}, nil
}

// watchedFile tells of its writes, and adds up what was written.
type watchedFile struct {
	file  *os.File
	path  string
	hooks Hooks
	sum   hash.Hash
	n     int64
}

// Write writes behind what was written before.
func (w *watchedFile) Write(p []byte) (int, error) {
	if err := w.hooks.op(Op{Kind: OpWrite, Path: w.path, Off: w.n, Data: p}); err != nil {
		return 0, err
	}
	n, err := w.file.Write(p)
	w.n += int64(n)
	w.sum.Write(p[:n])
	return n, err
}

// removeAll takes a folder and all that is in it away; one that is not there is no error.
func (h Hooks) removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return h.remove(path)
	})
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove %s: %w", filepath.Base(dir), err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove %s: %w", filepath.Base(dir), err)
	}
	return nil
}
