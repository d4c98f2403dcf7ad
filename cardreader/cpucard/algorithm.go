package cpucard

import (
	"crypto/cipher"
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

// Algorithm is the block cipher of a card and its keys.
type Algorithm string

// Algorithms.
const (
	TripleDES Algorithm = "3des" // two-key triple DES, the family's own
	SM4       Algorithm = "sm4"  // GB/T 32907
)

// ParseAlgorithm checks a name; the empty one is TripleDES.
func ParseAlgorithm(name string) (Algorithm, error) {
	switch a := Algorithm(name); a {
	case "":
		return TripleDES, nil
	case TripleDES, SM4:
		return a, nil
	}
	return "", fmt.Errorf("parse algorithm %q: want %q or %q", name, TripleDES, SM4)
}

// BlockSize is 8 or 16 bytes.
func (a Algorithm) BlockSize() int {
	if a == SM4 {
		return sm4.BlockSize
	}
	return 8
}

func (a Algorithm) block(k Key) cipher.Block {
	if a == SM4 {
		return must(sm4.NewCipher(k[:]))
	}
	return k.triple()
}

// Diversify derives a card's key from a master key: with 3DES the serial encrypted, and its complement encrypted; with
// SM4 both in one block.
func (a Algorithm) Diversify(k Key, s Serial) (out Key) {
	in := s.factor()
	b := a.block(k)
	for i := 0; i < len(out); i += b.BlockSize() {
		b.Encrypt(out[i:], in[i:])
	}
	return out
}

// factor is the serial and its complement.
func (s Serial) factor() (in [16]byte) {
	copy(in[:], s[:])
	for i, x := range s {
		in[8+i] = ^x
	}
	return in
}

// Cryptogram answers a challenge for an external authentication: one block, the challenge filled up with zeros.
func (a Algorithm) Cryptogram(k Key, challenge [8]byte) []byte {
	out := make([]byte, a.BlockSize())
	copy(out, challenge[:])
	a.block(k).Encrypt(out, out)
	return out
}

// mac is the line MAC: four bytes of a CBC-MAC that begins with the challenge filled up with zeros. With 3DES it is
// ISO/IEC 9797-1 algorithm 3, with SM4 algorithm 1 (DES with half a key is no cipher to end with; SM4 is).
func (a Algorithm) mac(k Key, c Challenge, msg []byte) MAC {
	iv := make([]byte, a.BlockSize())
	copy(iv, c[:])
	if a == SM4 {
		return MAC(chain(a.block(k), iv, msg)[:4])
	}
	return retailMAC(k, iv, msg)
}
