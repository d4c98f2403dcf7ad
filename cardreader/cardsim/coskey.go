package cardsim

import (
	"bytes"
	"crypto/des"

	"github.com/emmansun/gmsm/sm4"

	"tally/cardreader/apdu"
)

// Types of keys in WRITE KEY, the two upper bits set: such a key is written enciphered and with a MAC only.
const (
	keyAuthenticates = 0xF9
	keyLine          = 0xF6
	keyLoads         = 0xFF
)

// HasKeys reports whether the card has these keys.
func (c *COS) HasKeys(vend, meter, line, load [16]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.o.Vend == vend && c.o.Meter == meter && c.o.Line == line && c.o.Load == load
}

// writeKey is WRITE KEY (84 D4, P1 the type and P2 the number of the key): length, key and padding, enciphered under the
// control key, and a MAC under the same key over the challenge, header and cipher. It is done whole or not at all. A wrong
// MAC counts against the control key.
func (c *COS) writeKey(cmd apdu.Command, challenge []byte) apdu.Response {
	n := len(cmd.Data) - 4
	switch {
	case c.authed != 1:
		return sw(swSecurity)
	case n < 16 || n%c.cipher().size != 0:
		return sw(swWrongLength)
	case len(challenge) != 4:
		return sw(swNoChallenge)
	case c.tries[0] == 0:
		return sw(swLocked)
	}
	head := []byte{cmd.CLA, cmd.INS, cmd.P1, cmd.P2, byte(len(cmd.Data))}
	if !bytes.Equal(cmd.Data[n:], c.cipher().mac(c.o.Control, challenge, append(head, cmd.Data[:n]...))) {
		c.tries[0]--
		return sw(swMAC)
	}
	c.tries[0] = c.o.Tries
	plain := c.decipher(c.o.Control, cmd.Data[:n])
	if plain[0] != 16 || plain[17] != 0x80 || len(bytes.TrimRight(plain[18:], "\x00")) > 0 {
		return sw(swWrongLength)
	}
	to := map[[2]byte]*[16]byte{
		{keyAuthenticates, 0}: &c.o.Control, {keyAuthenticates, 1}: &c.o.Vend, {keyAuthenticates, 2}: &c.o.Meter,
		{keyLine, 3}: &c.o.Line, {keyLoads, 1}: &c.o.Load,
	}[[2]byte{cmd.P1, cmd.P2}]
	if to == nil {
		return sw(swNoKey)
	}
	*to = [16]byte(plain[1:17])
	if cmd.P1 == keyAuthenticates {
		c.tries[cmd.P2] = c.o.Tries
	}
	return sw(apdu.OK)
}

// decipher goes block by block.
func (c *COS) decipher(k [16]byte, data []byte) []byte {
	out := bytes.Clone(data)
	if c.o.SM4 {
		b, _ := sm4.NewCipher(k[:])
		for i := 0; i < len(out); i += 16 {
			b.Decrypt(out[i:], out[i:])
		}
		return out
	}
	l, _ := des.NewCipher(k[:8])
	r, _ := des.NewCipher(k[8:])
	for i := 0; i < len(out); i += 8 {
		l.Decrypt(out[i:], out[i:])
		r.Encrypt(out[i:], out[i:])
		l.Decrypt(out[i:], out[i:])
	}
	return out
}
