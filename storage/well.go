package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// suspect notes that the ledger could not be written.
func (r *room) suspect(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ill == nil {
		r.warn("ledger cannot be written: no sale is begun until a trial write succeeds", "err", err)
	}
	r.ill = err
}

// well tries to write before the next sale is begun, after a commit that failed. Call with r.mu held.
func (r *room) well() error {
	if r.ill == nil {
		return nil
	}
	trial := r.trial()
	_, err := r.hooks.copyOut(trial, func(w io.Writer) error { _, err := w.Write(noise(pageSize)); return err })
	if err := errors.Join(err, r.hooks.remove(trial)); err != nil {
		return storeErr(fmt.Errorf("try to write after a failure: %w", err))
	}
	r.ill = nil
	r.warn("ledger can be written again")
	return nil
}

func (r *room) trial() string { return filepath.Join(r.dir, "trial.new") }

// tidy removes what a cut left of a trial.
func (r *room) tidy() error {
	if _, err := os.Lstat(r.trial()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return r.hooks.remove(r.trial())
}

// readOnly gives the operating system's word for a read-only disk ours, which says what helps.
func readOnly(err error) error {
	if isReadOnly(err) {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}
