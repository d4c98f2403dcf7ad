package cardsim

import (
	"bytes"
	"crypto/des"
	"crypto/subtle"

	"tally/cardreader/apdu"
)

// Status words of the family.
const (
	swSecurity    apdu.Status = 0x6982
	swNoChallenge apdu.Status = 0x6984
	swMAC         apdu.Status = 0x6988
	swNotFound    apdu.Status = 0x6A82
	swNoRecord    apdu.Status = 0x6A83
	swTries       apdu.Status = 0x63C0
)

// selectFile answers as T=0 does: 61 xx, and the file control information to be fetched.
func (c *COS) selectFile(cmd apdu.Command) apdu.Response {
	if cmd.P1 != 4 || !bytes.Equal(cmd.Data, c.o.AID) {
		return sw(swNotFound)
	}
	c.selected, c.authed = true, 0
	dfName := append([]byte{0x84, byte(len(c.o.AID))}, c.o.AID...)
	c.fetch = append([]byte{0x6F, byte(len(dfName))}, dfName...)
	return sw(0x6100 | apdu.Status(len(c.fetch)))
}

func (c *COS) getResponse(cmd apdu.Command) apdu.Response {
	f := c.fetch
	switch {
	case len(f) == 0:
		return sw(0x6985)
	case cmd.Le != len(f):
		return sw(0x6C00 | apdu.Status(len(f)))
	}
	c.fetch = nil
	return apdu.Response{Data: f, SW: apdu.OK}
}

func (c *COS) getChallenge(cmd apdu.Command) apdu.Response {
	if cmd.Le != 4 && cmd.Le != 8 {
		return sw(swWrongLength)
	}
	c.challenge = newChallenge(cmd.Le)
	return apdu.Response{Data: c.challenge, SW: apdu.OK}
}

// authenticate compares the encrypted challenge of eight bytes.
func (c *COS) authenticate(cmd apdu.Command, challenge []byte) apdu.Response {
	left, ok := c.tries[cmd.P2]
	switch {
	case !c.selected || !ok:
		return sw(swNotFound)
	case len(cmd.Data) != 8:
		return sw(swWrongLength)
	case left == 0:
		return sw(swLocked)
	case len(challenge) != 8:
		return sw(swNoChallenge)
	}
	k := c.o.Vend
	if cmd.P2 == 2 {
		k = c.o.Meter
	}
	if want := desEDE(k, challenge); subtle.ConstantTimeCompare(want, cmd.Data) != 1 {
		c.authed = 0
		c.tries[cmd.P2]--
		return sw(swTries | apdu.Status(c.tries[cmd.P2]))
	}
	c.tries[cmd.P2], c.authed = c.o.Tries, cmd.P2
	return sw(apdu.OK)
}

// place finds what B0, B2, D6 and DC address: file and offset, or the status word of a refusal.
func (c *COS) place(cmd apdu.Command, n int) (f []byte, off int, refused apdu.Status) {
	if !c.selected {
		return nil, 0, swNotFound
	}
	if cmd.INS&0x0F == 0x00 || cmd.INS&0x0F == 0x06 { // binary: P1 = 80|SFI, P2 = offset
		f, off = c.files[cmd.P1&0x1F], int(cmd.P2)
		switch {
		case cmd.P1&0xE0 != 0x80 || f == nil || cmd.P1&0x1F == sfiOrders:
			return nil, 0, swNotFound
		case off+n > len(f):
			return nil, 0, swOutside
		}
		return f, off, 0
	}
	// record: P1 = number, P2 = SFI and 100 for "by number"
	switch {
	case cmd.P2 != sfiOrders<<3|4:
		return nil, 0, swNotFound
	case cmd.P1 == 0 || cmd.P1 > cosRecords:
		return nil, 0, swNoRecord
	case n != cosRecord:
		return nil, 0, 0x6C00 | cosRecord
	}
	return c.files[sfiOrders], (int(cmd.P1) - 1) * cosRecord, 0
}

func (c *COS) read(cmd apdu.Command) apdu.Response {
	f, off, refused := c.place(cmd, cmd.Le)
	if refused != 0 {
		return sw(refused)
	}
	return apdu.Response{Data: bytes.Clone(f[off : off+cmd.Le]), SW: apdu.OK}
}

// update checks in the order of the family: access right, challenge, MAC, place.
func (c *COS) update(cmd apdu.Command, challenge []byte) apdu.Response {
	n := len(cmd.Data) - 4
	switch {
	case n < 1:
		return sw(swWrongLength)
	case c.authed != c.keyFor(cmd):
		return sw(swSecurity)
	case len(challenge) != 4:
		return sw(swNoChallenge)
	}
	data, mac := cmd.Data[:n], cmd.Data[n:]
	head := []byte{cmd.CLA, cmd.INS, cmd.P1, cmd.P2, byte(len(cmd.Data))}
	if !bytes.Equal(mac, desMAC(c.o.Line, challenge, append(head, data...))) {
		return sw(swMAC)
	}
	f, off, refused := c.place(cmd, n)
	if refused != 0 {
		if refused&0xFF00 == 0x6C00 {
			refused = swWrongLength
		}
		return sw(refused)
	}
	copy(f[off:], data)
	return sw(apdu.OK)
}

// keyFor: the meter writes back, the counter writes all else.
func (c *COS) keyFor(cmd apdu.Command) byte {
	if cmd.INS == 0xD6 && cmd.P1&0x1F == sfiWriteBack {
		return 2
	}
	return 1
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
