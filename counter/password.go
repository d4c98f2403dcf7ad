package counter

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"golang.org/x/crypto/argon2"
)

// PasswordCost is what one check of a password costs (RFC 9106): Memory in KiB, Time passes, Threads lanes. A hash
// carries its own cost, so a new cost holds for passwords set from then on.
type PasswordCost struct {
	Memory  uint32
	Time    uint32
	Threads uint8
}

// DefaultPasswordCost is 19 MiB and two passes, OWASP's least for argon2id; a concentrator with little memory bears it.
var DefaultPasswordCost = PasswordCost{Memory: 19 * 1024, Time: 2, Threads: 1}

const (
	saltLen = 16
	hashLen = 32
	// MaxPassword is the most bytes of a password that are looked at; a longer one is refused.
	MaxPassword = 256
)

// ErrPassword says that a password cannot be set: empty or longer than MaxPassword.
var ErrPassword = errors.New("password empty or too long")

// HashPassword makes the PHC string of a password with DefaultPasswordCost.
func HashPassword(password string) (string, error) { return DefaultPasswordCost.Hash(password) }

// Hash makes the PHC string ($argon2id$v=19$m=…,t=…,p=…$salt$hash) of a password at this cost.
func (c PasswordCost) Hash(password string) (string, error) {
	if password == "" || len(password) > MaxPassword {
		return "", ErrPassword
	}
	salt := make([]byte, saltLen)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return phc{c, salt, c.key(password, salt, hashLen)}.String(), nil
}

func (c PasswordCost) key(password string, salt []byte, n uint32) []byte {
	key := argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, n)
	if c.Memory >= 8*1024 {
		// What the hash took would let the heap grow to twice as much before it is collected.
		debug.FreeOSMemory()
	}
	return key
}

// phc is a parsed hash.
type phc struct {
	cost PasswordCost
	salt []byte
	hash []byte
}

func (p phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.cost.Memory, p.cost.Time, p.cost.Threads, enc.EncodeToString(p.salt), enc.EncodeToString(p.hash))
}

var errHash = errors.New("not an argon2id hash in PHC format")

// parsePHC is strict: only what String prints, within costs that cannot be used to stop the service. Its error never
// holds the hash.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || len(s) > 512 {
		return phc{}, errHash
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.cost.Memory, &p.cost.Time, &p.cost.Threads); err != nil {
		return phc{}, errHash
	}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	p.hash, err2 = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	c := p.cost
	switch {
	case err1 != nil || err2 != nil || p.String() != s:
		return phc{}, errHash
	case len(p.salt) < 8 || len(p.hash) < 16:
		return phc{}, errHash
	case c.Threads == 0 || c.Time == 0 || c.Time > 64 || c.Memory < 8*uint32(c.Threads) || c.Memory > 1<<20:
		return phc{}, errHash
	}
	return p, nil
}

// matches compares in constant time. A password too long is worked on all the same, cut, and never matches.
func (p phc) matches(password string) bool {
	cut := password[:min(len(password), MaxPassword)]
	same := subtle.ConstantTimeCompare(p.cost.key(cut, p.salt, uint32(len(p.hash))), p.hash) == 1
	return same && len(cut) == len(password)
}
