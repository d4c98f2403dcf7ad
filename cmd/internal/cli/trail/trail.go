// Package trail is the audit file of what was written to meters: one line of JSON before a command goes out and one with
// what became of it, each on the disk before anything else happens.
package trail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Begun is the outcome of an entry whose command goes out next. One that stays without a second entry of the same id was
// cut short: its command may have been carried out.
const Begun = "begun"

// Entry is one line.
type Entry struct {
	ID      string    `json:"id"` // the same in both entries of a command
	At      time.Time `json:"at"`
	Who     string    `json:"who"` // user of the operating system
	Host    string    `json:"host"`
	Port    string    `json:"port"` // or the node's line
	Node    bool      `json:"node"` // through a running node
	Meter   string    `json:"meter"`
	What    string    `json:"what"`
	Want    string    `json:"want,omitempty"`
	Before  string    `json:"before,omitempty"`
	After   string    `json:"after,omitempty"`
	Outcome string    `json:"outcome"` // Begun, or that of the command
	Why     string    `json:"why,omitempty"`
}

// Append adds an entry and returns when it is on the disk. Nobody but the user can read the file.
func Append(path string, e Entry) (err error) {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write audit file: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write audit file: %w", err)
	}
	_, missing := os.Stat(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("write audit file: %w", err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("write audit file: %w", cerr)
		}
	}()
	torn, err := endsTorn(f)
	if err != nil {
		return fmt.Errorf("write audit file: %w", err)
	}
	if torn { // a power cut took the end of a line: it must not take ours too
		line = append([]byte{'\n'}, line...)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write audit file: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write audit file: %w", err)
	}
	if errors.Is(missing, fs.ErrNotExist) {
		return syncFolder(filepath.Dir(path))
	}
	return nil
}

// endsTorn tells whether the file's last line has no end.
func endsTorn(f *os.File) (bool, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return false, err
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], size-1)
	return last[0] != '\n', err
}

// syncFolder makes a new file's name last. Systems whose folders cannot be synced keep names by themselves.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write audit file: %w", err)
	}
	defer d.Close()
	_ = d.Sync() // Windows refuses
	return nil
}
