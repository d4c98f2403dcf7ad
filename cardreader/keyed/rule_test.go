package keyed

import (
	"bytes"
	"crypto/des"
	"errors"
	"testing"

	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

var issuer = []byte("0123456789abcdef")

func code(t *testing.T, rule, no string) sle4442.PSC {
	t.Helper()
	codes, err := ByRule(rule, issuer)
	if err != nil {
		t.Fatal(err)
	}
	s := codes(purse.CardID{Region: 1, No: no})
	if !s.Issued {
		t.Errorf("%s: a code that is not an issued card's", rule)
	}
	return s.PSC
}

// The 3DES rule checked against 3DES written out: E(left) D(right) E(left).
func TestTripleDESRule(t *testing.T) {
	x := []byte{0, 0, 0, 0, 0x00, 0x00, 0x12, 0x34}
	left, err := des.NewCipher(issuer[:8])
	if err != nil {
		t.Fatal(err)
	}
	right, err := des.NewCipher(issuer[8:])
	if err != nil {
		t.Fatal(err)
	}
	left.Encrypt(x, x)
	right.Decrypt(x, x)
	left.Encrypt(x, x)
	if got := code(t, TripleDES, "00001234"); !bytes.Equal(got[:], x[:3]) {
		t.Error("another code than 3DES makes")
	}
}

func TestRules(t *testing.T) {
	if got, want := code(t, XOR, "00654321"), (sle4442.PSC{'0' ^ 0x65, '1' ^ 0x43, '2' ^ 0x21}); got != want {
		t.Error("xor makes another code")
	}
	if code(t, "", "00001234") != code(t, HMAC, "00001234") {
		t.Error("the rule of no name is another")
	}
	seen := map[sle4442.PSC]string{}
	for _, rule := range Rules() {
		for _, no := range []string{"00001234", "00001235", "0000001234567890"} {
			c := code(t, rule, no)
			if other, ok := seen[c]; ok && rule != XOR {
				t.Errorf("%s of %s is %s", rule, no, other)
			}
			seen[c] = rule + " of " + no
			if c.IsFactory() {
				t.Errorf("%s of %s is the factory's", rule, no)
			}
		}
	}
	if _, err := ByRule(XOR, issuer[:15]); !errors.Is(err, ErrShortKey) {
		t.Errorf("%v", err)
	}
	if _, err := ByRule("rot13", issuer); err == nil {
		t.Error("a rule that nobody knows")
	}
}

// A number for which the rule makes FF FF FF: the factory's code is never an issued card's.
func TestFactoryCodeIsStepedOver(t *testing.T) {
	key := append([]byte{0xFF ^ 0x65, 0xFF ^ 0x43, 0xFF ^ 0x21}, make([]byte, 13)...)
	codes, err := ByRule(XOR, key)
	if err != nil {
		t.Fatal(err)
	}
	if c := codes(purse.CardID{No: "00654321"}); c.PSC.IsFactory() {
		t.Error("the factory's code")
	}
}
