package cardsim

import (
	"encoding/json"
	"errors"
	"fmt"
)

// keptMemory is the file of an AT88SC102 or of a Mifare.
type keptMemory struct {
	Chip    string `json:"chip"`
	Memory  hexed  `json:"memory"`
	Counted bool   `json:"counted,omitempty"` // the erase counter of zone 2 is enabled
	Fresh   bool   `json:"fresh,omitempty"`   // the issuer fuse is intact
}

func (c *AT88SC102) state() keptMemory {
	c.mu.Lock()
	defer c.mu.Unlock()
	return keptMemory{Chip: "AT88SC102", Memory: append(hexed{}, c.mem[:]...), Counted: c.ec2, Fresh: c.fresh}
}

func (c *AT88SC102) restore(raw []byte) error {
	var f keptMemory
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	c.ec2, c.fresh = f.Counted, f.Fresh
	return f.Memory.into(c.mem[:], "memory")
}

func (m *Mifare) state() keptMemory {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := keptMemory{Chip: "Mifare Classic"}
	for _, b := range m.mem {
		f.Memory = append(f.Memory, b[:]...)
	}
	return f
}

func (m *Mifare) restore(raw []byte) error {
	var f keptMemory
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	if len(f.Memory) != len(m.mem)*16 {
		return fmt.Errorf("memory: want %d bytes of hex", len(m.mem)*16)
	}
	for i := range m.mem {
		copy(m.mem[i][:], f.Memory[16*i:])
	}
	return nil
}

// keptCOS is the file of a CPU card.
type keptCOS struct {
	Chip    string           `json:"chip"`
	AID     hexed            `json:"aid"`
	Serial  hexed            `json:"serial"`
	Keys    map[string]hexed `json:"keys"`
	Back    bool             `json:"back,omitempty"` // key 01 may write the meter's file
	SM4     bool             `json:"sm4,omitempty"`
	Most    int              `json:"tries_at_most"`
	Tries   map[byte]int     `json:"tries"`
	Files   map[byte]hexed   `json:"files"`
	Single  bool             `json:"records_one_by_one,omitempty"`
	Mum     bool             `json:"tells_no_tries,omitempty"`
	Balance uint32           `json:"balance,omitempty"`
	Loads   uint16           `json:"loads,omitempty"`
	Last    hexed            `json:"last_load,omitempty"`
}

// keys are the key files of the card by name.
func (o *COSOptions) keys() map[string][]byte {
	return map[string][]byte{"vend": o.Vend[:], "meter": o.Meter[:], "line": o.Line[:], "load": o.Load[:], "control": o.Control[:]}
}

func (c *COS) state() keptCOS {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := keptCOS{
		Chip: "CPU", AID: c.o.AID, Serial: append(hexed{}, c.o.Serial[:]...), Keys: map[string]hexed{}, Back: c.o.Back, SM4: c.o.SM4, Most: c.o.Tries,
		Tries: c.tries, Files: map[byte]hexed{}, Single: c.o.Single, Mum: c.o.Mum, Balance: c.purse.balance, Loads: c.purse.loads, Last: c.purse.last,
	}
	for name, key := range c.o.keys() {
		f.Keys[name] = append(hexed{}, key...)
	}
	for sfi, content := range c.files {
		f.Files[sfi] = append(hexed{}, content...)
	}
	return f
}

func (c *COS) restore(raw []byte) error {
	var f keptCOS
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	fresh := NewCOS(COSOptions{AID: f.AID, Back: f.Back, SM4: f.SM4, Tries: f.Most, Single: f.Single, Mum: f.Mum, Balance: f.Balance, Loads: f.Loads})
	o := &fresh.o
	errs := []error{f.Serial.into(o.Serial[:], "serial")}
	for name, key := range o.keys() {
		errs = append(errs, f.Keys[name].into(key, name))
	}
	for sfi, content := range fresh.files {
		errs = append(errs, f.Files[sfi].into(content, fmt.Sprintf("file %d", sfi)))
	}
	for kid, n := range f.Tries {
		if _, ok := fresh.tries[kid]; !ok || n < 0 || n > o.Tries {
			errs = append(errs, fmt.Errorf("key %d has %d tries", kid, n))
			continue
		}
		fresh.tries[kid] = n
	}
	if n := len(f.Last); n != 0 && n != 10 {
		errs = append(errs, errors.New("last_load: want 10 bytes of hex"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	c.o, c.files, c.tries, c.purse = *o, fresh.files, fresh.tries, fresh.purse
	c.purse.last = f.Last
	return nil
}
