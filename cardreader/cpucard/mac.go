package cpucard

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"

	"tally/cardreader/apdu"
)

// MAC is a message authentication code as it goes over the line.
type MAC [4]byte

// Equal compares in constant time.
func (m MAC) Equal(other MAC) bool { return subtle.ConstantTimeCompare(m[:], other[:]) == 1 }

// Challenge is the card's random number (GET CHALLENGE with Le 04). It is good for the next command only.
type Challenge [4]byte

// MaxSealed is the most data in a command that is to carry a MAC.
const MaxSealed = apdu.MaxData - len(MAC{})

// Seal gives a command its line protection: the MAC behind the data. The class byte is left as it is; the caller sets
// its secure-messaging bits (04 or 84), which the MAC covers. Too much data is apdu.ErrLength.
func (a Algorithm) Seal(k Key, c Challenge, cmd apdu.Command) (apdu.Command, error) {
	if len(cmd.Data) > MaxSealed {
		return apdu.Command{}, apdu.ErrLength
	}
	mac := a.mac(k, c, sealing(cmd))
	cmd.Data = append(append(make([]byte, 0, len(cmd.Data)+len(mac)), cmd.Data...), mac[:]...)
	return cmd, nil
}

// sealing is what the MAC of a command covers. Lc already counts the MAC that is to be made.
func sealing(cmd apdu.Command) []byte {
	msg := make([]byte, 0, apdu.MaxLen)
	msg = append(msg, cmd.CLA, cmd.INS, cmd.P1, cmd.P2, byte(len(cmd.Data)+len(MAC{})))
	return append(msg, cmd.Data...)
}

// pad is padding method 2 of ISO/IEC 9797-1: always an 80, then zeros.
func pad(msg []byte, block int) []byte {
	msg = append(append(make([]byte, 0, len(msg)+block), msg...), 0x80)
	for len(msg)%block != 0 {
		msg = append(msg, 0)
	}
	return msg
}

// chain is the last block of CBC over the padded message. iv is overwritten.
func chain(b cipher.Block, iv, msg []byte) []byte {
	n := b.BlockSize()
	padded := pad(msg, n)
	for i := 0; i < len(padded); i += n {
		subtle.XORBytes(iv, iv, padded[i:i+n])
		b.Encrypt(iv, iv)
	}
	return iv
}

// retailMAC is ISO/IEC 9797-1 algorithm 3: single DES with the left half, the last block also through the right half
// and the left again.
func retailMAC(k Key, iv, msg []byte) MAC {
	left, right := must(des.NewCipher(k[:8])), must(des.NewCipher(k[8:]))
	last := chain(left, iv, msg)
	right.Decrypt(last, last)
	left.Encrypt(last, last)
	return MAC(last[:4])
}
