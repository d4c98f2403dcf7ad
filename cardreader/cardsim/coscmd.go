package cardsim

import (
	"bytes"
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
	case len(cmd.Data) == 0 && c.o.Mum:
		return sw(swWrongLength)
	case len(cmd.Data) == 0 && left == 0:
		return sw(swLocked)
	case len(cmd.Data) == 0: // ISO 7816-4: without data it asks for the tries left
		return sw(swTries | apdu.Status(left))
	case len(cmd.Data) != c.cipher().size:
		return sw(swWrongLength)
	case left == 0:
		return sw(swLocked)
	case len(challenge) != 8:
		return sw(swNoChallenge)
	}
	k := [...][16]byte{c.o.Control, c.o.Vend, c.o.Meter}[cmd.P2]
	if want := c.cipher().encrypt(k, challenge); subtle.ConstantTimeCompare(want, cmd.Data) != 1 {
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
		case cmd.P1&0xE0 != 0x80 || f == nil || cosRecords[cmd.P1&0x1F] != 0:
			return nil, 0, swNotFound
		case off+n > len(f):
			return nil, 0, swOutside
		}
		return f, off, 0
	}
	// record: P1 = number, P2 = SFI and 100 for "by number", 101 for "all from this one on"
	sfi, how := cmd.P2>>3, cmd.P2&7
	size, ok := cosRecords[sfi]
	f = c.files[sfi]
	all := how == 5 && cmd.INS == 0xB2 && !c.o.Single
	switch {
	case !ok:
		return nil, 0, swNotFound
	case how != 4 && !all:
		return nil, 0, swNotSupported
	case cmd.P1 == 0 || int(cmd.P1) > len(f)/size:
		return nil, 0, swNoRecord
	}
	off = (int(cmd.P1) - 1) * size
	if n != size && (!all || n%size != 0 || off+n > len(f)) {
		return nil, 0, 0x6C00 | apdu.Status(size)
	}
	return f, off, 0
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
	case !c.allowed(cmd):
		return sw(swSecurity)
	case len(challenge) != 4:
		return sw(swNoChallenge)
	}
	data, mac := cmd.Data[:n], cmd.Data[n:]
	head := []byte{cmd.CLA, cmd.INS, cmd.P1, cmd.P2, byte(len(cmd.Data))}
	if !bytes.Equal(mac, c.cipher().mac(c.o.Line, challenge, append(head, data...))) {
		return sw(swMAC)
	}
	if cmd.INS == 0xDC && cmd.P2>>3 == sfiMonths {
		return sw(0x6981) // a cyclic file is appended to
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

// allowed: the meter writes back and the counter writes all else, and that file too where the card's maker has allowed it.
func (c *COS) allowed(cmd apdu.Command) bool {
	back := cmd.INS == 0xD6 && cmd.P1&0x1F == sfiWriteBack
	if back && c.authed == 2 {
		return true
	}
	return c.authed == 1 && (!back || c.o.Back)
}
