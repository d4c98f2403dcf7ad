// Package audit signs how far the chains of a node are. Each record carries the hash of the one before, so a signature
// under the hash of the last one is a signature under all of them: whoever has a signed head can tell whether the records
// before it were changed, left out or put in. The package knows no file and no connection; node and centre share it.
package audit

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"tally/sync/contract"
)

// TypeHeads is the type of the record on ev that carries signed heads.
const TypeHeads = "audit_heads"

// ErrSignature: heads are not signed by this key, or not for this node and epoch.
var ErrSignature = errors.New("audit heads are not signed by this key")

// Head is the end of one chain.
type Head struct {
	Seq  uint64 `json:"seq"`  // 0 while the stream is empty
	Hash string `json:"hash"` // hex SHA-256 of the bytes of record Seq, empty while the stream is empty
}

// Code is a short form for receipts and reports: eight letters and digits that cannot be mistaken for each other, 40 bits
// of the hash. An empty head has none.
func (h Head) Code() string {
	raw, err := hex.DecodeString(h.Hash)
	if err != nil || len(raw) < 5 {
		return ""
	}
	return crockford.EncodeToString(raw[:5])
}

// crockford leaves out I, L, O and U.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Heads is the body of audit_heads. The heads were true in the moment before the record that carries them.
type Heads struct {
	Heads map[contract.Stream]Head `json:"heads"`
	Key   string                   `json:"key"` // hex of the public key
	Sig   string                   `json:"sig"` // hex, over Message
}

// Message is what is signed: one line each for purpose, node, epoch, and every stream in the order of contract.Streams.
func Message(node, epoch string, heads map[contract.Stream]Head) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "tally audit heads v1\n%q\n%q\n", node, epoch)
	for _, s := range contract.Streams {
		fmt.Fprintf(&b, "%s %d %q\n", s, heads[s].Seq, heads[s].Hash)
	}
	return []byte(b.String())
}

// Sign signs heads with an Ed25519 key.
func Sign(key crypto.Signer, node, epoch string, heads map[contract.Stream]Head) (Heads, error) {
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return Heads{}, fmt.Errorf("sign audit heads: key is %T, not Ed25519", key.Public())
	}
	sig, err := key.Sign(nil, Message(node, epoch, heads), crypto.Hash(0))
	if err != nil {
		return Heads{}, fmt.Errorf("sign audit heads: %w", err)
	}
	return Heads{Heads: heads, Key: hex.EncodeToString(pub), Sig: hex.EncodeToString(sig)}, nil
}

// Verify proves that h was signed by the holder of pub for this node and epoch, and for no other stream than it names.
func Verify(pub ed25519.PublicKey, node, epoch string, h Heads) error {
	sig, err := hex.DecodeString(h.Sig)
	if err != nil || len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, Message(node, epoch, h.Heads), sig) {
		return ErrSignature
	}
	for s := range h.Heads {
		if s != contract.Tx && s != contract.Ev && s != contract.Rd {
			return fmt.Errorf("stream %.16q: %w", s, ErrSignature)
		}
	}
	return nil
}
