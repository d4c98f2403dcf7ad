//go:build !linux

package metersim

import (
	"context"
	"errors"
	"os"
)

// ErrNoPTY says that this system has no pseudo-terminals that tally could use; simulate over TCP instead.
var ErrNoPTY = errors.New("pseudo-terminals are used on Linux only")

// ServePTY always fails with ErrNoPTY.
func (b *Bus) ServePTY(context.Context, func(path string)) error { return ErrNoPTY }

// PTY is a pseudo-terminal; there is none on this system.
type PTY struct {
	Path string
	Wire *os.File
}

// OpenPTY always fails with ErrNoPTY.
func OpenPTY() (*PTY, error) { return nil, ErrNoPTY }

// Close does nothing.
func (p *PTY) Close() error { return nil }
