package central

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"tally/sync/contract"
)

// Key signs what nodes obey. Its name is made of its public half, so that nodes which know two of them while one is being
// replaced never mistake one for the other.
type Key struct {
	Name    string
	private ed25519.PrivateKey
}

var _ Signer = Key{}

// ErrKeyOpen says that others than its owner can read a key file.
var ErrKeyOpen = errors.New("others than the owner can read it")

// CreateKey makes a key and keeps it in a new file that only its owner can read. A file that is there already is never
// replaced: its nodes would obey nobody any more.
func CreateKey(path string) (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, fmt.Errorf("make signing key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Key{}, fmt.Errorf("make signing key: %w", err)
	}
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return Key{}, errors.Join(fmt.Errorf("make signing key: %w", err), os.Remove(path))
	}
	return named(private), nil
}

// LoadKey reads a key that CreateKey, or anybody else in PKCS #8, has written. ErrKeyOpen when others than its owner can
// read it; Windows keeps that in lists which a mode does not show, there the folder's access decides.
func LoadKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("read signing key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Key{}, &fs.PathError{Op: "read signing key", Path: path, Err: ErrKeyOpen}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read signing key: %w", err)
	}
	if block, _ := pem.Decode(raw); block != nil {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if private, ok := key.(ed25519.PrivateKey); ok {
				return named(private), nil
			}
		}
	}
	return Key{}, fmt.Errorf("read signing key: %s holds no Ed25519 key (PKCS #8 in PEM)", path)
}

func named(private ed25519.PrivateKey) Key {
	sum := sha256.Sum256(private.Public().(ed25519.PublicKey))
	return Key{Name: "centre-" + hex.EncodeToString(sum[:4]), private: private}
}

// Public is what nodes are given.
func (k Key) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// Text is the public half as people copy it to the nodes.
func (k Key) Text() string { return contract.KeyText(k.Name, k.Public()) }

// Command implements Signer.
func (k Key) Command(c contract.Command) ([]byte, error) { return contract.Sign(k.Name, k.private, c) }

// Desired implements Signer.
func (k Key) Desired(d contract.Desired) ([]byte, error) { return contract.Sign(k.Name, k.private, d) }

// String hides the private half from everybody who prints a Key.
func (k Key) String() string { return k.Name }

// GoString hides the private half from %#v.
func (k Key) GoString() string { return k.Name }
