package dump

import (
	"encoding/hex"
	"fmt"

	"tally/cardreader/profile"
)

// Field is one field of a card, where it lies and what it says.
type Field struct {
	Block string `json:"block"` // header, order, write_back, tariff, stamp
	Slot  string `json:"slot"`  // "a", "b"; empty where there is only one
	Name  string `json:"name"`  // the maker's name
	Means string `json:"means"` // what the software knows it as
	Addr  int    `json:"addr"`  // of its first byte on the card
	Len   int    `json:"len"`
	Hex   string `json:"hex"`
	Text  string `json:"text"`  // the value as people write it; empty when it is not set or cannot be read
	Wrong string `json:"wrong"` // why it cannot be read
}

// Slot is how one copy of a block stands.
type Slot struct {
	Block string `json:"block"`
	Slot  string `json:"slot"`
	Addr  int    `json:"addr"`
	Len   int    `json:"len"`
	State string `json:"state"` // empty, valid, uncommitted, bad_commit, bad_check
}

// named is a block of a profile under its name in the file.
type named struct {
	name  string
	block *profile.Block
}

func blocks(p *profile.Profile) []named {
	all := []named{{"header", p.Header}, {"order", p.Order}, {"write_back", p.WriteBack}, {"tariff", p.Tariff}, {"stamp", p.Stamp}}
	kept := all[:0]
	for _, n := range all {
		if n.block != nil {
			kept = append(kept, n)
		}
	}
	return kept
}

// Slots says how each block of a card stands.
func Slots(p *profile.Profile, image []byte) []Slot {
	slots := []Slot{}
	for _, n := range blocks(p) {
		for i, s := range n.block.Slots {
			slots = append(slots, Slot{n.name, slotName(n.block, i), s.At, n.block.Len, validity(p.Verify(n.block, image, i))})
		}
	}
	return slots
}

// Explain lists every field of every block that lies within the image, in the order of the profile.
func Explain(p *profile.Profile, image []byte) []Field {
	fields := []Field{}
	for _, n := range blocks(p) {
		for i := range n.block.Slots {
			raw := n.block.Of(image, i)
			if raw == nil {
				continue
			}
			for j := range n.block.Fields {
				fields = append(fields, explain(n, i, &n.block.Fields[j], raw))
			}
		}
	}
	return fields
}

func explain(n named, slot int, f *profile.Field, raw []byte) Field {
	out := Field{Block: n.name, Slot: slotName(n.block, slot), Name: f.Name, Means: string(f.Means), Addr: n.block.Slots[slot].At + f.At, Len: f.Len}
	b, err := f.Bytes(raw)
	if err == nil {
		out.Hex = hex.EncodeToString(b)
		out.Text, err = text(f, raw)
	}
	if err != nil {
		out.Wrong = err.Error()
	}
	return out
}

// text prefers the profile's own word for a value; a region is written in hex digits everywhere.
func text(f *profile.Field, raw []byte) (string, error) {
	if f.Means == profile.Region {
		n, err := f.Int(raw)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%04X", n), nil
	}
	if len(f.Words) > 0 {
		if w, err := f.Word(raw); err != nil || w != "" {
			return w, err
		}
	}
	return f.Text(raw)
}

// slotName is empty for a block that is there once.
func slotName(b *profile.Block, i int) string {
	if len(b.Slots) < 2 {
		return ""
	}
	return b.Slots[i].Name
}

func validity(v profile.Validity) string {
	switch v {
	case profile.Empty:
		return "empty"
	case profile.Valid:
		return "valid"
	case profile.Uncommitted:
		return "uncommitted"
	case profile.BadCommit:
		return "bad_commit"
	}
	return "bad_check"
}
