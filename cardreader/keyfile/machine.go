package keyfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// machineKey is the number of bytes of a machine key.
const machineKey = 32

// MachineKey is what opens the files of this machine only: it reads the key at path, or makes one that only this user can
// read. It belongs on the node's own disk and into no backup; who loses it seals the keys anew.
func MachineKey(path string) (Opener, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newMachineKey(path)
	}
	if err != nil {
		return Opener{}, fmt.Errorf("read machine key: %w", err)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != machineKey {
		return Opener{}, fmt.Errorf("read machine key %s: want %d hex digits", path, 2*machineKey)
	}
	return Opener{byMachine, b}, nil
}

func newMachineKey(path string) (Opener, error) {
	b := make([]byte, machineKey)
	rand.Read(b) // never fails, see crypto/rand
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Opener{}, fmt.Errorf("make machine key: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(b) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return Opener{}, errors.Join(fmt.Errorf("make machine key: %w", err), os.Remove(path))
	}
	return Opener{byMachine, b}, nil
}
