// Package keyfile keeps the keys of a utility's cards in a sealed file, for offices without a security module.
//
// A security officer seals the keys once with [Seal] ("tally card seal-keys") and destroys the paper; a node opens the
// file when it starts with [Open]. What opens it is either a passphrase, which reaches the program by a file that only
// the service user can read or a credential of the service manager, never by an argument; or the machine key
// ([MachineKey]), which is made on the node and never leaves it, so that a copied file is of no use elsewhere.
//
// The passphrase goes through argon2id (RFC 9106); the file is XChaCha20-Poly1305 over the keys, with the file's own
// parameters as authenticated data, so that nobody can weaken them.
package keyfile

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// Names of keys, with their length in bytes.
var lengths = map[string]int{
	"vend": 16, "line": 16, "load": 16, // master keys of CPU cards
	"meter": 16, "control": 16, // masters of those that this side only writes, or writes others under
	"transport":  16,                            // that every key of a new CPU card is
	"psc_master": 16,                            // that secret codes of SLE 4442 cards are derived from
	"code":       2, "erase_1": 6, "erase_2": 4, // AT88SC102
	"transport_code": 2,               // of new AT88SC102
	"block_a":        6, "block_b": 6, // sectors of Mifare Classic
}

// Names lists the names that a file can hold, sorted.
func Names() []string {
	var names []string
	for n := range lengths {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

const redacted = "(hidden)"

// Keys are keys by name. No way of printing shows them.
type Keys struct{ m map[string][]byte }

// Parse reads hex by name, as an officer types it. An error does not hold a value.
func Parse(named map[string]string) (Keys, error) {
	k := Keys{map[string][]byte{}}
	for name, text := range named {
		n, known := lengths[name]
		if !known {
			return Keys{}, fmt.Errorf("parse keys: %q is not the name of a key: want one of %v", name, Names())
		}
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != n {
			return Keys{}, fmt.Errorf("parse keys: %s: want %d hex digits", name, 2*n)
		}
		k.m[name] = b
	}
	return k, nil
}

// Plain reads keys that are not sealed: an object of names and hex. It is for trials with cards whose keys are no secret.
func Plain(data []byte) (Keys, error) {
	var named map[string]string
	if err := json.Unmarshal(data, &named); err != nil {
		return Keys{}, fmt.Errorf("read plain keys: %w", ErrFile)
	}
	return Parse(named)
}

// Get is the key of that name; false when the file has none.
func (k Keys) Get(name string) ([]byte, bool) {
	b, ok := k.m[name]
	return slices.Clone(b), ok
}

// Has lists the names of the keys that there are, sorted.
func (k Keys) Has() []string {
	var names []string
	for n := range k.m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// String does not show the keys.
func (Keys) String() string { return redacted }

// Format does not show the keys, whatever the verb.
func (Keys) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue does not show the keys.
func (Keys) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText does not show the keys.
func (Keys) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Opener is what a file is sealed with and opened by: a passphrase or a machine key.
type Opener struct {
	kind   string
	secret []byte
}

// Kinds of openers.
const (
	byPassphrase = "argon2id"
	byMachine    = "machine"
)

// MinPassphrase is the shortest passphrase that Seal takes, in bytes.
const MinPassphrase = 12

// Passphrase opens by what a person knows.
func Passphrase(p []byte) Opener { return Opener{byPassphrase, slices.Clone(p)} }

// String does not show the secret.
func (Opener) String() string { return redacted }

// Format does not show the secret, whatever the verb.
func (Opener) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// file is the sealed form.
type file struct {
	Format int    `json:"format"`
	Opens  string `json:"opens"` // argon2id or machine
	Time   uint32 `json:"time,omitempty"`
	Memory uint32 `json:"memory_kib,omitempty"`
	Salt   []byte `json:"salt"`
	Nonce  []byte `json:"nonce"`
	Sealed []byte `json:"sealed,omitempty"`
}

// The cost of a passphrase (RFC 9106 §4, second recommendation), and what a file may ask for at most: a hostile file must
// not take the machine's memory.
const (
	argonTime, argonMemory = 3, 64 << 10
	maxTime, maxMemory     = 10, 256 << 10
	argonThreads           = 4
)

// Errors of Open.
var (
	ErrFile  = errors.New("not a sealed key file")
	ErrWrong = errors.New("the key file does not open: wrong passphrase, another machine, or a changed file")
)

// Seal makes the content of a key file.
func Seal(k Keys, o Opener) ([]byte, error) {
	f := file{Format: 1, Opens: o.kind, Salt: make([]byte, 16), Nonce: make([]byte, chacha20poly1305.NonceSizeX)}
	switch {
	case len(k.m) == 0:
		return nil, errors.New("seal keys: there are none")
	case o.kind == byPassphrase && len(o.secret) < MinPassphrase:
		return nil, fmt.Errorf("seal keys: the passphrase has %d bytes: want %d at least", len(o.secret), MinPassphrase)
	case o.kind == byPassphrase:
		f.Time, f.Memory = argonTime, argonMemory
	}
	rand.Read(f.Salt) // never fails, see crypto/rand
	rand.Read(f.Nonce)
	plain, err := json.Marshal(k.m)
	if err != nil {
		return nil, fmt.Errorf("seal keys: %w", err)
	}
	defer clear(plain)
	aead, err := chacha20poly1305.NewX(o.key(f))
	if err != nil {
		return nil, fmt.Errorf("seal keys: %w", err)
	}
	f.Sealed = aead.Seal(nil, f.Nonce, plain, f.open())
	return json.MarshalIndent(f, "", "  ")
}

// Open reads a key file. Its error shows nothing of the keys or of what was to open them.
func Open(data []byte, o Opener) (Keys, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil || f.Format != 1 || len(f.Nonce) != chacha20poly1305.NonceSizeX ||
		f.Time > maxTime || f.Memory > maxMemory || f.Opens == byPassphrase && f.Time == 0 {
		return Keys{}, fmt.Errorf("open keys: %w", ErrFile)
	}
	if f.Opens != o.kind {
		return Keys{}, fmt.Errorf("open keys: the file opens by %q: %w", f.Opens, ErrWrong)
	}
	aead, err := chacha20poly1305.NewX(o.key(f))
	if err != nil {
		return Keys{}, fmt.Errorf("open keys: %w", err)
	}
	plain, err := aead.Open(nil, f.Nonce, f.Sealed, f.open())
	if err != nil {
		return Keys{}, fmt.Errorf("open keys: %w", ErrWrong)
	}
	defer clear(plain)
	var k Keys
	if err := json.Unmarshal(plain, &k.m); err != nil {
		return Keys{}, fmt.Errorf("open keys: %w", ErrFile)
	}
	for name, b := range k.m {
		if lengths[name] != len(b) {
			return Keys{}, fmt.Errorf("open keys: %q: %w", name, ErrFile)
		}
	}
	return k, nil
}

// key is what seals this file. The salt makes it the file's own, also with a machine key.
func (o Opener) key(f file) []byte {
	if o.kind == byMachine {
		return argon2.IDKey(o.secret, f.Salt, 1, 8, 1, chacha20poly1305.KeySize) // 256 random bits need no stretching
	}
	return argon2.IDKey(o.secret, f.Salt, f.Time, f.Memory, argonThreads, chacha20poly1305.KeySize)
}

// open is the part of the file that can be read, as it is authenticated.
func (f file) open() []byte {
	f.Sealed = nil
	b, _ := json.Marshal(f) // strings and numbers only
	return b
}
