package cardsim

import (
	"bytes"
	"crypto/rand"
	"errors"
	"sync"

	"tally/cardreader/apdu"
)

// COSOptions describe an issued CPU card of the PBOC / CJ/T 166 family. Key 01 allows to sell, key 02 is the meter's.
type COSOptions struct {
	AID      []byte
	Serial   [8]byte
	Vend     [16]byte
	Meter    [16]byte
	Line     [16]byte
	Load     [16]byte        // of the electronic purse, key index 1
	Back     bool            // the meter's file may be written under key 01 too, as its access rights were set
	Control  [16]byte        // key 00 (主控密钥): others are written under it
	SM4      bool            // the keys are for SM4, else for two-key triple DES
	Tries    int             // of an external authentication, each key; 0 means 3
	Identity []byte          // start of the file 15
	Files    map[byte][]byte // content of files by their short identifier, records one after another; what is missing is zero
	Single   bool            // records are read one by one only
	Mum      bool            // does not tell how many tries are left
	Balance  uint32          // of the electronic purse
	Loads    uint16          // its load counter
}

// Short file identifiers and sizes of the simulated application.
const (
	sfiOrders    = 0x01 // 10 records of 48
	sfiWriteBack = 0x03 // 64
	sfiTariff    = 0x04 // 48
	sfiMonths    = 0x05 // cyclic, 12 records of 16
	sfiIdentity  = 0x15 // 32
)

// cosRecords are the lengths of the records of the files that have them.
var cosRecords = map[byte]int{sfiOrders: 48, sfiMonths: 16}

// COS is the card: files that are read freely and written under a key and line protection, a challenge that is good for
// one command, keys that count wrong authentications. It lives in memory. What it does is written from ISO 7816-4 and
// the family's command tables, and computes its MACs by itself.
type COS struct {
	mu     sync.Mutex
	o      COSOptions
	files  map[byte][]byte
	tries  map[byte]int
	inSlot bool

	powered   bool
	selected  bool
	authed    byte   // key number, 0 none
	challenge []byte // of the last command, nil when none or used
	fetch     []byte // for GET RESPONSE
	purse     cosPurse
}

// NewCOS makes a card with empty files.
func NewCOS(o COSOptions) *COS {
	if o.Tries == 0 {
		o.Tries = 3
	}
	c := &COS{o: o, tries: map[byte]int{0: o.Tries, 1: o.Tries, 2: o.Tries}, files: map[byte][]byte{
		sfiOrders: make([]byte, 480), sfiWriteBack: make([]byte, 64),
		sfiTariff: make([]byte, 48), sfiMonths: make([]byte, 192), sfiIdentity: make([]byte, 32),
	}, purse: cosPurse{balance: o.Balance, loads: o.Loads}}
	copy(c.files[sfiIdentity], o.Identity)
	for sfi, f := range o.Files {
		copy(c.files[sfi], f)
	}
	return c
}

// ReadFile returns a file's content, records one after another; nil when there is none.
func (c *COS) ReadFile(sfi byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.files[sfi])
}

// WriteFile is a write by a meter that has the keys, outside a reader.
func (c *COS) WriteFile(sfi byte, off int, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[sfi]
	switch {
	case c.inSlot:
		return ErrInUse
	case off < 0 || off+len(data) > len(f):
		return errors.New("write file: outside the file")
	}
	copy(f[off:], data)
	return nil
}

// KeyTries is how often a wrong authentication with that key is still allowed.
func (c *COS) KeyTries(kid byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries[kid]
}

// Insert puts the card into a slot.
func (c *COS) Insert() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inSlot {
		return ErrInUse
	}
	c.inSlot = true
	return nil
}

// Remove takes it out.
func (c *COS) Remove() {
	c.PowerOff()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inSlot = false
}

// PowerOff forgets selection, authentication and challenge.
func (c *COS) PowerOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off(false)
}

func (c *COS) off(powered bool) {
	c.powered, c.selected, c.authed, c.challenge, c.fetch = powered, false, 0, nil, nil
	c.purse.begun = nil
}

// Reset powers up; the ATR's historical bytes are the serial number.
func (c *COS) Reset() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off(true)
	return append([]byte{0x3B, 0x68, 0x00, 0x00}, c.o.Serial[:]...)
}

// Save makes a script's answer without effect possible.
func (c *COS) Save() func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	files, tries := map[byte][]byte{}, map[byte]int{}
	for k, f := range c.files {
		files[k] = bytes.Clone(f)
	}
	for k, n := range c.tries {
		tries[k] = n
	}
	authed, purse, o := c.authed, c.purse, c.o
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.files, c.tries, c.authed, c.purse, c.o = files, tries, authed, purse, o
	}
}

// interrupt: updates are atomic in this family, so a pull in the middle leaves the old content. A wrong authentication
// is counted before it is compared.
func (c *COS) interrupt(command []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd, err := apdu.ParseCommand(command); err == nil && cmd.INS == 0x82 && len(cmd.Data) > 0 && c.tries[cmd.P2] > 0 {
		c.tries[cmd.P2]--
	}
	return ErrPulled
}

// Exchange carries out a command. A challenge is good for the command right after it.
func (c *COS) Exchange(command []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cmd, err := apdu.ParseCommand(command)
	if err != nil || !c.powered {
		return sw(swWrongLength).Bytes(), nil
	}
	challenge := c.challenge
	c.challenge = nil
	r := c.do(cmd, challenge)
	if cmd.INS != 0x50 && cmd.INS != 0xC0 { // a load that was begun is good for the next command only
		c.purse.begun = nil
	}
	return r.Bytes(), nil
}

func (c *COS) do(cmd apdu.Command, challenge []byte) apdu.Response {
	switch uint16(cmd.CLA)<<8 | uint16(cmd.INS) {
	case 0x00A4:
		return c.selectFile(cmd)
	case 0x00C0:
		return c.getResponse(cmd)
	case 0x0084:
		return c.getChallenge(cmd)
	case 0x0082:
		return c.authenticate(cmd, challenge)
	case 0x00B0, 0x00B2:
		return c.read(cmd)
	case 0x8050:
		return c.beginLoad(cmd)
	case 0x8052:
		return c.creditLoad(cmd)
	case 0x805A:
		return c.proveLoad(cmd)
	case 0x805C:
		return c.balance(cmd)
	case 0x04D6, 0x04DC:
		return c.update(cmd, challenge)
	case 0x84D4:
		return c.writeKey(cmd, challenge)
	case 0x00D6, 0x00DC, 0x80D4:
		return sw(swSecurity)
	}
	return sw(swUnknownINS)
}

// newChallenge is random: a protection that worked with a fixed one would prove nothing.
func newChallenge(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	return b
}
