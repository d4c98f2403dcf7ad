package cardsim

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"sync"

	"tally/cardreader/apdu"
)

// MifareOptions describe a Mifare Classic 1K. Zero keys are zero bytes.
type MifareOptions struct {
	A, B   [6]byte // of all sectors
	Access [3]byte // of all sectors; zero: A reads, B reads and writes, values too, keys are B's
	Blocks map[int][16]byte
}

// mifareAccess: data blocks 110 (read A or B, write B, increment B, decrement A or B), trailer 011 (B writes keys and
// access bits). C1 1111 110…: see accessOf.
var mifareAccess = encodeAccess([4]byte{0b110, 0b110, 0b110, 0b011})

// Mifare is the card behind a reader of PC/SC part 3 (Mifare Classic 1K, NXP MF1S50 data sheet). It lives in memory.
type Mifare struct {
	mu     sync.Mutex
	mem    [64][16]byte
	inSlot bool

	keys map[byte][6]byte // in the reader, by number
	sec  int              // open sector, -1 for none
	key  byte             // 60 or 61
}

// NewMifare makes a card with empty blocks.
func NewMifare(o MifareOptions) *Mifare {
	m := &Mifare{sec: -1}
	if o.Access == [3]byte{} {
		o.Access = mifareAccess
	}
	copy(m.mem[0][:], []byte{0x01, 0x02, 0x03, 0x04, 0x04, 0x08, 0x04, 0x00}) // serial, its check byte, SAK, ATQA
	for b := range o.Blocks {
		m.mem[b] = o.Blocks[b]
	}
	for s := range 16 {
		t := &m.mem[4*s+3]
		copy(t[:6], o.A[:])
		copy(t[6:9], o.Access[:])
		copy(t[10:], o.B[:])
	}
	return m
}

// encodeAccess makes the three access bytes of C1 C2 C3 for each block of a sector: C1 is stored in the upper half of the
// second byte and complemented in the lower half of the first, and so on.
func encodeAccess(c [4]byte) (b [3]byte) {
	for i, v := range c {
		c1, c2, c3 := v>>2&1, v>>1&1, v&1
		b[0] |= (1-c1)<<i | (1-c2)<<(4+i)
		b[1] |= (1-c3)<<i | c1<<(4+i)
		b[2] |= c2<<i | c3<<(4+i)
	}
	return b
}

// accessOf decodes them; false when a bit and its complement agree, which locks the sector for ever.
func accessOf(b []byte, block int) (byte, bool) {
	bit := func(x byte, at int) byte { return x >> at & 1 }
	c1, c2, c3 := bit(b[1], 4+block), bit(b[2], block), bit(b[2], 4+block)
	ok := bit(b[0], block) != c1 && bit(b[0], 4+block) != c2 && bit(b[1], block) != c3
	return c1<<2 | c2<<1 | c3, ok
}

// What can be done to a data block.
type mifareAct int

const (
	actRead mifareAct = iota
	actWrite
	actIncrement
	actDecrement
)

// mifareAllows is the table of access conditions for data blocks (data sheet §8.7.3): 1 key A, 2 key B, 3 either.
var mifareAllows = [8][4]byte{
	0b000: {3, 3, 3, 3}, 0b010: {3, 0, 0, 0}, 0b100: {3, 2, 0, 0}, 0b110: {3, 2, 2, 3},
	0b001: {3, 0, 0, 3}, 0b011: {2, 2, 0, 0}, 0b101: {2, 0, 0, 0}, 0b111: {0, 0, 0, 0},
}

func (m *Mifare) may(block int, act mifareAct) bool {
	if m.sec != block/4 {
		return false
	}
	c, ok := accessOf(m.mem[block|3][6:9], block%4)
	who := byte(1)
	if m.key == 0x61 {
		who = 2
	}
	return ok && mifareAllows[c][act]&who != 0
}

// ReadBlock is what the card's maker could see.
func (m *Mifare) ReadBlock(b int) [16]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mem[b]
}

// Insert puts the card on the reader.
func (m *Mifare) Insert() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inSlot {
		return ErrInUse
	}
	m.inSlot = true
	return nil
}

// Remove takes it away.
func (m *Mifare) Remove() {
	m.PowerOff()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inSlot = false
}

// PowerOff closes the sector and empties the reader's volatile keys.
func (m *Mifare) PowerOff() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sec, m.keys = -1, map[byte][6]byte{}
}

// Reset gives the answer to reset that PC/SC part 3 has for a Mifare Classic 1K.
func (m *Mifare) Reset() []byte {
	m.PowerOff()
	return []byte{0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x6A}
}

// Save makes a script's answer without effect possible.
func (m *Mifare) Save() func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	mem, sec, key := m.mem, m.sec, m.key
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.mem, m.sec, m.key = mem, sec, key
	}
}

// inherit: the keys lie in the reader, not in the card.
func (m *Mifare) inherit(old Device) {
	if o, ok := old.(*Mifare); ok {
		o.mu.Lock()
		keys := o.keys
		o.mu.Unlock()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.keys = keys
	}
}

// Exchange carries out a pseudo APDU.
func (m *Mifare) Exchange(command []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return sw(swWrongLength).Bytes(), nil
	}
	return m.do(c).Bytes(), nil
}

func (m *Mifare) do(c apdu.Command) apdu.Response {
	if c.CLA != 0xFF {
		return sw(swUnknownCLA)
	}
	switch c.INS {
	case 0xCA:
		return apdu.Response{Data: bytes.Clone(m.mem[0][:4]), SW: apdu.OK}
	case 0x82:
		if c.P2 > 1 || len(c.Data) != 6 {
			return sw(swWrongLength)
		}
		m.keys[c.P2] = [6]byte(c.Data)
		return sw(apdu.OK)
	case 0x86:
		return m.authenticate(c)
	}
	if c.P1 != 0 || c.P2 >= 64 {
		return sw(swOutside)
	}
	switch c.INS {
	case 0xB0:
		return m.read(int(c.P2), c.Le)
	case 0xD6:
		return m.update(int(c.P2), c.Data)
	case 0xB1:
		return m.readValue(int(c.P2))
	case 0xD7:
		return m.valueOp(int(c.P2), c.Data)
	}
	return sw(swUnknownINS)
}

// authenticate opens one sector and closes the one before, also when it fails. Key B is none where it can be read.
func (m *Mifare) authenticate(c apdu.Command) apdu.Response {
	m.sec = -1
	if len(c.Data) != 5 || c.Data[0] != 1 || c.Data[2] >= 64 || c.Data[3]&0xFE != 0x60 {
		return sw(swWrongLength)
	}
	key, ok := m.keys[c.Data[4]]
	t := m.mem[c.Data[2]|3]
	own := t[:6]
	if c.Data[3] == 0x61 {
		own = t[10:]
		if a, fine := accessOf(t[6:9], 3); !fine || a == 0b000 || a == 0b010 || a == 0b001 {
			ok = false
		}
	}
	if !ok || subtle.ConstantTimeCompare(key[:], own) != 1 {
		return sw(swWrongCode)
	}
	m.sec, m.key = int(c.Data[2])/4, c.Data[3]
	return sw(apdu.OK)
}

func (m *Mifare) read(b, le int) apdu.Response {
	switch {
	case le != 16:
		return sw(swWrongLength)
	case b%4 == 3 && m.sec == b/4: // keys are not shown; the access bits are
		out := make([]byte, 16)
		copy(out[6:10], m.mem[b][6:10])
		return apdu.Response{Data: out, SW: apdu.OK}
	case b%4 == 3 || !m.may(b, actRead):
		return sw(swWrongCode)
	}
	return apdu.Response{Data: bytes.Clone(m.mem[b][:]), SW: apdu.OK}
}

func (m *Mifare) update(b int, data []byte) apdu.Response {
	switch {
	case len(data) != 16:
		return sw(swWrongLength)
	case b == 0 || b%4 == 3 || !m.may(b, actWrite): // keys and access bits are not changed in this simulation
		return sw(swWrongCode)
	}
	m.mem[b] = [16]byte(data)
	return sw(apdu.OK)
}

// valueAt is the number of a value block, when it is one: the number three times, once complemented.
func (m *Mifare) valueAt(b int) (uint32, bool) {
	x := m.mem[b]
	v := binary.LittleEndian.Uint32(x[:])
	ok := v == ^binary.LittleEndian.Uint32(x[4:]) && v == binary.LittleEndian.Uint32(x[8:]) && x[12] == ^x[13] && x[12] == x[14] && x[13] == x[15]
	return v, ok
}

func (m *Mifare) putValue(b int, v uint32, addr byte) {
	x := &m.mem[b]
	binary.LittleEndian.PutUint32(x[:], v)
	binary.LittleEndian.PutUint32(x[4:], ^v)
	binary.LittleEndian.PutUint32(x[8:], v)
	copy(x[12:], []byte{addr, ^addr, addr, ^addr})
}

func (m *Mifare) readValue(b int) apdu.Response {
	v, ok := m.valueAt(b)
	if b%4 == 3 || !ok || !m.may(b, actRead) {
		return sw(swWrongCode)
	}
	return apdu.Response{Data: binary.BigEndian.AppendUint32(nil, v), SW: apdu.OK}
}

// valueOp: store makes a value block; increment and decrement are signed and do not pass the ends; a copy goes through the
// card's transfer buffer into a block of the same sector.
func (m *Mifare) valueOp(b int, d []byte) apdu.Response {
	if b == 0 || b%4 == 3 {
		return sw(swWrongCode)
	}
	old, isValue := m.valueAt(b)
	switch {
	case len(d) == 2 && d[0] == 3:
		to := int(d[1])
		if to/4 != b/4 || to == 0 || to%4 == 3 || !isValue || !m.may(b, actDecrement) || !m.may(to, actDecrement) {
			return sw(swWrongCode)
		}
		m.putValue(to, old, m.mem[b][12])
		return sw(apdu.OK)
	case len(d) != 5 || d[0] > 2:
		return sw(swWrongLength)
	}
	by := binary.BigEndian.Uint32(d[1:])
	if d[0] == 0 {
		if !m.may(b, actWrite) {
			return sw(swWrongCode)
		}
		m.putValue(b, by, byte(b))
		return sw(apdu.OK)
	}
	act, sum := actIncrement, int64(int32(old))+int64(by)
	if d[0] == 2 {
		act, sum = actDecrement, int64(int32(old))-int64(by)
	}
	if !isValue || !m.may(b, act) || sum != int64(int32(sum)) {
		return sw(swWrongCode)
	}
	m.putValue(b, uint32(int32(sum)), m.mem[b][12])
	return sw(apdu.OK)
}
