package cardsim

import (
	"bytes"
	"crypto/des"

	"github.com/emmansun/gmsm/sm4"
)

// cosCipher is what a card computes by itself.
type cosCipher struct {
	size    int                                   // of an answer to a challenge
	encrypt func(k [16]byte, block []byte) []byte // of a challenge
	mac     func(k [16]byte, challenge, msg []byte) []byte
}

func (c *COS) cipher() cosCipher {
	if c.o.SM4 {
		return cosCipher{16, sm4Block, sm4MAC}
	}
	return cosCipher{8, desEDE, desMAC}
}

// sm4Block is one block, what is missing zero.
func sm4Block(k [16]byte, block []byte) []byte {
	out := make([]byte, 16)
	copy(out, block)
	b, _ := sm4.NewCipher(k[:])
	b.Encrypt(out, out)
	return out
}

// sm4MAC is CBC from the challenge on, four bytes of the last block.
func sm4MAC(k [16]byte, challenge, msg []byte) []byte {
	x := make([]byte, 16)
	copy(x, challenge)
	for msg = append(bytes.Clone(msg), 0x80); len(msg) > 0; {
		block := make([]byte, 16)
		msg = msg[copy(block, msg):]
		for i := range x {
			x[i] ^= block[i]
		}
		x = sm4Block(k, x)
	}
	return x[:4]
}

// desEDE is one block of two-key triple DES, step by step.
func desEDE(k [16]byte, block []byte) []byte {
	out := bytes.Clone(block)
	a, _ := des.NewCipher(k[:8])
	b, _ := des.NewCipher(k[8:])
	a.Encrypt(out, out)
	b.Decrypt(out, out)
	a.Encrypt(out, out)
	return out
}

// desMAC is the line MAC: DES in CBC with the left half of the key from the challenge on, through the whole key at the
// end, four bytes of it.
func desMAC(k [16]byte, challenge, msg []byte) []byte {
	a, _ := des.NewCipher(k[:8])
	msg = append(bytes.Clone(msg), 0x80)
	x := append(bytes.Clone(challenge), 0, 0, 0, 0)
	for len(msg) > 0 {
		block := make([]byte, 8)
		msg = msg[copy(block, msg):]
		for i := range x {
			x[i] ^= block[i]
		}
		if len(msg) > 0 {
			a.Encrypt(x, x)
		}
	}
	return desEDE(k, x)[:4]
}
