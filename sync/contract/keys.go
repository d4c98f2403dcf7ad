package contract

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
)

// KeyText is a public key with its name in one line, as people copy it from the centre to the nodes:
// "central-2026:" and the 32 bytes in base64.
func KeyText(name string, key ed25519.PublicKey) string {
	return name + ":" + base64.StdEncoding.EncodeToString(key)
}

// ParseKeyText reads what KeyText has written. The error does not repeat the text: somebody may have taken the wrong half.
func ParseKeyText(s string) (name string, key ed25519.PublicKey, err error) {
	name, text, _ := strings.Cut(strings.TrimSpace(s), ":")
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || !isName(name) || len(raw) != ed25519.PublicKeySize {
		return "", nil, fmt.Errorf("read public key: not a name, a colon and %d bytes in base64", ed25519.PublicKeySize)
	}
	return name, raw, nil
}
