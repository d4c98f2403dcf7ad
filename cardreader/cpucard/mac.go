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
func Seal(k Key, c Challenge, cmd apdu.Command) (apdu.Command, error) {
	if len(cmd.Data) > MaxSealed {
		return apdu.Command{}, apdu.ErrLength
	}
	msg := make([]byte, 0, apdu.MaxLen)
	// Lc already counts the MAC that is being made.
	msg = append(msg, cmd.CLA, cmd.INS, cmd.P1, cmd.P2, byte(len(cmd.Data)+len(MAC{})))
	msg = append(msg, cmd.Data...)
	var iv [des.BlockSize]byte
	copy(iv[:], c[:])
	mac := retailMAC(k, iv, msg)
	cmd.Data = append(append(make([]byte, 0, len(cmd.Data)+len(mac)), cmd.Data...), mac[:]...)
	return cmd, nil
}

// pad is padding method 2 of ISO/IEC 9797-1: always an 80, then zeros.
func pad(msg []byte) []byte {
	msg = append(append(make([]byte, 0, len(msg)+des.BlockSize), msg...), 0x80)
	for len(msg)%des.BlockSize != 0 {
		msg = append(msg, 0)
	}
	return msg
}

// chain is the last block of CBC over the padded message.
func chain(b cipher.Block, iv [des.BlockSize]byte, msg []byte) [des.BlockSize]byte {
	padded := pad(msg)
	for i := 0; i < len(padded); i += des.BlockSize {
		subtle.XORBytes(iv[:], iv[:], padded[i:i+des.BlockSize])
		b.Encrypt(iv[:], iv[:])
	}
	return iv
}

// retailMAC is ISO/IEC 9797-1 algorithm 3: single DES with the left half, the last block also through the right half
// and the left again.
func retailMAC(k Key, iv [des.BlockSize]byte, msg []byte) MAC {
	left, right := must(des.NewCipher(k[:8])), must(des.NewCipher(k[8:]))
	last := chain(left, iv, msg)
	right.Decrypt(last[:], last[:])
	left.Encrypt(last[:], last[:])
	return MAC(last[:4])
}
