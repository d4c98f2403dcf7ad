package storage

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keyName is the file of the node's own key: PKCS #8 in PEM (RFC 5958, RFC 7468), readable for the service user only. It
// is not part of a backup, or whoever has a backup could sign for the node; a restored folder gets a new one.
const keyName = "node.key"

// Key is the node's Ed25519 key, with which it signs the ends of its chains. It is made at the first start.
func (s *Store) Key() ed25519.PrivateKey { return s.key }

// PublicKey is the public half in hex, as the centre hears it.
func (s *Store) PublicKey() string { return hex.EncodeToString(s.key.Public().(ed25519.PublicKey)) }

func (s *Store) loadKey() (err error) {
	path := filepath.Join(s.dir, keyName)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.makeKey(path); err != nil {
			return err
		}
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return fmt.Errorf("read node key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return fmt.Errorf("%s is no PEM file: %w", keyName, ErrDamaged)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("%s holds no key: %w", keyName, ErrDamaged)
	}
	own, ok := key.(ed25519.PrivateKey)
	if !ok {
		return fmt.Errorf("%s holds a key of another kind than Ed25519: %w", keyName, ErrDamaged)
	}
	s.key = own
	return nil
}

// makeKey gives the file its name only when it is complete and synced.
func (s *Store) makeKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make node key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make node key: %w", err)
	}
	fresh := path + ".new"
	if err := s.opts.Hooks.remove(fresh); err != nil { // left by a cut
		return err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make node key: %w", err)
	}
	if err := errors.Join(f.Close(), s.opts.Hooks.writeSync(fresh, 0, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))); err != nil {
		return err
	}
	return s.opts.Hooks.rename(fresh, path)
}
