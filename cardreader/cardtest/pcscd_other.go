//go:build !linux

package cardtest

import "testing"

// PCSCD is a PC/SC service of a test; on Linux only.
type PCSCD struct {
	Readers []VirtualReader
	Socket  string
}

// StartPCSCD skips the test: only Linux has a PC/SC service that a test can have for itself.
func StartPCSCD(t testing.TB, _ ...string) *PCSCD {
	missing(t, "pcscd")
	return nil
}

// Kill does nothing.
func (*PCSCD) Kill() {}

// Start does nothing.
func (*PCSCD) Start(...string) {}
