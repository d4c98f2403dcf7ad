//go:build !windows

package cli

import (
	"errors"
	"syscall"
)

// diskIsFull: the disk, or what this user may have of it.
func diskIsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
