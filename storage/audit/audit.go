// Package audit names the signed ends of a node's chains as storage speaks of them: each record carries the hash of the
// one before, so a signature under the hash of the last one is a signature under all of them. What they look like on the
// wire and how they are verified is package contract's, since the centre has to know it too.
package audit

import (
	"crypto"
	"crypto/ed25519"

	"tally/sync/contract"
)

// TypeHeads is the type of the record on ev that carries signed heads.
const TypeHeads = contract.TypeAuditHeads

// ErrSignature: heads are not signed by this key, or not for this node and epoch.
var ErrSignature = contract.ErrHeads

// Head is the end of one chain.
type Head = contract.AuditHead

// Heads is the body of audit_heads.
type Heads = contract.AuditHeads

// Message is what is signed.
func Message(node, epoch string, heads map[contract.Stream]Head) []byte {
	return contract.AuditMessage(node, epoch, heads)
}

// Sign signs heads with an Ed25519 key.
func Sign(key crypto.Signer, node, epoch string, heads map[contract.Stream]Head) (Heads, error) {
	return contract.SignHeads(key, node, epoch, heads)
}

// Verify proves that h was signed by the holder of pub for this node and epoch, and for no other stream than it names.
func Verify(pub ed25519.PublicKey, node, epoch string, h Heads) error {
	return h.Verify(pub, node, epoch)
}
