package portlist

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows/registry"
)

// List returns the ports that the drivers have named. Windows does not tell who holds one.
func List() ([]Port, error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `HARDWARE\DEVICEMAP\SERIALCOMM`, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil // there never was one
	}
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	defer key.Close()
	names, err := key.ReadValueNames(-1)
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	var ports []Port
	for _, name := range names {
		if path, _, err := key.GetStringValue(name); err == nil {
			ports = append(ports, Port{Path: path, Driver: name, Holders: []Process{}})
		}
	}
	return byPath(ports), nil
}

// Holders knows nobody.
func Holders(string) []Process { return nil }
