package cardsim

import (
	"bytes"
	"crypto/des"
	"crypto/rand"
	"encoding/binary"

	"tally/cardreader/apdu"
)

// cosPurse is the electronic purse of the card: what a load adds to and the meter takes from.
type cosPurse struct {
	balance uint32
	loads   uint16 // counts loads that happened
	begun   *cosLoad
	last    []byte // number, MAC and TAC of the last load, for its proof
}

// cosLoad is a load between its two commands.
type cosLoad struct {
	amount   uint32
	terminal []byte
	session  []byte
}

const (
	cosTradeLoad             = 0x01
	swNoProof    apdu.Status = 0x9406
	swLoadMAC    apdu.Status = 0x9302
	swNoKey      apdu.Status = 0x9403
	swConditions apdu.Status = 0x6985
)

// Balance is what the electronic purse holds, and how many loads it had.
func (c *COS) Balance() (balance uint32, loads uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.purse.balance, c.purse.loads
}

// Debit is the meter taking from the purse, outside a reader.
func (c *COS) Debit(amount uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inSlot || amount > c.purse.balance {
		return ErrInUse
	}
	c.purse.balance -= amount
	return nil
}

// later puts an answer by for GET RESPONSE, as T=0 does with a command that has data.
func (c *COS) later(answer []byte) apdu.Response {
	c.fetch = answer
	return sw(0x6100 | apdu.Status(len(answer)))
}

func (c *COS) beginLoad(cmd apdu.Command) apdu.Response {
	switch {
	case !c.selected || cmd.P1 != 0 || cmd.P2 != 2:
		return sw(swOutside)
	case len(cmd.Data) != 11:
		return sw(swWrongLength)
	case cmd.Data[0] != 1 || c.o.SM4:
		return sw(swNoKey)
	}
	p := &c.purse
	random := make([]byte, 4)
	rand.Read(random) // never fails, see crypto/rand
	seed := binary.BigEndian.AppendUint16(bytes.Clone(random), p.loads)
	l := &cosLoad{
		amount: binary.BigEndian.Uint32(cmd.Data[1:]), terminal: bytes.Clone(cmd.Data[5:]),
		session: desEDE(c.o.Load, append(seed, 0x80, 0x00)),
	}
	p.begun = l
	answer := binary.BigEndian.AppendUint32(nil, p.balance)
	answer = binary.BigEndian.AppendUint16(answer, p.loads)
	answer = append(append(answer, 0x01, 0x00), random...)
	msg := append(binary.BigEndian.AppendUint32(nil, p.balance), cmd.Data[1:5]...)
	msg = append(append(msg, cosTradeLoad), l.terminal...)
	return c.later(append(answer, desCBC(l.session, msg)...))
}

// creditLoad does it whole: balance, counter and receipt change together.
func (c *COS) creditLoad(cmd apdu.Command) apdu.Response {
	p := &c.purse
	l := p.begun
	switch {
	case l == nil:
		return sw(swConditions)
	case len(cmd.Data) != 11:
		return sw(swWrongLength)
	}
	msg := append(binary.BigEndian.AppendUint32(nil, l.amount), cosTradeLoad)
	msg = append(append(msg, l.terminal...), cmd.Data[:7]...)
	if !bytes.Equal(desCBC(l.session, msg), cmd.Data[7:]) {
		return sw(swLoadMAC)
	}
	if p.balance+l.amount < p.balance {
		return sw(swConditions)
	}
	number := binary.BigEndian.AppendUint16(nil, p.loads)
	p.balance += l.amount
	p.loads++
	tac := desCBC(c.o.Load[:8], append(binary.BigEndian.AppendUint32(nil, p.balance), msg...))
	p.last = append(append(number, cmd.Data[7:]...), tac...)
	return c.later(tac)
}

func (c *COS) proveLoad(cmd apdu.Command) apdu.Response {
	if !c.selected || len(cmd.Data) != 2 {
		return sw(swWrongLength)
	}
	if len(c.purse.last) == 0 || cmd.P2 != cosTradeLoad || !bytes.Equal(c.purse.last[:2], cmd.Data) {
		return sw(swNoProof)
	}
	return c.later(bytes.Clone(c.purse.last[2:]))
}

func (c *COS) balance(cmd apdu.Command) apdu.Response {
	if !c.selected || cmd.P2 != 2 {
		return sw(swOutside)
	}
	return apdu.Response{Data: binary.BigEndian.AppendUint32(nil, c.purse.balance), SW: apdu.OK}
}

// desCBC is a MAC with one DES key: four bytes of CBC over the message and 80 00 ….
func desCBC(k, msg []byte) []byte {
	b, _ := des.NewCipher(k)
	x := make([]byte, 8)
	for msg = append(bytes.Clone(msg), 0x80); len(msg) > 0; {
		block := make([]byte, 8)
		msg = msg[copy(block, msg):]
		for i := range x {
			x[i] ^= block[i]
		}
		b.Encrypt(x, x)
	}
	return x[:4]
}
