// Package portlist tells which serial ports this machine has and which process holds one.
//
// It opens no port: opening one drops its modem lines and, with some libraries, reprograms a port that somebody else is
// using.
package portlist

import (
	"cmp"
	"slices"
)

// Port is one serial port.
type Port struct {
	Path    string    `json:"path"`            // /dev/ttyUSB0, COM3
	ByID    string    `json:"by_id,omitempty"` // the name that stays with the adapter; the one for configs
	Driver  string    `json:"driver,omitempty"`
	Product string    `json:"product,omitempty"` // of a USB adapter, as it calls itself
	Holders []Process `json:"holders"`           // processes that have it open, as far as this user may know
}

// Process is one that has a port open.
type Process struct {
	PID    int    `json:"pid"`
	Name   string `json:"name,omitempty"`
	Locked bool   `json:"locked"` // holds the lock that keeps others out
}

// byPath puts ports in the order in which people count: ttyUSB2 before ttyUSB10.
func byPath(ports []Port) []Port {
	slices.SortFunc(ports, func(a, b Port) int {
		return cmp.Or(cmp.Compare(trimDigits(a.Path), trimDigits(b.Path)), cmp.Compare(len(a.Path), len(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	return ports
}

func trimDigits(s string) string {
	for len(s) > 0 && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' {
		s = s[:len(s)-1]
	}
	return s
}
