package contract

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// Signed is the payload of dn/cfg and dn/cmd. Body is the text of a JSON object, carried as a string so that its bytes
// are beyond doubt; Sig is Ed25519, in base64, over
//
//	tally/v1 <kind> <node> LF <body>
//
// with kind dn/cfg or dn/cmd. So a signature is of no use on another node or for another purpose, whatever broker or
// centre it went through.
type Signed struct {
	V    int    `json:"v"`
	Key  string `json:"key"` // names the public key; a node knows several while one is being replaced
	Body string `json:"body"`
	Sig  string `json:"sig"`
}

// Keys are the public keys that a node trusts, by name.
type Keys map[string]ed25519.PublicKey

// MaxSigned is the longest payload of dn/cfg and dn/cmd. The sale locks of a city with a million customers take half of it.
const MaxSigned = 4 << 20

func signedText(k Kind, node, body string) []byte {
	return fmt.Appendf(nil, "tally/v1 %s %s\n%s", k, node, body)
}

// Sign makes the payload of a command or a desired state for its node.
func Sign[T Command | Desired](keyName string, key ed25519.PrivateKey, m T) ([]byte, error) {
	k, node, bad := check(m)
	if bad != nil {
		return nil, fmt.Errorf("sign: %w", bad)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	sig := ed25519.Sign(key, signedText(k, node, string(body)))
	payload, err := json.Marshal(Signed{Version, keyName, string(body), base64.StdEncoding.EncodeToString(sig)})
	if err == nil && len(payload) > MaxSigned {
		return nil, fmt.Errorf("sign: %w", invalid(CodeTooLarge, "$", "%d bytes; no node would read more than %d", len(payload), MaxSigned))
	}
	return payload, err
}

func check(m any) (Kind, string, *Invalid) {
	switch m := m.(type) {
	case Command:
		return KindCmd, m.Node, m.check()
	case Desired:
		return KindCfg, m.Node, m.check()
	}
	return "", "", invalid(CodeBadRecord, "$", "neither a command nor a desired state")
}

// openSigned returns the body if one of keys has signed it for this node and kind.
func openSigned(payload []byte, k Kind, node string, keys Keys) (string, *Invalid) {
	if len(payload) > MaxSigned {
		return "", invalid(CodeTooLarge, "$", "%d bytes", len(payload))
	}
	var s Signed
	if bad := decode(payload, &s, CodeBadEnvelope); bad != nil {
		return "", bad
	}
	if s.V != Version {
		return "", invalid(CodeBadVersion, "v", "%d, this end speaks %d", s.V, Version)
	}
	key, ok := keys[s.Key]
	if !ok || len(key) != ed25519.PublicKeySize {
		return "", invalid(CodeBadSignature, "key", "not one that is trusted here")
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(s.Sig)
	if err != nil || !ed25519.Verify(key, signedText(k, node, s.Body), sig) {
		return "", invalid(CodeBadSignature, "sig", "not of this key over this body, for this node")
	}
	return s.Body, nil
}

func openAs[T Command | Desired](payload []byte, k Kind, node string, keys Keys) (T, error) {
	var m T
	body, bad := openSigned(payload, k, node, keys)
	if bad != nil {
		return m, bad
	}
	if bad := decode([]byte(body), &m, CodeBadRecord); bad != nil {
		return m, bad.at("body")
	}
	_, to, bad := check(m)
	if bad == nil && to != node {
		bad = invalid(CodeWrongNode, "node", "%q", to)
	}
	if bad != nil {
		return *new(T), bad.at("body")
	}
	return m, nil
}

// OpenCommand reads the payload of dn/cmd as node. Errors are *Invalid; a nil error proves who sent it, not that it is
// in time or new: see Command.InTime and the inbox.
func OpenCommand(payload []byte, node string, keys Keys) (Command, error) {
	return openAs[Command](payload, KindCmd, node, keys)
}

// OpenDesired reads the payload of dn/cfg as node. Errors are *Invalid; a nil error proves who sent it, not that it is
// the newest: Version has to be above that of the one applied last.
func OpenDesired(payload []byte, node string, keys Keys) (Desired, error) {
	return openAs[Desired](payload, KindCfg, node, keys)
}
