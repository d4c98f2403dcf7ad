package contract

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrHeads: audit heads are not signed by this key, or not for this node and epoch.
var ErrHeads = errors.New("audit heads are not signed by this key")

// AuditHead is the end of one chain. Each record carries the hash of the one before, so it stands for all before it.
type AuditHead struct {
	Seq  uint64 `json:"seq"`  // 0 while the stream is empty
	Hash string `json:"hash"` // hex SHA-256 of the bytes of record Seq, empty while the stream is empty
}

// Code is a short form for receipts and reports: eight letters and digits that cannot be mistaken for each other, 40 bits
// of the hash. An empty head has none.
func (h AuditHead) Code() string {
	raw, err := hex.DecodeString(h.Hash)
	if err != nil || len(raw) < 5 {
		return ""
	}
	return crockford.EncodeToString(raw[:5])
}

// crockford leaves out I, L, O and U.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// AuditHeads is the body of audit_heads: how every chain of the node ended in the moment before the record that carries
// them, signed with the node's own key.
type AuditHeads struct {
	Heads map[Stream]AuditHead `json:"heads"`
	Key   string               `json:"key"` // hex of the Ed25519 public key
	Sig   string               `json:"sig"` // hex, over AuditMessage
}

// AuditMessage is what is signed: one line each for purpose, node, epoch, and every stream in the order of Streams.
func AuditMessage(node, epoch string, heads map[Stream]AuditHead) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "tally audit heads v1\n%q\n%q\n", node, epoch)
	for _, s := range Streams {
		fmt.Fprintf(&b, "%s %d %q\n", s, heads[s].Seq, heads[s].Hash)
	}
	return []byte(b.String())
}

// SignHeads signs heads with an Ed25519 key.
func SignHeads(key crypto.Signer, node, epoch string, heads map[Stream]AuditHead) (AuditHeads, error) {
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return AuditHeads{}, fmt.Errorf("sign audit heads: key is %T, not Ed25519", key.Public())
	}
	sig, err := key.Sign(nil, AuditMessage(node, epoch, heads), crypto.Hash(0))
	if err != nil {
		return AuditHeads{}, fmt.Errorf("sign audit heads: %w", err)
	}
	return AuditHeads{Heads: heads, Key: hex.EncodeToString(pub), Sig: hex.EncodeToString(sig)}, nil
}

// Verify proves that h was signed by the holder of pub for this node and epoch, and for no other stream than it names.
func (h AuditHeads) Verify(pub ed25519.PublicKey, node, epoch string) error {
	sig, err := hex.DecodeString(h.Sig)
	if err != nil || len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, AuditMessage(node, epoch, h.Heads), sig) {
		return ErrHeads
	}
	for s := range h.Heads {
		if !s.Known() {
			return fmt.Errorf("stream %.16q: %w", s, ErrHeads)
		}
	}
	return nil
}
