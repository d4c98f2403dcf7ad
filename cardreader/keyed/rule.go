package keyed

import (
	"encoding/hex"
	"fmt"
	"strings"

	"tally/cardreader/cpucard"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

// Rules by which makers derive a card's code from the issuer's key, as a card profile names them.
const (
	HMAC      = "hmac_sha256"  // Derived, the rule of the shipped profiles
	TripleDES = "3des_card_no" // the first three bytes of the card number under two-key 3DES
	SM4       = "sm4_card_no"  // the same under SM4
	XOR       = "xor_card_no"  // the first three bytes of the key, exclusive or the last six digits of the number
)

// Rules lists them.
func Rules() []string { return []string{HMAC, TripleDES, SM4, XOR} }

// ByRule gives each card its code by a maker's rule; "" is HMAC. The number goes in as BCD, filled up with zeros in front
// to eight bytes. A rule that makes a factory's code of a number takes the next bytes, or the complement, instead.
func ByRule(rule string, key []byte) (Codes, error) {
	if len(key) < MinKey {
		return nil, ErrShortKey
	}
	k := cpucard.Key(key[:16])
	switch rule {
	case "", HMAC:
		return Derived(key)
	case TripleDES:
		return byNumber(func(n [8]byte) []byte { return cpucard.TripleDES.Cryptogram(k, n) }), nil
	case SM4:
		return byNumber(func(n [8]byte) []byte { return cpucard.SM4.Cryptogram(k, n) }), nil
	case XOR:
		return byNumber(func(n [8]byte) []byte {
			x := []byte{k[0] ^ n[5], k[1] ^ n[6], k[2] ^ n[7]}
			return append(x, ^x[0], ^x[1], ^x[2])
		}), nil
	}
	return nil, fmt.Errorf("derive secret codes by %q: want one of %v", rule, Rules())
}

func byNumber(make func([8]byte) []byte) Codes {
	return func(c purse.CardID) sle4442.Secret {
		out := make(packed(c.No))
		for len(out) > 3 && sle4442.PSC(out[:3]).IsFactory() {
			out = out[3:]
		}
		return sle4442.Secret{PSC: sle4442.PSC(out[:3]), Issued: true}
	}
}

// packed is a number of up to 16 digits as BCD.
func packed(no string) (n [8]byte) {
	digits := strings.Repeat("0", max(16-len(no), 0)) + no
	b, err := hex.DecodeString(digits[len(digits)-16:])
	if err == nil {
		copy(n[:], b)
	}
	return n
}
