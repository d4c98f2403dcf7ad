// Package claim says which process of this machine uses a card reader.
//
// PC/SC lets any number of programs share a card. A secret code is presented once an insertion, and a program that closes
// its connection powers the card down under the other's hands: so the daemon holds a claim on each reader that it serves,
// and the technician's command takes one before it opens a card by itself. The system takes a claim back when its process
// ends, however it ends.
package claim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
)

// ErrTaken: another process, or another part of this one, has the claim.
var ErrTaken = errors.New("another process of this machine uses it")

// serviceEnv is where libpcsclite finds its service; readers of different services have nothing to do with each other.
const serviceEnv = "PCSCLITE_CSOCK_NAME"

// Reader claims the reader of that name at this process's PC/SC service. The claim lasts until release is called, which
// may be done twice. Where the system has no means for claims, or refuses them, everything can be claimed: a claim protects,
// it never keeps a counter from working.
func Reader(name string) (release func(), err error) {
	sum := sha256.Sum256([]byte(os.Getenv(serviceEnv) + "\x00" + name))
	return take("tally-reader-" + hex.EncodeToString(sum[:12]))
}
