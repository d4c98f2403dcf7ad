package profile

import (
	"bytes"
	"slices"
)

// Block is a group of fields with one check and one commit rule, at one place or, as copies, at several.
type Block struct {
	Len    int     `toml:"len"`
	At     *int    `toml:"at"`    // the place of a block that is there once
	Slots  []Slot  `toml:"slots"` // the places of one with copies
	Fields []Field `toml:"fields"`
	Check  *Check  `toml:"check"`
	Commit *Commit `toml:"commit"`
}

// Slot is one place of a block.
type Slot struct {
	Name string `toml:"name"` // "a", "b", "main", "backup"
	At   int    `toml:"at"`
}

// Check says how a block proves that it is whole.
type Check struct {
	Kind Checksum `toml:"kind"`
	At   int      `toml:"at"`   // offset of the stored check in the block
	Over []Span   `toml:"over"` // what it covers, in this order
}

// Span is a piece of a block.
type Span struct {
	In   string `toml:"in"` // "self" or "header"
	From int    `toml:"from"`
	Len  int    `toml:"len"`
}

// CommitKind says how the writer makes a block count.
type CommitKind string

// Kinds of commit.
const (
	CommitByte  CommitKind = "byte"  // one byte, written last
	CommitCheck CommitKind = "check" // nothing but the checksum tells a whole block from a torn one
	CommitNone  CommitKind = "none"  // nothing tells them apart: an interrupted write can only be compared with its plan
)

// Commit is the commit rule of a block.
type Commit struct {
	Kind    CommitKind `toml:"kind"`
	At      int        `toml:"at"`
	Value   int        `toml:"value"`   // the block counts
	Invalid int        `toml:"invalid"` // the writer's mark for "being written"; any other value is invalid too
	Taken   *int       `toml:"taken"`   // the block counts, and the meter has taken it; nil when the meter leaves the byte alone
}

// counts reports whether the value of a commit byte makes its block count.
func (c *Commit) counts(v int) bool { return v == c.Value || c.Taken != nil && v == *c.Taken }

// Field finds a field by its meaning, nil when the block has none.
func (b *Block) Field(m Meaning) *Field {
	for i := range b.Fields {
		if b.Fields[i].Means == m {
			return &b.Fields[i]
		}
	}
	return nil
}

// Of gives the bytes of a slot within an image of the whole chip, not a copy; nil when the image is too short.
func (b *Block) Of(image []byte, slot int) []byte {
	if b == nil || slot < 0 || slot >= len(b.Slots) {
		return nil
	}
	at := b.Slots[slot].At
	if at+b.Len > len(image) {
		return nil
	}
	return image[at : at+b.Len : at+b.Len]
}

// Validity is what a slot's bytes say about itself.
type Validity int

// Validities.
const (
	Empty       Validity = iota // nothing but FF, or in a file but zeros: never written
	Valid                       // committed and whole
	Uncommitted                 // the invalid mark: a write was begun, and whatever the rest is does not count
	BadCommit                   // neither committed nor marked invalid
	BadCheck                    // committed, but the checksum is wrong
)

// Verify judges one slot of a block of p. A block without checksum and commit byte is Valid when not Empty: nothing on
// the card could prove it wrong.
func (p *Profile) Verify(b *Block, image []byte, slot int) Validity {
	raw := b.Of(image, slot)
	if raw == nil || allFF(raw) || p.zeroed(b, raw, slot) {
		return Empty
	}
	if c := b.Commit; c != nil && c.Kind == CommitByte {
		switch v := int(raw[c.At]); {
		case c.counts(v):
		case v == c.Invalid:
			return Uncommitted
		default:
			return BadCommit
		}
	}
	if want := p.sum(b, image, slot); !bytes.Equal(want, raw[b.Check.At:b.Check.At+len(want)]) {
		return BadCheck
	}
	return Valid
}

// zeroed: files are made full of zeros. Nothing that is committed by a byte, or has a check that zeros do not have, is.
func (p *Profile) zeroed(b *Block, raw []byte, slot int) bool {
	a, ok := p.areaOf(b, slot)
	return ok && a.File != 0 && b.Check.Kind != NoCheck && !slices.ContainsFunc(raw, func(x byte) bool { return x != 0 })
}

// Seal computes the check of a slot and stores it; the commit byte is the writer's business.
func (p *Profile) Seal(b *Block, image []byte, slot int) {
	if raw := b.Of(image, slot); raw != nil {
		copy(raw[b.Check.At:], p.sum(b, image, slot))
	}
}

func (p *Profile) sum(b *Block, image []byte, slot int) []byte {
	var cover []byte
	for _, s := range b.Check.Over {
		in := b.Of(image, slot)
		if s.In == SpanHeader {
			in = p.Header.Of(image, 0)
		}
		if s.From+s.Len <= len(in) {
			cover = append(cover, in[s.From:s.From+s.Len]...)
		}
	}
	return b.Check.Kind.Of(cover)
}

// Where a Span can lie.
const (
	SpanSelf   = "self"
	SpanHeader = "header"
)
