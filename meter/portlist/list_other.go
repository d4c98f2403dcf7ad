//go:build !linux && !windows

package portlist

import "errors"

// List does not know this system.
func List() ([]Port, error) { return nil, errors.New("list serial ports: this system is not known") }

// Holders knows nobody.
func Holders(string) []Process { return nil }
