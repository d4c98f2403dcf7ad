//go:build !linux

package metersim

import (
	"context"
	"errors"
)

// ErrNoPTY says that this system has no pseudo-terminals that tally could use; simulate over TCP instead.
var ErrNoPTY = errors.New("pseudo-terminals are used on Linux only")

// ServePTY always fails with ErrNoPTY.
func (b *Bus) ServePTY(context.Context, func(path string)) error { return ErrNoPTY }
