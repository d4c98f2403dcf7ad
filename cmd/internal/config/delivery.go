package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tally/sync/contract"
)

// Delivery is how a node delivers to its central system and takes orders from it.
type Delivery struct {
	CentreKeys   []string      // files with public keys of the centre, one "name:base64" in each line; nobody commands without
	MaxRate      int           // readings a second at most while a backlog drains; 0 for no limit
	KeepReadings time.Duration // how long readings are kept after the centre has them, for one that was restored from a backup
	Confirm      time.Duration // how long settings from the centre may stay without the centre's word before they are taken back
}

// Backup is what is backed up on its own.
type Backup struct {
	Dir   string        // absolute; the folder "backup" in the data folder by default
	Every time.Duration // between two backups; 0 for none by time
	Keep  int           // so many of the newest stay
	After []string      // types of records that are followed by a backup at once
}

const day = 24 * time.Hour

// delivery reads what only a node's uplink has.
func (d *document) delivery(t *table, u *Uplink) {
	u.Delivery = Delivery{
		MaxRate:      t.whole("max_rate", 0, 0, 1_000_000),
		KeepReadings: t.span("keep_readings", 7*day, 0, 366*day),
		Confirm:      t.span("confirm_within", 10*time.Minute, time.Minute, day),
	}
	for _, path := range t.texts("centre_keys", 8) {
		path = d.resolve(path)
		if _, err := ReadCentreKeys(path); err != nil {
			t.bad("centre_keys", codeFile, path+": "+reason(err))
			continue
		}
		u.Delivery.CentreKeys = append(u.Delivery.CentreKeys, path)
	}
}

// ReadCentreKeys reads the public keys in a file: one "name:base64" in each line; empty lines and those that begin with #
// are left out.
func ReadCentreKeys(path string) (contract.Keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read keys of the centre: %w", err)
	}
	keys := contract.Keys{}
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, key, err := contract.ParseKeyText(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if keys[name] != nil {
			return nil, fmt.Errorf("line %d: key %q is there twice", i+1, name)
		}
		keys[name] = key
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no public key")
	}
	return keys, nil
}

// backup reads what is backed up on its own.
func (d *document) backup(t *table, dataDir string) Backup {
	b := Backup{
		Dir:   filepath.Join(dataDir, "backup"),
		Every: t.span("every", 7*day, 0, 366*day),
		Keep:  t.whole("keep", 4, 1, 1000),
		After: t.texts("after", 32),
	}
	if t.has("dir") {
		b.Dir = t.abs("dir")
	}
	for _, typ := range b.After {
		if !isName(typ) {
			t.bad("after", codeName, quoted(typ))
		}
	}
	t.close()
	return b
}
