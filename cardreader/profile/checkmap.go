package profile

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tally/cardreader/space"
)

// areas checks [[map]]: one run of bytes without gaps, of areas that the chip has and that do not lie on each other.
func (c *checker) areas() {
	p := c.p
	if len(p.Map) == 0 {
		if p.Chip.Type != "sle4442" && slices.Contains(chipTypes, p.Chip.Type) {
			c.bad("chip.type", "a %s is no run of bytes: want a [[map]] of its zones, files or blocks", p.Chip.Type)
		}
		return
	}
	if !slices.Contains(chipTypes, p.Chip.Type) {
		return
	}
	end := 0
	for i, a := range p.Map {
		key := fmt.Sprintf("map[%d]", i)
		if a.At != end {
			c.bad(key+".at", "at is %d: want %d, where the area before ends", a.At, end)
		}
		end = a.At + max(a.Len, 0)
		if strings.TrimSpace(a.Name) == "" {
			c.bad(key+".name", "missing: want the maker's name for the file or zone")
		}
		if where, err := a.Check(p.Chip.Type); err != nil {
			c.bad(key+"."+where, "%v", err)
			continue
		}
		for j, b := range p.Map[:i] {
			if clash(a, b) {
				c.bad(key+".from", "lies on map[%d] on the chip", j)
			}
		}
	}
	if p.Chip.Size != end {
		c.bad("chip.size", "size is %d: want %d, the end of the map", p.Chip.Size, end)
	}
}

// clash reports whether two areas share bytes of the chip.
func clash(a, b space.Area) bool {
	unit := 1
	switch {
	case a.Kind == space.Purse || b.Kind == space.Purse:
		return a.Kind == b.Kind
	case a.File != b.File:
		return false
	case a.Kind != space.Bytes && !a.Falls() && a.Kind != space.Binary:
		unit = a.Unit()
	}
	return a.From < b.From+b.Len/unit && b.From < a.From+a.Len/unit
}

var chipTypes = []string{"sle4442", "at88sc102", "cpu", "mifare"}

// keys checks where the keys are said to be, and the name of a CPU card's application.
func (c *checker) keys() {
	p := c.p
	if id, err := hex.DecodeString(p.Chip.AID); err != nil || len(id) > 16 || (len(id) > 0) != (p.Chip.Type == "cpu") {
		c.bad("chip.aid", "%q: want 1 to 16 bytes of hex for a cpu card, and none for other chips", p.Chip.AID)
	}
	if p.Chip.Counted && p.Chip.Type != "at88sc102" {
		c.bad("chip.counted", "only an at88sc102 counts its erasures")
	}
	if p.Chip.Derive != "" && one(c, "chip.derive", p.Chip.Derive, "hmac_sha256", "3des_card_no", "sm4_card_no", "xor_card_no") && p.Chip.PSC != "derived" {
		c.bad("chip.derive", `goes with psc = "derived"`)
	}
	if p.Chip.Dialect != "" {
		one(c, "chip.dialect", p.Chip.Dialect, "acs", "acs-old", "omnikey")
	}
	if p.Keys == nil {
		if p.Chip.Type == "cpu" {
			c.bad("keys", `missing: want a table [keys] with algorithm, vend and line`)
		}
		return
	}
	if id, err := hex.DecodeString(p.Keys.Module); err != nil || len(id) > 16 {
		c.bad("keys.module", "%q: want hex of at most 16 bytes", p.Keys.Module)
	}
	one(c, "keys.algorithm", p.Keys.Algorithm, "3des", "sm4")
	if p.Keys.Control != nil && p.Chip.Type != "cpu" {
		c.bad("keys.control", "goes with a cpu card: other chips have no key to write keys under")
	}
	for _, n := range p.Keys.all() {
		name, k := n.name, n.key
		if k == nil {
			if p.Chip.Type == "cpu" && (name == "vend" || name == "line") {
				c.bad("keys", "no %s: want %s = { id = …, usage = …, version = … }", name, name)
			}
			continue
		}
		if k.Type < 0 || k.Type > 255 {
			c.bad("keys."+name+".type", "type %d: want a byte", k.Type)
		}
		if k.ID < 0 || k.ID > 255 || k.Usage < 0 || k.Usage > 255 || k.Version < 0 || k.Version > 255 {
			c.bad("keys."+name, "id %d, usage %d, version %d: want bytes", k.ID, k.Usage, k.Version)
		}
	}
}

type namedKey struct {
	name string
	key  *Key
}

func (k *Keys) all() []namedKey {
	return []namedKey{{"vend", k.Vend}, {"line", k.Line}, {"load", k.Load}, {"meter", k.Meter}, {"control", k.Control}, {"erase_1", k.Erase1}, {"erase_2", k.Erase2}}
}

// onMap holds the slots to what the areas below them can do.
func (c *checker) onMap(place func(WriteOp) int) {
	for i, s := range c.p.Order.Slots {
		c.slotOn(fmt.Sprintf("order.slots[%d]", i), s, place)
	}
	for _, n := range c.blocks() {
		for i := range slotsOf(n.b) {
			_, within := c.p.areaOf(n.b, i)
			if !within && len(c.p.Map) > 0 && n.key != "header" { // the header is not written after issue
				c.bad(n.key, "reaches over the end of an area of the map: want it within one")
			}
			if z, ok := c.zoneBelow(n.b, i); ok && n.key != "order" && n.key != "write_back" {
				c.bad(n.key, "lies in %q, which is erased with every order: want another place", z)
			}
		}
	}
}

// zoneBelow names a zone that a slot reaches into.
func (c *checker) zoneBelow(b *Block, slot int) (string, bool) {
	parts, _ := space.Split(c.p.Map, b.Slots[slot].At, b.Len)
	for _, p := range parts {
		if p.Area.Kind == space.Zone {
			return p.Area.Name, true
		}
	}
	return "", false
}

func slotsOf(b *Block) []Slot {
	if b == nil {
		return nil
	}
	return b.Slots
}

// slotOn: bits of a zone only fall, so an order goes into an erased one; and what is written whole needs no commit.
func (c *checker) slotOn(key string, s Slot, place func(WriteOp) int) {
	a, ok := c.p.areaOf(c.p.Order, slices.Index(c.p.Order.Slots, s))
	if !ok {
		a.Kind = space.Bytes
	}
	whole := a.Unit() > 1 && a.Unit() == c.p.Order.Len && (s.At-a.At)%a.Unit() == 0
	switch {
	case (a.Kind == space.Zone) != (place(WriteErase) >= 0):
		c.bad("rules.write", `"erase" goes with order slots in zones, and with no other`)
	case a.Kind == space.Zone && c.p.Order.Commit.Kind == CommitByte && c.p.Order.Commit.Invalid != 0xFF:
		c.bad("order.commit.invalid", "is %d: an erased zone is 0xFF", c.p.Order.Commit.Invalid)
	case a.Kind == space.Zone && c.shared(a, s):
		c.bad(key, "another order slot lies in %q: it would be erased too", a.Name)
	case (place(WriteRecord) >= 0) != (a.Unit() > 1):
		c.bad("rules.write", `"record" goes with order slots in records, blocks or the purse, and with no other`)
	case a.Unit() > 1 && !whole:
		c.bad(key, "want all of one record: %d bytes at a multiple of that from the start of %q", a.Unit(), a.Name)
	case a.Kind == space.Cyclic:
		c.bad(key, "%q is written by the card's own side", a.Name)
	}
}

func (c *checker) shared(a space.Area, s Slot) bool {
	return slices.ContainsFunc(c.p.Order.Slots, func(o Slot) bool { return o != s && o.At >= a.At && o.At < a.End() })
}

// areaOf is the area that a slot of a block lies in; false when it lies in none or in more than one.
func (p *Profile) areaOf(b *Block, slot int) (space.Area, bool) {
	at := b.Slots[slot].At
	a, ok := space.Find(p.Map, at)
	return a, ok && at+b.Len <= a.End()
}

// OrderArea is the area of an order slot, of kind Bytes where the profile has no map.
func (p *Profile) OrderArea(slot int) space.Area {
	if a, ok := p.areaOf(p.Order, slot); ok {
		return a
	}
	return space.Area{Kind: space.Bytes, Len: p.Chip.Size}
}
